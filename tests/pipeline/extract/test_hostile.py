"""Two thousand generated pages made to hang, crash or bloat an extractor."""

from __future__ import annotations

import random
import time

import pytest

from thresher.pipeline.extract import Extracted, Extractor, ExtractSettings
from thresher.pipeline.read.records import Page

TAGS = [
    "div",
    "span",
    "b",
    "i",
    "font",
    "p",
    "table",
    "ul",
    "ol",
    "li",
    "dl",
    "blockquote",
    "section",
    "article",
    "svg",
    "a",
    "form",
    "fieldset",
    "center",
    "q",
]
WORDS = [
    "words",
    "that",
    "people",
    "read",
    "and",
    "write",
    "on",
    "the",
    "web",
    "every",
    "day",
    "of",
    "the",
    "year",
]


def prose(random_numbers, count):
    return " ".join(random_numbers.choices(WORDS, k=count)) + "."


def deep(r):
    tag = r.choice(TAGS)
    return f"<{tag}>" * r.choice([300, 999, 1001, 5000, 50_000]) + prose(r, 30)


def deep_mix(r):
    return "".join(f"<{r.choice(TAGS)}>" + "x " * r.randint(0, 1) for _ in range(3000)) + prose(
        r, 9
    )


def big_script(r):
    body = "var a = '<div><p>text</p>';" * r.choice([4000, 40_000, 280_000])
    return f"<p>{prose(r, 40)}</p><script>{body}</script><p>{prose(r, 40)}</p>"


def big_table(r):
    cells = "<td>" + "<td>".join(r.choices(WORDS, k=r.randint(1, 6)))
    return "<table>" + f"<tr>{cells}" * r.choice([300, 3000, 30_000])


def many_links(r):
    close = r.choice(["</a>", ""])
    return "".join(
        f"<a href=/{i}>{r.choice(WORDS)}{close} " for i in range(r.choice([200, 20_000]))
    )


def unclosed(r):
    return "".join(
        f"<{r.choice(TAGS)} {prose(r, 3)}<p>{prose(r, 5)}" for _ in range(r.randint(1, 600))
    )


def noise(r):
    html = f"<html><body><h1>{prose(r, 4)}</h1>" + f"<p>{prose(r, 50)}</p>" * 20
    data = bytearray(html.encode())
    for _ in range(r.randint(1, 200)):
        data[r.randrange(len(data))] = r.choice(b'\x00<>&"=\xff\x80-!/')
    return bytes(data)


def references(r):
    each = r.choice(["&#xD800;", "&#0;", "&#x110000;", "&amp", "&#57343;", "\x00", "&lt;&#9;"])
    return f"<p>{prose(r, 20)}{each * r.choice([5, 50_000])}</p><p>{prose(r, 20)}"


def surrogates(r):
    return (f"<p>{prose(r, 20)} \ud800 \udfff</p>" * r.randint(1, 50)).encode(
        "utf-8", "surrogatepass"
    )


def long_line(r):
    return "<pre>" + r.choice(["x", "x ", "\t", "\n", "<br>", "-"]) * 1_000_000 + prose(r, 9)


def attributes(r):
    return "<p " + r.choice(["a=b ", "class='", "=", "\n/"]) * 200_000 + f">{prose(r, 20)}"


def lists(r):
    return "<ul>" + f"<li>{r.choice(WORDS)}<ol><li>x</ol>" * r.choice([100, 20_000])


KINDS = (
    deep, deep_mix, big_script, big_table, many_links, unclosed, noise, references, surrogates,
    long_line, attributes, lists,
)  # fmt: skip


def pages(count):
    for i in range(count):
        r = random.Random(i)
        html = KINDS[i % len(KINDS)](r)
        data = html if isinstance(html, bytes) else html.encode()
        yield Page(f"{i} {KINDS[i % len(KINDS)].__name__}", "", "", data, True, "utf-8")


def check(count, profile):
    """None may run into the deadline: that would be a reason of its own."""
    slowest = (0.0, "")
    reasons = []
    with Extractor(ExtractSettings(profile=profile, timeout_seconds=10)) as extractor:
        extractor.extract([Page("", "", "", b"<p>words to start with</p>", True, "")])
        for page in pages(count):
            start = time.monotonic()
            (result,) = extractor.extract([page])
            slowest = max(slowest, (time.monotonic() - start, page.record_id))
            if isinstance(result, Extracted):
                result.text.encode()
                assert "\x00" not in result.text
                assert result.facts.fallback in (None, "depth", "tags", "noscript"), page.record_id
            else:
                assert result.record_id == page.record_id
                reasons.append((result.reason, page.record_id))
    print(f"{profile}: slowest {slowest[0]:.2f} s ({slowest[1]}), rejected {len(reasons)}")
    assert {reason for reason, _ in reasons} <= {"empty", "undecodable"}, reasons


def test_one_page_of_each_kind():
    check(len(KINDS), "balanced")


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("profile", ["balanced", "fast"])
def test_two_thousand_pages(profile):
    check(2000, profile)
