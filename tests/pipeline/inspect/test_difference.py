"""What tells two texts apart."""

from __future__ import annotations

from thresher.pipeline.inspect.difference import Change, difference


def test_replaced_inserted_and_lost_words_are_shown_with_what_comes_before():
    mine = "the old cafe sold one cup of tea a day and no more"
    theirs = "the old cafe sold nine cups of tea a day"
    found = difference("x", mine, theirs)
    assert found.id == "x"
    assert found.changes == [
        Change(after="the old cafe sold", mine="one cup", theirs="nine cups"),
        Change(after="of tea a day", mine="and no more", theirs=""),
    ]
    assert found.further == 0


def test_equal_words_differ_in_nothing():
    assert difference("x", "a  b\nc", "a b c").changes == []


def test_much_change_is_cut_short():
    words = [f"w{n}" for n in range(9_000)]
    other = [w if n % 7 else f"x{n}" for n, w in enumerate(words)]
    found = difference("x", " ".join(words), " ".join(other))
    assert len(found.changes) == 20
    assert found.further > 100
    assert found.compared_words == 4_000
    inserted = difference("x", "a b", " ".join(["a", *words[:100], "b"])).changes[0]
    assert "... 70 words ..." in inserted.theirs
