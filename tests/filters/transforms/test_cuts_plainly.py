"""Cuts against slow and obvious readings: what goes, character by character."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.filters.transforms.cuts import CUTS, Cut, apply_cuts, cut_windows, drop_lines, without


def windows_plainly(text, matches):
    """The spans that go: each match with 200 characters around, to a space within 40 more."""
    gone = set()
    for match in matches:
        first, last = match["start"], match["end"]
        start = max(first - 200, 0)
        before = [n for n in range(max(start - 40, 0), start) if text[n].isspace()]
        # A space on the very edge of a text's start is no better than the start.
        if before:
            start = before[-1] + 1
        end = min(last + 200, len(text))
        after = [n for n in range(end, min(end + 40, len(text))) if text[n].isspace()]
        end = after[0] if after else end
        gone |= set(range(start, end))
    if not gone:
        return []
    parts = runs([n for n in range(len(text)) if n not in gone])
    kept = [part for part in parts if part[1] - part[0] >= 200]
    if len(kept) > 10:
        return [(0, len(text))]
    stays = {n for start, end in kept for n in range(start, end)}
    return runs([n for n in range(len(text)) if n not in stays])


def runs(numbers):
    """Consecutive numbers as (first, after the last)."""
    found = []
    for n in numbers:
        if found and found[-1][1] == n:
            found[-1][1] = n + 1
        else:
            found.append([n, n + 1])
    return [tuple(run) for run in found]


def drawn(rng):
    """A text with few or many spaces, and matches that lie close or far."""
    rare = rng.choice((4, 30, 80))
    text = "".join(rng.choice(" \n") if rng.randrange(rare) == 0 else "x" for _ in range(8000))
    matches, at = [], 0
    while True:
        at += rng.choice((0, 1, 150, 399, 400, 401, 430, 599, 600, 601, 640, 680, 800, 1500))
        size = rng.choice((1, 20, 80))
        if at + size > len(text) or len(matches) == rng.choice((3, 20)):
            return text[: rng.choice((at, at + 199, at + 200, at + 201, at + 400, len(text)))], [
                match for match in matches if match["end"] <= at
            ]
        matches.append({"start": at, "end": at + size})
        at += size


@pytest.mark.parametrize("seed", range(4))
def test_windows_are_what_a_plain_reading_says(seed):
    rng = random.Random(seed)
    for _ in range(100):
        text, matches = drawn(rng)
        spans = cut_windows(text, matches)
        assert [(start, end) for start, end, _ in spans] == windows_plainly(text, matches)
        assert {between for *_, between in spans} <= {"\n\n", ""}
        parts = [text[a:b] for a, b in runs([n for n in range(len(text)) if outside(n, spans)])]
        assert without(text, spans) == "\n\n".join(parts)


def outside(place, spans):
    return not any(start <= place < end for start, end, _ in spans)


def spaced(*sizes):
    """Parts of `x` of the given sizes and matches of one `m` between them, without any space."""
    text, matches = "", []
    for size in sizes[:-1]:
        text += "x" * size + "m"
        matches.append({"start": len(text) - 1, "end": len(text)})
    return text + "x" * sizes[-1], matches


@pytest.mark.parametrize(("room", "left"), [(199, 0), (200, 200), (201, 201)])
def test_a_part_of_200_characters_stays(room, left):
    for sizes in ((200 + room, 200), (200, 200 + room), (200, 400 + room, 200)):
        text, matches = spaced(*sizes)
        assert without(text, cut_windows(text, matches)) == "x" * left


@pytest.mark.parametrize(("count", "left"), [(9, 9), (10, 10), (11, 0)])
def test_a_text_in_more_than_ten_parts_goes_whole(count, left):
    text, matches = spaced(200, *[600] * count, 200)
    assert len(without(text, cut_windows(text, matches)).split()) == left
    text, matches = spaced(400, *[600] * (count - 2), 400)
    assert len(without(text, cut_windows(text, matches)).split()) == left


@pytest.mark.parametrize("distance", [0, 1, 39, 40, 41])
def test_a_window_ends_at_white_space_that_is_near(distance):
    """The distance of a space from where the window would end without it."""
    match = {"start": 700, "end": 701}
    near = distance < 40
    text = "x" * 1401
    behind = text[: 901 + distance] + " " + text[902 + distance :]
    assert cut_windows(behind, [match]) == [(500, 901 + distance * near, "\n\n")]
    before = text[: 499 - distance] + " " + text[500 - distance :]
    assert cut_windows(before, [match]) == [(500 - distance * near, 901, "\n\n")]


def lines_plainly(text, numbers):
    """The text without lines; of blank lines on both sides of what goes, those behind it go."""
    lines = text.split("\n")
    kept, dropped = [], False
    for number, line in enumerate(lines):
        if number in numbers:
            dropped = True
        elif dropped and not line.strip() and (not kept or not kept[-1].strip()):
            continue
        else:
            kept.append(line)
            dropped = False
    if dropped:  # what ends the text leaves no line ends behind
        while kept and not kept[-1]:
            kept.pop()
    return "\n".join(kept)


@settings(max_examples=400, deadline=None)
@given(
    lines=st.lists(st.sampled_from(["", "", " ", "a", "bc"]), min_size=1, max_size=9),
    gone=st.sets(st.integers(0, 8)),
)
def test_dropped_lines_are_what_a_plain_reading_says(lines, gone):
    text = "\n".join(lines)
    numbers = sorted(n for n in gone if n < len(lines))
    spans = drop_lines(text, numbers)
    assert without(text, spans) == lines_plainly(text, numbers)


def test_what_is_left_between_cuts_at_the_end_is_not_blank():
    for text, numbers in (("a\nX\n\nY", [1, 3]), ("a\nX\n\nY\n\nZ", [1, 3, 5]), ("X\n\nY", [0, 2])):
        assert without(text, drop_lines(text, numbers)) == lines_plainly(text, numbers)
        assert lines_plainly(text, numbers) == text[: text.index("X")].rstrip("\n")


def test_nothing_found_is_nothing_cut():
    assert cut_windows("a" * 1000, []) == []
    assert drop_lines("a\nb", []) == []


@pytest.mark.parametrize(
    ("spans", "left"),
    [
        ([(2, 4, "|"), (4, 6, "-")], "ab|ghij"),
        ([(2, 4, ""), (4, 6, "--")], "ab--ghij"),
        ([(2, 4, "--"), (3, 6, "+")], "ab--ghij"),
        ([(2, 4, "|"), (5, 6, "-")], "ab|e-ghij"),
        ([(2, 8, "|"), (3, 4, "-")], "ab|ij"),
        ([(0, 2, "|"), (8, 10, "-")], "cdefgh"),
        ([(8, 10, "-"), (0, 2, "|"), (4, 5, "+")], "cd+fgh"),
        ([(0, 10, "|")], ""),
        ([], "abcdefghij"),
    ],
)
def test_adjacent_spans_are_one_and_the_longest_separator_stands(spans, left):
    assert without("abcdefghij", spans) == left


def test_a_cut_counts_the_texts_that_it_changed():
    texts = pa.chunked_array([["a b", "c", "d e"]]).combine_chunks()
    first = Cut("first", 1, "", "", "", lambda _, found: [(0, n, "") for n in found])
    none = Cut("none", 1, "", "", "", lambda *_: [])
    column = pa.array([[2], None, [1]], pa.list_(pa.int64()))
    made, changed = apply_cuts(texts, [(first, column), (none, column)])
    assert made.to_pylist() == ["b", "c", " e"]
    assert changed == {"first": 2, "none": 0}
    same, changed = apply_cuts(texts, [(none, column)])
    assert same.to_pylist() == texts.to_pylist()
    assert changed == {"none": 0}
    assert apply_cuts(texts, []) == (texts, {})


def test_cuts_say_what_they_read():
    assert {cut.name: (cut.column, cut.version) for cut in CUTS} == {
        "repeated_lines": ("repeated_line_numbers", 2),
        "cut_contamination": ("contamination_spans", 1),
    }
