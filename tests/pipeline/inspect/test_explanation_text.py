"""An explanation prints as a person reads it, whatever the document holds."""

from __future__ import annotations

import msgspec

from thresher.pipeline.inspect.difference import Change, Difference
from thresher.pipeline.inspect.explain import Explanation, RuleResult

HOSTILE = "a\x1b[31mred\x1b[0m\r\n\u202egnp.exe\x00\u200b" + "x" * 5000

RULES = [
    RuleResult("short", "Fewer words than asked.", ["length.words < 50 (38)"], True, "keep"),
    RuleResult("low", "A low score.", ["quality.score < 0.5 (0.9)"], False, "keep"),
    RuleResult("unseen", "Unseen.", ["site.pages < 2 (NULL)"], None, "unknown"),
    RuleResult("contaminated", "It was seen.", ["contamination.words > 3 (9)"], True, "keep"),
]
FOUND = Explanation(
    provenance={"id": "d1", "record_id": "r1", "url": "https://x.example/a", "title": None},
    decision={
        "verdict": "dropped",
        "reasons": ["short", "contaminated", "near_duplicate", "other_copy"],
        "survivor_id": "d2",
        "similarity": 0.91234567,
        "survivor_run": None,
    },
    rules=RULES,
    signals={"length.words": 38},
    duplicates=[{"id": "d2", "verdict": "kept", "reason": None, "url": "https://x.example/b"}],
    text="A text.\nOf two lines.",
    difference=Difference("d2", [Change("the", "red", "blue")] * 6, 3, 100),
    matched={"set": "gsm8k", "item": "7", "text": "seen before"},
    references={"short": "docs/reasons.md#short"},
)


def test_all_that_decided_is_printed():
    assert str(FOUND).splitlines() == [
        "d1, dropped: short, contaminated, near_duplicate, other_copy",
        "  record_id  r1",
        "  url        https://x.example/a",
        "",
        "short",
        "  Fewer words than asked.",
        "    length.words < 50 (38)",
        "    docs/reasons.md#short",
        "",
        "contaminated",
        "  It was seen.",
        "    contamination.words > 3 (9)",
        "    set   gsm8k",
        "    item  7",
        "    text  seen before",
        "",
        "near_duplicate",
        "  Nearly the same text as the survivor of its cluster.",
        "    survivor_id  d2",
        "    similarity   0.912346",
        "",
        "other_copy",
        "    survivor_id  d2",
        "    similarity   0.912346",
        "",
        "rules whose signals are undefined: unseen",
        "rules it passes: 1; `.rules` and `.signals` have all of them",
        "",
        "others of its cluster: 1",
        "  d2  kept  https://x.example/b",
        "",
        "differences from d2: 9",
        *["  after 'the': 'red', and there 'blue'"] * 5,
        "",
        "text",
        "  A text.",
        "  Of two lines.",
    ]


def test_a_session_shows_one_line():
    assert repr(FOUND) == (
        "<Explanation of d1, dropped: short, contaminated, near_duplicate and 1 more; "
        "print it for all of it>"
    )
    kept = msgspec.structs.replace(FOUND, decision={"verdict": "kept", "reasons": []})
    assert repr(kept) == "<Explanation of d1, kept; print it for all of it>"
    unjudged = msgspec.structs.replace(FOUND, decision={})
    assert repr(unjudged) == "<Explanation of d1, not judged; print it for all of it>"


def test_a_record_that_is_no_document():
    row = {"id": "q1", "outcome": "failed", "reason": "undecodable", "detail": "no charset"}
    found = Explanation({}, {}, [], {}, [], "\ufffdbytes", quarantine=row)
    assert str(found).splitlines() == [
        "q1, no document: failed, undecodable",
        "  detail  no charset",
        "",
        "text",
        "  \ufffdbytes",
    ]
    assert "q1, no document: failed, undecodable" in repr(found)


def test_what_a_page_says_cannot_steer_the_terminal():
    found = msgspec.structs.replace(
        FOUND,
        provenance=dict.fromkeys(("id", "record_id", "url", "source", "title"), HOSTILE),
        rules=[RuleResult("short", HOSTILE, [HOSTILE], True, "keep")],
        duplicates=[{"id": "d2", "verdict": "kept", "reason": None, "url": HOSTILE}],
        difference=Difference("d2", [Change(HOSTILE, HOSTILE, HOSTILE)], 0, 1),
        matched={"set": HOSTILE},
        text=HOSTILE[:600],
    )
    for said in (str(found), repr(found)):
        assert all(character.isprintable() for line in said.split("\n") for character in line)
    assert max(map(len, str(found).splitlines())) < 300
