"""How lines end for readers: what stands behind a terminal mark, and what is no end."""

from __future__ import annotations

import pyarrow as pa
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.filters.measure import measure
from thresher.filters.normal_text import normal_texts

ENDS = [
    "It rained.", "Did it rain?", "“It rained.”", "'It rained.'", "«Il pleut. »", "It rained.)",
    "(It rained.)", "[It rained.]", "It rained.[12]", "It rained. [12]", "It rained.[1][2]",
    "It rained.[a]", "It rained.[note 3]", "It rained.[citation needed]", "It rained.[1, 2–4]",
    "It rained.[12]: 34", "It rained.[12]:34–35", "It rained.(12)", "It rained. (a)",
    "It rained.12", "On it.7", "It rained.1,2", "It rained.”12", "It rained!3", "It rained.¹²",
    "It rained.†", "It rained.*", "**It rained.**", "It rained. 😀", "It rained.👍🏽",
    "It rained! ❤️",
    "It rained.[...]", "It rained. […]", "雨が降った。」", "It rained.\u200f", "Hm...",
    "It rained.↩︎", "It rained.👩‍🚒", "“‘It rained.’” [3] 😀", "It rained.[12]†",
]  # fmt: skip
OTHERS = [
    "It rained", "“Rain”", "(rain)", "Rain [12]", "Rain 12", "In 1990", "3.12", "No.12", "U.S.12",
    "Rain 😀", "Rain (12)", "Jaws [1975]", "Rain:", "Rain,", "Rain…", "Rain […]", "Rain [...]",
    "", "[12]", "12", "†", "😀", "p.12", "Acme Ltd. (London)", "Rain.]: 12345678901",
    "[It rained.] x",
]  # fmt: skip

lines = st.lists(
    st.one_of(
        st.sampled_from(["word", "Word", "no", ".", "!", "。", ".", "]", "[", "(", ")", "[12]"]),
        st.sampled_from(["[...]", "[note 3]", "(1, 2)", "12", "1,2", "3–4", ":", ": ", " ", "”"]),
        st.sampled_from(
            ["'", "†", "¹", "😀", "👍🏽", "❤️", "\u200d", "…", "a", "ß", "字", "*", "x" * 41]
        ),
        st.characters(codec="utf-8"),
    ),
    max_size=12,
).map("".join)


def fractions(texts: list[str]) -> list[float | None]:
    measured = measure(pa.array(texts, pa.string()), None)
    return [row["sentence_end_fraction"] for row in measured["lines"].to_pylist()]


@pytest.mark.parametrize("line", ENDS)
def test_a_sentence_ends_behind(line):
    assert fractions([line, f"{line}\n\n  Rain\n"]) == [1, 0.5]
    assert reference.ends_sentence(line)


@pytest.mark.parametrize("line", OTHERS)
def test_no_sentence_ends_with(line):
    expected = 0 if line else None
    assert fractions([line, f"{line}\nIt rained."]) == [expected, 0.5 if line else 1]
    assert not reference.ends_sentence(line)


@given(st.lists(lines, min_size=1, max_size=8))
@settings(max_examples=500, deadline=None)
def test_the_kernel_reads_ends_as_plain_python_does(texts):
    for text, found in zip(texts, fractions(texts), strict=True):
        solid = [line for line in text.splitlines() if line.strip()]
        ended = sum(reference.ends_sentence(line.rstrip()) for line in solid)
        assert found == (ended / len(solid) if solid else None), text


@given(st.lists(lines, min_size=1, max_size=8))
@settings(max_examples=200, deadline=None)
def test_what_the_published_reading_calls_an_end_is_one(parts):
    breaks = "\v\f\x1c\x1d\x1e\x85"  # where lines of the one reading are none of the other
    text = "\n".join("".join(c for c in part if c not in breaks) for part in parts)
    measured = measure(normal_texts(pa.array([text])), None)
    published = measured["fineweb"].to_pylist()[0]["terminal_mark_line_fraction"]
    own = measured["lines"].to_pylist()[0]["sentence_end_fraction"]
    assert (own is None) == (published is None)
    if own is not None:
        assert own >= published


def test_hostile_lines_cost_no_more_than_their_length():
    for mark in ("]", ")", "[", "](", "1", "”", "[1]", ".1"):
        assert fractions([mark * 200_000]) in ([0], [1])
