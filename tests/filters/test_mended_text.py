"""What is mended in a text, and what is left as it is."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.filters.cut_words import LONGEST_PART, join_words
from thresher.filters.lost_marks import restore_marks
from thresher.filters.mended_text import (
    MOST_CHARACTERS,
    SEGMENT,
    Mended,
    changes,
    mend,
    mended_texts,
)
from thresher.filters.normal_text import normal_texts

HOLE = "\ufffd"
pieces = st.lists(
    st.one_of(
        st.sampled_from(["word", "inter-\nnational", "â€™", "Ã©", "it\ufffds", "\ufffd", "\u00ad"]),
        st.sampled_from([" ", "\n", "-", "-\n", "¬\n", "\u00ad\n", "\ufffds ", "commit", "tee"]),
        st.characters(codec="utf-8", exclude_characters="\0"),
    ),
    max_size=40,
).map("".join)


def misread(text: str) -> str:
    """UTF-8 read as Windows-1252, where bytes that it does not have stay as they are."""
    return "".join(
        bytes([byte]).decode("cp1252") if byte not in b"\x81\x8d\x8f\x90\x9d" else chr(byte)
        for byte in text.encode()
    )


def holed(text: str) -> str:
    """Windows-1252 read as UTF-8."""
    return text.encode("cp1252").decode("utf-8", "replace")


STORY = "It’s the café’s “finest” hour – déjà vu for £5, says Zoë."


def test_what_was_read_in_another_charset_is_read_again():
    assert mend(misread(STORY)) == Mended(STORY, mojibake=10)
    assert mend(misread(misread(STORY))).text == STORY


def test_a_closing_quote_that_lost_a_byte_is_one_again():
    text = "He called it â€œa good dayâ€\ufffd and left."
    assert mend(text) == Mended("He called it “a good day” and left.", mojibake=2)


def test_each_line_is_read_by_itself():
    text = f"{misread('Zoë’s day')}\nZoë’s day\n  indented â€“ line"
    assert mend(text).text == "Zoë’s day\nZoë’s day\n  indented – line"


@pytest.mark.parametrize(
    "text",
    [
        "Le Pâtissier, où l’été dure.",
        "SÃO PAULO",
        "A «quote», 5 °C, ½ Â",
        "plain",
        "",
        "a & b &amp; c",
    ],
)
def test_what_is_no_damage_stays(text):
    assert mend(text) == Mended(text)


def test_ftfy_gets_so_much_of_a_text_and_no_more():
    line = misread("Zoë’s word. ") * (SEGMENT // 20)
    lines = 3 * MOST_CHARACTERS // len(line)
    found = mend("\n".join([line] * lines)).text.split("\n")
    assert found[0] == "Zoë’s word. " * (SEGMENT // 20)
    assert found[-1] == line
    mended = sum(one != line for one in found)
    assert MOST_CHARACTERS - 2 * len(line) < mended * len(line) <= MOST_CHARACTERS


def test_a_long_line_is_cut_between_words_and_comes_back_whole():
    story = " ".join([STORY] * 40)
    assert mend(misread(story)).text == story
    assert mend("Ã©" * 5 * SEGMENT).text == "é" * 5 * SEGMENT


def test_what_ftfy_reads_can_be_stored():
    assert mend("Ã© \u00c0\u0080 it").text == "é  it"
    mend("Ã©\u00ed\u00a0\u0080\u00ed\u00b0\u0080 Ã©\u00ed\u00a0\u0080").text.encode()


SPEECH = "I don’t know – she said “no,” and it’s Britain’s loss."


def test_marks_that_became_holes_come_back_where_contractions_say_so():
    assert restore_marks(holed(SPEECH)) == (SPEECH, 6)
    assert restore_marks(holed("• We’re open\n• Closed")) == ("• We’re open\n• Closed", 3)


def test_a_quote_is_of_one_line():
    text = f"I can{HOLE}t say {HOLE}no.\nThen he left{HOLE} and"
    assert restore_marks(text) == (text.replace(f"n{HOLE}t", "n’t"), 1)


def test_genitives_alone_say_so_if_there_are_no_other_holes_in_words():
    text = holed("Britain’s loss is France’s gain.")
    assert restore_marks(text) == ("Britain’s loss is France’s gain.", 2)
    quoted = holed("Britain’s “loss” – France’s")
    assert restore_marks(quoted) == (quoted.replace(f"{HOLE}s", "’s"), 2)
    one = holed("Britain’s loss.")
    assert restore_marks(one) == (one, 0)


@pytest.mark.parametrize(
    "text", ["un café, l’été déjà vu", "Der Bär — größer", "cafés, clichés à", "’"]
)
def test_letters_that_are_lost_stay_lost(text):
    lost = text.replace("’", HOLE)
    for c in "éèàäößû—":
        lost = lost.replace(c, HOLE)
    assert restore_marks(lost) == (lost, 0)


@pytest.mark.parametrize(
    ("text", "joined", "count"),
    [
        ("The inter-\nnational law", "The international\nlaw", 1),
        ("for evalua-\ntion, and more", "for evaluation,\nand more", 1),
        ("the end of infor-\nmation\n\nNext", "the end of information\n\nNext", 1),
        ("a gigabat-\ntery; gigabattery", "a gigabattery;\ngigabattery", 1),
        ("a well-\nknown and well-known man", "a well-known\nand well-known man", 1),
        ("in infor-\n  mation here", "in information\n  here", 1),
        ("a zzo\u00ad\nrgl is", "a zzorgl\nis", 1),
        ("a zzo¬\nrgl is", "a zzorgl\nis", 1),
        ("Infor‐\nmation is", "Information\nis", 1),
        ("a zzo-\nrgl is", "a zzo-\nrgl is", 0),
        ("the Inter-\nNational", "the Inter-\nNational", 0),
        ("IN-\nformation", "IN-\nformation", 0),
        ("mother-in-\nlaw", "mother-in-\nlaw", 0),
        ("zzo-in-\nform; inform, inform", "zzo-in-\nform; inform, inform", 0),
        ("of infor-\nmation¬\nal use", "of information¬\nal use", 1),
        ("- \n- item", "- \n- item", 0),
        ("a-\nbout", "a-\nbout", 0),
        ("1990-\n1995", "1990-\n1995", 0),
        ("infor-\n\nmation", "infor-\n\nmation", 0),
        ("infor-", "infor-", 0),
    ],
)  # fmt: skip
def test_cut_words_become_whole_by_evidence(text, joined, count):
    assert join_words(text) == (joined, count)
    assert mend(text).text == joined.replace("\u00ad", "")


COLUMN = """The commit-
tee met in the infor-
mation room, where govern-
ment zzorg-
lings were dis-
sected; a mind-
boggling
day."""


def test_a_text_that_cuts_words_is_known_by_those_we_know():
    found, count = join_words(COLUMN)
    assert found.split("\n")[3:] == ["zzorglings", "were dissected;", "a mind-", "boggling", "day."]
    assert count == 5
    few = "\n".join(COLUMN.split("\n")[2:])
    assert "zzorg-\nlings" in join_words(few)[0]


def test_halves_of_other_cut_words_are_no_evidence():
    text = "zzo-\nrgl and zzo-\nrgl"
    assert join_words(text) == (text, 0)


def test_a_part_without_end_is_no_word():
    text = "a" * 10 * LONGEST_PART + "-\ntion"
    assert len(join_words(text)[0]) in (len(text), len(text) - 2)


def test_soft_hyphens_go_and_are_counted():
    assert mend("co\u00adop \u00ad\u00ad soft") == Mended("coop  soft", soft_hyphens=3)
    assert mend(misread("né à Sí")).text == "né à Sí"  # one of their bytes looks like one


@given(pieces)
@settings(max_examples=500, deadline=None)
def test_mending_again_changes_little_and_nothing_is_invented(text):
    once = mend(text)
    assert once.text.count(HOLE) <= text.count(HOLE) + text.count("â") + text.count("Ã")
    assert "\u00ad" not in once.text
    once.text.encode()
    assert len(once.text) <= len(text)
    changed = once.mojibake + once.replacements + once.soft_hyphens + once.broken_words
    if once.text != text and not any(c in text for c in "ÃÂâ"):
        assert changed
    assert once.text == text or changed or any(c in text for c in "ÃÂâ")


@given(st.lists(pieces, max_size=6), st.sampled_from([pa.string(), pa.large_string()]))
@settings(max_examples=200, deadline=None)
def test_arrays_are_mended_text_by_text(texts, kind):
    array = pa.array(texts, kind)
    rows, found, counts = changes(array)
    expected = [normal_texts(pa.array([text])).to_pylist()[0] for text in texts]
    mended = [mend(text) for text in expected]
    ended = normal_texts(pa.array([each.text for each in mended], pa.string())).to_pylist()
    assert mended_texts(array).to_pylist() == ended
    assert mended_texts(array).type == kind
    assert rows.tolist() == [text != other for text, other in zip(texts, ended, strict=True)]
    assert found.to_pylist() == [t for t, row in zip(ended, rows, strict=True) if row]
    places = [i for i, row in enumerate(rows) if row]
    assert counts[:, 1:].tolist() == [
        [m.mojibake, m.replacements, m.soft_hyphens, m.broken_words]
        for m in (mended[i] for i in places)
    ]
    assert (counts.sum(axis=1) > 0).all()


def test_an_array_with_nothing_to_do_is_handed_on():
    array = pa.array(["One.", "A well-\nread man – “so” he said…"])
    assert mended_texts(array) is array
