"""From what the junk scan has counted to the columns of a row."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inner
from thresher.filters.kernels.junk import columns as at
from thresher.filters.kernels.junk import lines as n
from thresher.filters.kernels.junk import topics

# Kinds of phrases.
ASSISTANT = 0
PROMPT = 1
PLACEHOLDER = 2
STOCK = 3
OPENING = 4
MODEL = 5
CONSENT = 6
ACCESS = 7
ERROR = 8
FORUM = 9
NAVIGATION = 10
COPYRIGHT = 11
SHOP = 12
COUPON = 13
LISTING = 14
CALL = 15
AFFILIATE = 16
DOORWAY = 17
QUOTE_TERM = 18
TABLE_TERM = 19
KINDS = 20

FURNITURE_KINDS = (CONSENT, COPYRIGHT + 1)
SELLING_KINDS = (SHOP, LISTING + 1)

SENTENCES_LEAST = 5
"""Sentences that a statement about their length needs."""
CONTENT_LEAST = 20
"""Content words that a statement about the commonest needs."""

Counts = npt.NDArray[np.int64]

_OF_WORDS = np.array(
    [
        at.PROSE_WORD_COUNT,
        at.PROSE_WORD_FRACTION,
        at.PROSE_LINE_FRACTION,
        at.PROSE_FUNCTION_WORD_FRACTION,
        at.PROSE_DISTANT_REPEAT_FRACTION,
        *range(at.MARKET_TICKER_WORD_FRACTION, at.MARKET_FIGURE_LINE_FRACTION + 1),
        at.COMMERCE_PHRASES_PER_1000_WORDS,
        at.COMMERCE_PRICE_LINE_FRACTION,
        at.SEO_PHRASES_PER_1000_WORDS,
        *range(at.SEO_TOP_WORD_FRACTION, at.SEO_KEYWORD_WORD_FRACTION + 1),
        *range(at.SLOP_PHRASES_PER_1000_WORDS, at.SLOP_EM_DASHES_PER_1000_WORDS + 1),
        at.FURNITURE_LOREM_WORD_FRACTION,
        at.FURNITURE_PHRASES_PER_1000_WORDS,
        at.FURNITURE_MENU_LINE_FRACTION,
        at.FURNITURE_DATE_LINE_FRACTION,
    ]
)


@inner
def fill_row(
    total: Counts,
    counts: Counts,
    facts: Counts,
    tickers: int,
    row: npt.NDArray[np.float64],
) -> None:
    """Fill the columns of a document.

    Args:
        total: what its lines and words gave.
        counts: phrases by kind.
        facts: of its content words.
        tickers: how many it holds.
        row: the columns.
    """
    row[: at.JUNK_ANY_TERM_SCORE] = np.nan
    row[at.PROSE_WORD_COUNT] = total[n.PROSE_WORDS]
    row[at.MARKET_TICKER_COUNT] = tickers
    row[at.MARKET_QUOTE_TERM_COUNT] = counts[QUOTE_TERM]
    row[at.MARKET_TABLE_TERM_COUNT] = counts[TABLE_TERM]
    row[at.COMMERCE_SHOP_PHRASE_COUNT] = counts[SHOP]
    row[at.COMMERCE_COUPON_PHRASE_COUNT] = counts[COUPON]
    row[at.COMMERCE_LISTING_PHRASE_COUNT] = counts[LISTING]
    row[at.SEO_CALL_PHRASE_COUNT] = counts[CALL]
    row[at.SEO_AFFILIATE_PHRASE_COUNT] = counts[AFFILIATE]
    row[at.SEO_DOORWAY_PHRASE_COUNT] = counts[DOORWAY]
    row[at.SEO_YEAR_TEMPLATE_COUNT] = total[n.YEAR_TEMPLATES]
    row[at.SLOP_ASSISTANT_PHRASE_COUNT] = counts[ASSISTANT]
    row[at.SLOP_PROMPT_PHRASE_COUNT] = counts[PROMPT]
    row[at.SLOP_PLACEHOLDER_COUNT] = counts[PLACEHOLDER]
    row[at.SLOP_STOCK_PHRASE_COUNT] = counts[STOCK]
    row[at.SLOP_OPENING_PHRASE_COUNT] = counts[OPENING]
    furniture = 0
    for kind in range(CONSENT, COPYRIGHT + 1):
        row[at.FURNITURE_CONSENT_PHRASE_COUNT + kind - CONSENT] = counts[kind]
        furniture += counts[kind]
    words, lines = total[n.ALL_WORDS], total[n.LINES]
    if lines:
        row[at.PROSE_LINE_FRACTION] = total[n.PROSE_LINES] / lines
        row[at.MARKET_QUOTE_LINE_FRACTION] = total[n.QUOTE_LINES] / lines
        row[at.MARKET_FIGURE_LINE_FRACTION] = total[n.FIGURE_LINES] / lines
        row[at.COMMERCE_PRICE_LINE_FRACTION] = total[n.PRICE_LINES] / lines
        row[at.SLOP_LIST_LINE_FRACTION] = total[n.LIST_LINES] / lines
        row[at.SLOP_MARKUP_LINE_FRACTION] = total[n.MARKUP_LINES] / lines
        row[at.FURNITURE_PHRASE_LINE_FRACTION] = total[n.HIT_LINES] / lines
        row[at.FURNITURE_MENU_LINE_FRACTION] = total[n.MENU_LINES] / lines
        row[at.FURNITURE_DATE_LINE_FRACTION] = total[n.DATE_LINES] / lines
        row[at.FURNITURE_CODE_LINE_FRACTION] = total[n.CODE_LINES] / lines
        solid = total[n.SOLID_CHARACTERS]
        row[at.FURNITURE_ENCODED_CHARACTER_FRACTION] = total[n.ENCODED] / solid
        row[at.FURNITURE_MOJIBAKE_PER_1000_CHARACTERS] = 1000 * total[n.MOJIBAKE] / solid
    if words:
        thousand = 1000 / words
        row[at.PROSE_WORD_FRACTION] = total[n.PROSE_WORDS] / words
        row[at.PROSE_FUNCTION_WORD_FRACTION] = min(total[n.ALL_FUNCTION] / words, 1.0)
        row[at.MARKET_TICKER_WORD_FRACTION] = min(tickers / words, 1.0)
        row[at.MARKET_NUMERIC_WORD_FRACTION] = total[n.ALL_NUMBERS] / words
        row[at.MARKET_MONEY_WORD_FRACTION] = min(total[n.ALL_MONEY] / words, 1.0)
        row[at.MARKET_CHANGE_WORD_FRACTION] = total[n.ALL_CHANGES] / words
        row[at.MARKET_DATE_WORD_FRACTION] = total[n.ALL_DATES] / words
        row[at.MARKET_SCORE_WORD_FRACTION] = total[n.ALL_SCORES] / words
        row[at.MARKET_PART_WORD_FRACTION] = total[n.ALL_PARTS] / words
        sells = counts[SHOP] + counts[COUPON] + counts[LISTING]
        row[at.COMMERCE_PHRASES_PER_1000_WORDS] = thousand * sells
        calls = counts[CALL] + counts[AFFILIATE] + counts[DOORWAY]
        row[at.SEO_PHRASES_PER_1000_WORDS] = thousand * calls
        row[at.SEO_KEYWORD_WORD_FRACTION] = total[n.KEYWORD_WORDS] / words
        slop = counts[ASSISTANT] + counts[STOCK] + counts[OPENING]
        row[at.SLOP_PHRASES_PER_1000_WORDS] = thousand * slop
        row[at.SLOP_MODEL_PHRASE_SCORE] = counts[MODEL] / (100 * words)
        row[at.SLOP_EM_DASHES_PER_1000_WORDS] = thousand * total[n.EM_DASHES]
        row[at.FURNITURE_LOREM_WORD_FRACTION] = min(total[n.LOREM] / words, 1.0)
        row[at.FURNITURE_PHRASES_PER_1000_WORDS] = thousand * furniture
    content = facts[topics.CONTENT]
    if content >= CONTENT_LEAST:
        row[at.SEO_TOP_WORD_FRACTION] = facts[topics.TOP_WORD] / content
        row[at.SEO_TOP_PHRASE_FRACTION] = facts[topics.TOP_PAIR] / (content - 1)
        row[at.SEO_OPENING_WORD_FRACTION] = facts[topics.REPEATED] / content
        row[at.PROSE_DISTANT_REPEAT_FRACTION] = facts[topics.DISTANT] / (content - 2)
    sentences = total[n.SENTENCES]
    if sentences:
        row[at.SLOP_TRIPLES_PER_SENTENCE] = total[n.TRIPLES] / sentences
    if sentences >= SENTENCES_LEAST:
        mean = total[n.SENTENCE_WORDS] / sentences
        spread = max(total[n.SENTENCE_SQUARES] / sentences - mean * mean, 0.0)
        row[at.SLOP_SENTENCE_LENGTH_VARIATION] = math.sqrt(spread) / mean
    if 2 * total[n.SCRIPT_LETTERS] > total[n.LETTERS]:
        for column in _OF_WORDS:
            row[column] = np.nan
