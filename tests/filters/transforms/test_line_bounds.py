"""Line transforms at their bounds: at each, one below, one above."""

from __future__ import annotations

import pytest

from thresher.filters.transforms.line_cleaning import clean
from thresher.filters.transforms.line_edits import c4_lines, c4_lines_any_end, dclm_lines


def words(count, first=""):
    """So many words, the first ones given."""
    given = first.split()
    return " ".join([*given, *["on"] * (count - len(given))])


@pytest.mark.parametrize(
    ("line", "goes"),
    [
        (words(60, "we use cookies"), True),
        (words(61, "we use cookies"), False),
        (words(30, "enable javascript"), True),
        (words(31, "enable javascript"), False),
        (words(60, "enable javascript, by using cookies"), False),
        (words(8, "privacy policy"), True),
        (words(9, "privacy policy"), False),
        (words(8, "privacy policy") + ".", False),
        (words(7, "privacy policy") + ' "on."', False),
        (words(8, "privacy policy") + ",", True),
        (words(8, "privacy policies"), True),
        (words(8, "cookies"), False),
        (words(8, "javascript"), False),
        ("we use cookies " + "x" * (720 - 15), True),
        ("we use cookies " + "x" * (721 - 15), False),
        ("Privacy Policy", True),
        ("PRIVACY POLICY", True),
        ("terms & conditions", True),
        ("terms of use", True),
        ("terms of trade", False),
        ("cookie notice", True),
    ],
)
def test_a_notice_is_short_and_talks_like_one(line, goes):
    assert clean(line) == ("" if goes else line)
    assert clean(f"a\n{line}\nb") == ("a\nb" if goes else f"a\n{line}\nb")


@pytest.mark.parametrize(
    "end", [".", "!", "?", '."', '!"', '?"', ".'", ".”", "!”", "?”", "。", "！", "？"]
)
def test_a_sentence_is_no_menu_however_it_ends(end):
    line = f"Read the privacy policy{end}"
    assert clean(line) == line
    assert clean(line[: -len(end)]) == ""


@pytest.mark.parametrize(("size", "goes"), [(999, False), (1000, False), (1001, True)])
def test_an_endless_word_takes_its_line_along(size, goes):
    for line in ("x" * size, f"a {'x' * size} b"):
        assert clean(line) == ("" if goes else line)
    assert clean("é" * size) == "é" * size
    assert clean("é" + "x" * size) == ("" if goes else "é" + "x" * size)
    line = f"One two {'x' * size}."
    # The full stop is part of the word.
    gone = size >= 1000
    assert c4_lines(line) == c4_lines_any_end(line) == ("" if gone else line)
    assert c4_lines(words(600) + ".") == words(600) + "."


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("It rose.[1]", "It rose."),
        ("It rose. [12]", "It rose."),
        ("It rose.[123]", "It rose."),
        ("It rose.[1234]", "It rose.[1234]"),
        ("It rose.[0]", "It rose.[0]"),
        ("It rose.[Edit]", "It rose."),
        ("It rose.[1] = 2", "It rose.[1] = 2"),
        ("It rose.[1]= 2", "It rose.[1]= 2"),
        ("It rose.[1](x)", "It rose.[1](x)"),
        ("It rose.[1]x", "It rose.[1]x"),
        ("It [[1]] rose.[1]", "It [[1]] rose.[1]"),
        ("[1]", ""),
        ("a\n\n[1]\n\nb", "a\n\nb"),
        ("a\n[1]\n\nb", "a\n\nb"),
        ("a\n\n[1]\nb", "a\n\nb"),
        ("[1]\n\n\nb", "b"),
        ("b\n\n\n[1]", "b"),
        ("b\n \n[1]", "b"),
        ("a\n \n[1]\n\nb", "a\n \nb"),
        ("\n\n[1]\nb", "\n\nb"),
        ("a [1]  \nb", "a\nb"),
        ("a  \n[2]\n\n", "a  "),
    ],
)
def test_citation_marks_and_the_breaks_around_what_goes(text, left):
    assert clean(text) == left


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("Two words.", None),
        ("Now three words.", ...),
        ("Now three words", None),
        ("Now three words...", None),
        ("Now three words?", ...),
        ('Now three words"', ...),
        ("Now three words'", ...),
        ("Now three words [1].", "Now three words ."),
        ("Now three words.[1]", "Now three words."),
        ("Now three [edit]words[citation needed].", "Now three words."),
        ("Now [a] words.", ...),
        ("Two words [1].", "Two words ."),
        ("Lorem ipsum, use cookies and JavaScript.", ...),
        ("It needs JavaScript here.", None),
        ("Our terms of use are here.", None),
        ("Our { terms of use are here.", ...),
        ("It uses cookies here.", None),
        ("Our cookie policy is here.", None),
        ("The use of cookies is here.", None),
        ("  Now three words.  ", "Now three words."),
    ],
)
def test_c4_line_by_line(line, left):
    expected = "" if left is None else line if left is ... else left
    assert c4_lines(line) == expected
    for mark in ("", "..."):
        bare = line.removesuffix("...").rstrip(".?\"' ") + mark
        if left is ... and "ipsum" not in line and "{" not in line:
            assert c4_lines_any_end(bare) == bare


def test_c4_joins_what_it_keeps():
    assert c4_lines("\n\nOne two three.\r\nno\n\nFour five six.\n") == (
        "One two three.\nFour five six."
    )
    assert c4_lines_any_end("Home\none two three\rfour five six\n") == (
        "one two three\nfour five six"
    )


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("ABCD efg h", "ABCD efg h"),
        ("ABCDE fghi", ...),  # five of ten
        ("ABCDEF ghi", None),  # six of ten
        ("ÄBCDE fghi", ...),
        ("ÄBCDEF ghi", None),
        ("123 456", ...),
        ("123", None),
        ("12 likes", None),
        ("12.5k likes!", None),
        ("12,345 Views", None),
        ("1 retweets", None),
        ("12 likes this", ...),
        ("x12 likes", ...),
        ("1 like", ...),
        ("One", None),
        ("One two", ...),
        (words(10, "Sign-in to"), words(9, "to")),
        (words(11, "Sign-in to"), ...),
        (words(9, "a") + " items in cart", ...),
        (words(7, "a") + " items in cart", words(7, "a")),
        ("3 items in cart", "3"),
        (" items in cart", None),
        ("It went on. Read more...", "It went on."),
        ("It went on. read moreabc", "It went on."),
        ("It went on. Read more... x", ...),
        ("sign-in now", "now"),
        ("Please sign-in now", ...),
        ("Sign-in items in cart", None),
    ],
)
def test_dclm_line_by_line(line, left):
    assert dclm_lines(line) == ("" if left is None else line if left is ... else left)


def test_dclm_leaves_one_blank_line():
    assert dclm_lines("a b\n\n\n\nc d\n\ne f\ng h\n\n") == "a b\n\nc d\n\ne f\ng h"
    assert dclm_lines("a b\nONE TWO\nc d") == "a b\nc d"
