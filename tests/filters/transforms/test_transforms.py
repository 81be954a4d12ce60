"""Transforms are idempotent, independent of batching, linear, and leave prose alone."""

from __future__ import annotations

import time

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.filters.errors import ConfigError
from thresher.filters.transforms.cuts import CUTS, Cut, apply_cuts, without
from thresher.filters.transforms.line_cleaning import clean
from thresher.filters.transforms.pii import redact
from thresher.filters.transforms.registry import TRANSFORMS, transforms

ARTICLE = (
    "The regulator fined the company because its privacy policy did not say what it stores.\n"
    "\n"
    "JavaScript was written in ten days in 1995, and every browser needs to run it.\n"
    "Bake the cookies for ten minutes and allow cookies to cool on a rack.\n"
)


@pytest.mark.parametrize(
    "notice",
    [
        "We use cookies to give you the best experience on our site.",
        "By continuing to browse you agree to our use of cookies.",
        "Please enable JavaScript to view the comments.",
        "JavaScript is disabled in your browser.",
        "Privacy Policy | Terms of Use",
        "By clicking “Post Your Answer”, you agree to our terms of service and privacy policy",
        "x" * 1001,
        "Read on: " + "iVBORw0KGgo" * 100,
    ],
)
def test_notices_go_and_paragraphs_stay(notice):
    assert clean(f"One paragraph.\n\n{notice}\n\nAnother.") == "One paragraph.\n\nAnother."
    assert clean(f"{notice}\n\nOne.\n{notice}\nTwo.\n\n{notice}") == "One.\nTwo."
    assert clean(notice) == ""


@pytest.mark.parametrize(
    "prose",
    [
        ARTICLE,
        "Debugging JavaScript",
        "Quaint Cookie Mittens",
        "语" * 2000,
        "  indented\n\n\n\ncode()\n",
        "values[1] = values[2] + f[3](x)",
        "The list is [[1], [2]] and empty[0].",
        "We use cookies. " + "This is a long paragraph about how sites track people. " * 12,
        "",
        "\n\n",
    ],
)
def test_prose_is_left_as_it_is(prose):
    assert clean(prose) == prose


def test_citation_marks_are_stripped():
    assert clean("History[edit]\nIt rose.[1][2] Later [citation needed] it fell.[13]") == (
        "History\nIt rose. Later it fell."
    )
    assert clean("One.\n[1]\nTwo.") == "One.\nTwo."


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Write to jane.doe+news@mail.example.co.uk.", "Write to <EMAIL>."),
        ("<jane@x.org>, 'joe@y.com' or sales@firm.de!", "<<EMAIL>>, '<EMAIL>' or <EMAIL>!"),
        ("Host 8.8.4.4 and 2001:4860:4860::8888.", "Host <IP_ADDRESS> and <IP_ADDRESS>."),
        ("Call (212) 555-0123 or 212-555-0123.", "Call <PHONE> or <PHONE>."),
        ("+44 (0)20 7946 0958, +353 1 4334334", "<PHONE>, <PHONE>"),
        ("+4915123456789 +1.212.555.0123", "<PHONE> <PHONE>"),
        ("Tel: 020 7946 0958; fax 01 42 68 53 00", "Tel: <PHONE>; fax <PHONE>"),
        ("1-800-555-0199", "<PHONE>"),
        ("(724) 337-3300(724) 337-3300", "<PHONE><PHONE>"),
    ],
)
def test_personal_data_is_redacted(text, redacted):
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "On 2019-05-12, 12.05.2019 and 05/12/2019 at 12:30:45 +1000.",
        "Call on 2019-05-12 or phone 12.05.2019.",
        "It cost $1,234.56, € 1.234.567,89 or 212-555.",
        "Version 1.2.3.4, v2.1.0.3, Chrome 96.0.4664.110, react@18.2.0 and 10.0.19041.508",
        "ISBN 978-3-16-148410-0, ISBN 0-306-40615-2, ISBN: 212-555-0123, ISSN 2049-3630",
        "AAPL 189.84 +1.23 +0.65% 57123400 2015",
        "+5.25 10.25 2015 from -40 to +125 °C, +12,345.67 and +1234567.89",
        "127.0.0.1, 192.168.2.11, 10.3.2.72, ::1 and 2001:db8::1",
        "medium.com/@jane.doe, @handle, user@localhost, std::vector<int>",
        "between 2010 and 2015, pages 100-200-300, 3.14159265358979",
        "UPC 0123456789012, order 12345678901234567890, 100 200 3000",
        "SELECT * FROM t WHERE id = 212-555-01234",
    ],
)
def test_other_numbers_are_left_alone(text):
    assert redact(text) == text


PIECES = """
a 1 [ ] [1] [23] [edit] edit @ . .. a.b @a.com x@y.zz ' < > ( ) - + +1 212 (212) 555 0123 -0123
8.8.8.8 .8 tel Tel: phone fax call 2001: 4860:: :: cookies javascript we use enable |
privacy_policy {x} ISBN 2019 % $
"""
WHITE = [" ", "\n", "\n\n", "\t", "we use cookies", "privacy policy", "enable javascript"]
fragments = st.lists(st.sampled_from(PIECES.split() + WHITE), max_size=25).map("".join)


