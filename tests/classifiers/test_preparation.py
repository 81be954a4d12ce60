from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thresher.classifiers.preparation import prepare


def reference(text):
    """Character by character, as the module describes it."""
    kept = []
    for c in text:
        code = ord(c)
        if 0x80 <= code <= 0xBF or 0x2000 <= code <= 0x206F or (code < 128 and not c.isalnum()):
            kept.append(" ")
        elif code < 128:
            kept.append("0" if c.isdigit() else c.lower())
        else:
            kept.append(c)
    return "".join(kept).split(" ")


words = st.text(
    st.one_of(
        st.characters(codec="utf-8"), st.sampled_from("aZ09.,'\"“’–…\u00a0\u200b *#_-</s>\n\0")
    )
)


@given(words)
def test_bare_is_the_reference(text):
    found = prepare(text.encode(), "bare")
    # `</s>` alone is white space to fastText, and so it is to every preparation.
    expected = [word for word in reference(text.replace("\0", " ")) if word]
    got = [word for word in (found or b"").decode().split(" ") if word]
    if "</s>" not in text:
        assert got == expected or not any(word.strip() for word in expected)
    assert found is None or found.strip()


@given(words)
def test_bare_twice_is_bare_once(text):
    once = prepare(text.encode(), "bare")
    assert once is None or prepare(once, "bare").split() == once.split()


def test_quotes_dashes_and_spaces_before_commas_make_no_difference():
    same = {
        b" ".join(prepare(text.encode(), "bare").split())
        for text in ("“Don’t” — wait, 12…", '"Don\'t" -- wait , 34 ...', "*Don't* wait: 99")
    }
    assert same == {b"don t wait 00"}


def test_plain_leaves_words_alone():
    assert prepare("“Don’t”, 12".encode()) == "“Don’t”, 12".encode()


@pytest.mark.parametrize("text", ["", "  \n", "?! -- …", "\u200b\u00a0"])
def test_no_words_is_none(text):
    assert prepare(text.encode(), "bare") is None


def test_what_counts_is_counted_before_anything_is_left_out():
    assert prepare(b"...... word", "bare", 6) is None
