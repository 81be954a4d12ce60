"""What the words between white space and the lines of a document look like.

`count_word` and `count_figure` take what the scan knows of a word and count it; `end_line` says
what kind of line its words made. A line is *prose* if at least half of its words with a letter
begin in lower case or one in four is a function word, at most a third are numbers, and one in eight
is a function word, two at least (one is enough where four words or five end like a sentence).
Newspaper columns and mail are broken anywhere, so the end of a line alone says little.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inlined, inner
from thresher.filters.kernels.junk.marks import (
    BULLET,
    CLOSER,
    CODE,
    COLON,
    END,
    HASH,
    HYPHEN,
    MONEY,
    PERCENT,
    POINT,
    SLASH,
    STAR,
    WIDE,
)

Counts = npt.NDArray[np.int64]

# Of the line that is read.
WORDS = 0
ALPHABETIC = 1
LOWER = 2
FUNCTION = 3
NUMBERS = 4
PRICES = 5
DATES = 6
CODE_MARKS = 7
SOLID = 8
HITS = 9
SELLS = 10
BEST = 11
YEARS = 12
MONTH = 13
"""What the word before says of months: 1 a number, 2 a name that waits for a number."""
LISTED = 14
MARKUP = 15
COMMAS = 16
LINE_COUNTERS = 17

# Of the document.
ALL_WORDS = 0
ALL_NUMBERS = 1
ALL_MONEY = 2
ALL_CHANGES = 3
ALL_DATES = 4
ALL_SCORES = 5
ALL_PARTS = 6
ALL_FUNCTION = 7
LINES = 8
PROSE_LINES = 9
PROSE_WORDS = 10
QUOTE_LINES = 11
FIGURE_LINES = 12
PRICE_LINES = 13
DATE_LINES = 14
MENU_LINES = 15
CODE_LINES = 16
LIST_LINES = 17
MARKUP_LINES = 18
HIT_LINES = 19
KEYWORD_WORDS = 20
YEAR_TEMPLATES = 21
SENTENCES = 22
SENTENCE_WORDS = 23
SENTENCE_SQUARES = 24
OPEN_WORDS = 25
"""Words of the sentence that is read."""
TRIPLES = 26
COMMA_AT = 27
"""Number of the last word that a comma follows ..."""
COMMA_BEFORE = 28
"""... and of the one before, in the same sentence."""
EM_DASHES = 29
ENCODED = 30
MOJIBAKE = 31
LOREM = 32
LETTERS = 33
SCRIPT_LETTERS = 34
SOLID_CHARACTERS = 35
DOCUMENT_COUNTERS = 36

PROSE_WORDS_LEAST = 6
SENTENCE_WORDS_LEAST = 4
QUOTE_NUMBERS = 2
"""A quote line has at least so many numbers ..."""
QUOTE_ALPHABETIC = 5
"""... and at most so many words with a letter."""
MENU_WORDS = 4
PRICE_WORDS = 15
DATE_WORDS = 8
KEYWORD_LINE_WORDS = 10
TEMPLATE_WORDS = 14
FORMULA_WORDS = 12
"""Prose of so many words may hold formulas; a shorter line full of their marks is source code."""
ENCODED_LEAST = 50


@inlined
def count_word(
    letters: int, uppers: int, digits: int, facts: int, line: Counts, total: Counts
) -> None:
    """Count a word of letters or digits, behind `count_figure` if it has digits.

    Args:
        letters: how many it has.
        uppers: upper-case ones.
        digits: how many it has.
        facts: 1 begins in lower case, 2 signed number, 4 name of a month, 8 joins, 16 ends like a
            sentence, 32 a comma follows.
        line: counters.
        total: counters.
    """
    line[WORDS] += 1
    total[OPEN_WORDS] += 1
    total[ALL_WORDS] += 1
    line[ALPHABETIC] += letters > 0
    line[LOWER] += facts & 1
    if facts & (8 | 16 | 32):
        at = total[ALL_WORDS]
        if facts & 8 and total[COMMA_AT] == at - 1 and total[COMMA_BEFORE] >= at - 6:
            total[TRIPLES] += total[COMMA_BEFORE] > 0
        if facts & 32:
            line[COMMAS] += 1
            total[COMMA_BEFORE] = total[COMMA_AT]
            total[COMMA_AT] = at
        if facts & 16 and (letters > uppers or digits):
            words = total[OPEN_WORDS]
            total[SENTENCES] += 1
            total[SENTENCE_WORDS] += words
            total[SENTENCE_SQUARES] += words * words
            total[OPEN_WORDS] = 0
            total[COMMA_AT] = total[COMMA_BEFORE] = 0


@inner
def count_figure(
    letters: int,
    uppers: int,
    digits: int,
    groups: int,
    seps: int,
    marks: int,
    length: int,
    last_letter: int,
    facts: int,
    line: Counts,
    total: Counts,
) -> None:
    """Say what a word with digits, or the name of a month, tells.

    Args:
        letters: how many it has.
        uppers: upper-case ones.
        digits: how many it has.
        groups: runs of digits.
        seps: marks of what stands between these.
        marks: of all its characters.
        length: its characters.
        last_letter: the last one, in lower case.
        facts: as of `count_word`.
        line: counters.
        total: counters.
    """
    magnitude = letters == 1 and (
        last_letter == 107 or last_letter == 109 or last_letter == 98 or last_letter == 116
    )
    number = digits > 0 and (letters == 0 or magnitude)
    line[NUMBERS] += number
    if digits > 0 and marks & (MONEY | PERCENT) and not marks & CODE:
        total[ALL_MONEY] += 1
        line[PRICES] += marks & MONEY != 0 and letters <= 3
    total[ALL_CHANGES] += number and (facts & 2 != 0 or marks & PERCENT != 0)
    dated = False
    if groups > 1 and digits <= 14 and letters <= 2:
        clock = seps & COLON != 0 and digits >= 3 and groups <= 7
        day = groups == 3 and 4 <= digits <= 8 and letters == 0
        dated = clock or (day and (seps == SLASH or seps == HYPHEN or seps == POINT))
    if facts & 4 and line[MONTH] == 1:
        dated = True
        line[MONTH] = 0
    elif facts & 4:
        line[MONTH] = 2
    elif digits > 0 and digits <= 4 and letters <= 2:
        dated |= line[MONTH] == 2
        line[MONTH] = 1
    else:
        line[MONTH] = 0
    line[DATES] += dated
    pair = groups == 2 and letters == 0 and digits <= 6 and not marks & (MONEY | PERCENT)
    total[ALL_SCORES] += pair and not dated and (seps == HYPHEN or seps == SLASH)
    total[ALL_PARTS] += letters >= 2 and letters == uppers and digits >= 2 and length >= 5
    plain = letters + digits
    if length >= ENCODED_LEAST and digits >= 3 and letters and 10 * plain >= 9 * length:
        if not marks & (WIDE | COLON | POINT):
            total[ENCODED] += length


@inner
def end_line(last: int, ended: bool, line: Counts, total: Counts) -> None:
    """Say what kind of line the words since the last break made, and begin another.

    Args:
        last: marks of its last character that is no white space.
        ended: whether it ends like a sentence.
        line: counters, cleared.
        total: counters.
    """
    words = line[WORDS]
    prose = False
    if line[SOLID]:
        alphabetic, function, numbers = line[ALPHABETIC], line[FUNCTION], line[NUMBERS]
        total[LINES] += 1
        total[SOLID_CHARACTERS] += line[SOLID]
        if 3 * numbers <= words:
            dense = 4 * function >= words
            if dense or 2 * line[LOWER] >= alphabetic:
                prose = alphabetic >= PROSE_WORDS_LEAST and 8 * function >= words and function >= 2
                prose |= ended and alphabetic >= SENTENCE_WORDS_LEAST and function >= 1
        code = line[CODE_MARKS] >= 2 and 12 * line[CODE_MARKS] >= line[SOLID]
        if code and not (prose and words >= FORMULA_WORDS):
            total[CODE_LINES] += 1
            prose = False
        total[ALL_NUMBERS] += numbers
        total[ALL_DATES] += line[DATES]
        total[ALL_FUNCTION] += function
        if prose:
            total[PROSE_LINES] += 1
            total[PROSE_WORDS] += words
        else:
            total[QUOTE_LINES] += numbers >= QUOTE_NUMBERS and alphabetic <= QUOTE_ALPHABETIC
            total[FIGURE_LINES] += numbers > 0 and alphabetic == 0
            total[DATE_LINES] += line[DATES] > 0 and words <= DATE_WORDS
            total[PRICE_LINES] += (line[PRICES] > 0 or line[SELLS] > 0) and words <= PRICE_WORDS
            if words >= KEYWORD_LINE_WORDS and 20 * function <= words and 3 * numbers <= words:
                total[KEYWORD_WORDS] += words
        total[MENU_LINES] += words <= MENU_WORDS and not last & (END | CLOSER)
        total[LIST_LINES] += line[LISTED]
        total[MARKUP_LINES] += line[MARKUP]
        total[HIT_LINES] += line[HITS] > 0
        total[YEAR_TEMPLATES] += line[BEST] > 0 and line[YEARS] > 0 and words <= TEMPLATE_WORDS
    if not prose:
        total[OPEN_WORDS] = 0
        total[COMMA_AT] = total[COMMA_BEFORE] = 0
    line[:] = 0


@inner
def begin_line(
    first: int, second: int, last: int, letters: int, digits: int, length: int, line: Counts
) -> None:
    """Look at the first word of a line: does it begin an item of a list, or is it markup?"""
    starred = first & STAR != 0 and second & STAR != 0
    mark = length == 1 and first & BULLET != 0
    glued = first & BULLET != 0 and first & WIDE != 0
    numbered = letters == 0 and 1 <= digits <= 2 and length == digits + 1
    line[LISTED] = mark or glued or (numbered and last & (POINT | CLOSER) != 0)
    line[MARKUP] = starred or (first & HASH != 0 and letters == 0 and digits == 0)