IDEMPOTENT = [transform for transform in TRANSFORMS if transform.idempotent]


@pytest.mark.parametrize("after", [". Then", ".[", ".\n", ".", ", or", ".."])
def test_an_address_may_end_a_sentence(after):
    assert redact(f"Write to a@example.com{after}").startswith("Write to <EMAIL>")


@settings(max_examples=300, deadline=None)
@given(text=fragments | st.text(max_size=60))
@pytest.mark.parametrize("transform", IDEMPOTENT, ids=lambda transform: transform.name)
def test_a_second_time_changes_nothing(transform, text):
    once = transform.change(text)
    assert transform.change(once) == once


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.none() | fragments | st.text(max_size=30), max_size=8), data=st.data())
@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda transform: transform.name)
def test_batches_do_not_matter_and_null_stays(transform, texts, data):
    whole = transform.apply(pa.array(texts, pa.string()))
    assert whole.to_pylist() == [None if t is None else transform.change(t) for t in texts]
    cut = data.draw(st.integers(0, len(texts)))
    array = pa.array(texts, pa.large_string())
    halves = [transform.apply(array[:cut]), transform.apply(array[cut:])]
    assert pa.concat_arrays(halves).to_pylist() == whole.to_pylist()
    assert {half.type for half in halves} == {pa.large_string()}


MEGABYTE = 1_000_000
UNITS = (
    "a@a.", "a", "a.", "a@", "@", "1", "1.", "1 ", "+1", "+12 ", "212-", "(212) ", "tel ",
    "tel: 1 ", "2001:", ".", "'", "-", "(", "[", "[1", "[1]", "[edit", "]", "\n", "cookies ",
    "we use a-", "+1 ", "+11111111111 ",
    "2 ", "call us me ", "javascript is ", "use of ", "by using cookies\n", "\n\n[1]",
)  # fmt: skip


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda transform: transform.name)
def test_hostile_text_takes_linear_time(transform):
    began = time.perf_counter()
    for unit in UNITS:
        for tail in ("", "@a.com [1] cookies 1.1.1.1"):
            text = (unit * (MEGABYTE // 10 // len(unit)) + tail) if tail else unit * 20_000
            transform.change(text)
    one = "a@a" + ".a" * (MEGABYTE // 2) + " " + "1." * (MEGABYTE // 2)
    transform.change(one)
    assert time.perf_counter() - began < 10, "a quadratic pattern takes minutes here"


def test_transforms_are_documented_and_looked_up():
    assert [t.name for t in transforms(["redact_pii", "clean_lines"], "x")] == [
        "redact_pii",
        "clean_lines",
    ]
    assert all(t.meaning.endswith(".") and t.version >= 1 for t in TRANSFORMS)
    with pytest.raises(ConfigError, match=r"curated.transforms\[1\].*Did you mean 'redact_pii'"):
        transforms(["clean_lines", "redact_pi"], "curated.transforms")
    with pytest.raises(ConfigError, match="applied already"):
        transforms(["clean_lines", "clean_lines"], "curated.transforms")
    own = next(each for each in TRANSFORMS if each.name == "clean_lines")
    assert transforms([own], "x") == (own,)
    with pytest.raises(ConfigError, match="'clean_lines' is applied already"):
        transforms(["clean_lines", own], "curated.transforms")


def test_cuts_come_first():
    assert [t.name for t in transforms(["repeated_lines", "redact_pii"], "x")] == [
        "repeated_lines",
        "redact_pii",
    ]
    with pytest.raises(ConfigError, match=r"x\[1\].*name it before 'clean_lines'"):
        transforms(["clean_lines", "repeated_lines"], "x")


SPANS = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 6), st.sampled_from(["", "|"])), max_size=5
)


@settings(max_examples=200, deadline=None)
@given(text=st.text("abcdef", max_size=12), spans=SPANS)
def test_what_any_cut_removes_is_gone(text, spans):
    spans = [(min(a, len(text)), min(a + n, len(text)), between) for a, n, between in spans]
    gone = {place for start, end, _ in spans for place in range(start, end)}
    kept = "".join(c for place, c in enumerate(text) if place not in gone)
    assert without(text, spans).replace("|", "") == kept
    assert not without(text, spans).startswith("|")


def test_cuts_are_applied_together_and_counted():
    texts = pa.array(["menu\nkeep\nfoot", "keep", "cut me"])
    whole = Cut("whole", 1, "", "", "", lambda text, _: [(0, len(text), "")])
    line = pa.array([[0, 2], None, []], pa.list_(pa.int32()))
    all_of = pa.array([[], [], [1]], pa.list_(pa.int32()))
    made, changed = apply_cuts(texts, [(whole, all_of), (CUTS[0], line)])
    assert made.to_pylist() == ["keep", "keep", ""]
    assert changed == {"whole": 1, "repeated_lines": 1}
