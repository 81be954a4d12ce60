"""Signals of junk: prose or not, markets, commerce, search engines' bait, machine prose, furniture.

A word here is what stands between white space and holds a letter or a digit. One pass measures all
of these families (`thresher.filters.kernels.junk.scan`); phrases are listed in
`filters/junk/phrases.toml`. They are evidence, not verdicts: what a page alone cannot prove is for
policies and sites to weigh.
"""

from __future__ import annotations

from thresher.filters.signals.kinds import (
    BLANK,
    NEVER,
    NO_WORDS_OR_SPACELESS,
    SHARE,
    THRESHER,
    Signal,
    count,
    make_family,
    ratio,
    share,
)

_BLANK_OR_SPACELESS = f"{BLANK}, or most of its letters are of a script without spaces"
_FEW = "it has fewer than 20 content words, or is of a script without spaces"
_PER_1000 = "per 1000 words"


def _words(name: str, meaning: str) -> Signal:
    return share(name, meaning, NO_WORDS_OR_SPACELESS)


def _rate(name: str, meaning: str) -> Signal:
    return ratio(name, _PER_1000, meaning, NO_WORDS_OR_SPACELESS)


def _phrases(name: str, meaning: str) -> Signal:
    return count(name, "phrases", meaning)


PROSE = make_family(
    "prose",
    1,
    "How much of the text is sentences, wherever its lines break: the guard of every junk rule.",
    count(
        "word_count",
        "words",
        "Words in prose lines. There half of the words with a letter begin in lower case or one in "
        "four is a function word, at most a third are numbers, and one in eight is a function word,"
        " two at least; of four or five words, one is enough if the line ends like a sentence. "
        "Source code is none, unless a line of 12 words or more is prose by the above.",
        null_when="most of its letters are of a script without spaces",
    ),
    _words("word_fraction", "Words in prose lines."),
    share("line_fraction", "Lines, not blank, that are prose.", _BLANK_OR_SPACELESS),
    _words(
        "function_word_fraction",
        "Function words: English ones, and eight of each language of `stopwords_local`.",
    ),
    share(
        "distant_repeat_fraction",
        "Sequences of three content words that were last seen 200 or more content words before.",
        _FEW,
    ),
)

MARKET = make_family(
    "market",
    2,
    "Tickers, prices, figures and tables of them.",
    count("ticker_count", "tickers", "`$TSLA`, `NASDAQ: AAPL`, `0700.HK` and their like."),
    _words("ticker_word_fraction", "Tickers per word, at most 1."),
    _words("numeric_word_fraction", "Words that are numbers (`1,234.5`, `+3%`, `12.4M`, `9:30`)."),
    _words("money_word_fraction", "Words with a currency sign or `%`."),
    _words("change_word_fraction", "Numbers with a sign or in percent."),
    _words("date_word_fraction", "Dates and times: `12:30`, `2024-05-01`, `3 May`, `May 3`."),
    _words("score_word_fraction", "Pairs of short numbers that are no date: `3-2`, `5/2`."),
    _words("part_word_fraction", "Words of capitals and two digits or more: `ERJ-3EKF1002V`."),
    share(
        "quote_line_fraction",
        "Lines, not blank and not prose, of 2 numbers or more and at most 5 words with a letter.",
        _BLANK_OR_SPACELESS,
    ),
    share(
        "figure_line_fraction",
        "Lines, not blank, of numbers and no word with a letter.",
        _BLANK_OR_SPACELESS,
    ),
    _phrases("quote_term_count", "Headings of quotes: market cap, prev close, open interest ..."),
    _phrases(
        "table_term_count", "Headings of scores, odds, weather, lotteries, timetables, data sheets."
    ),
)

COMMERCE = make_family(
    "commerce",
    2,
    "Shops, coupons, listings.",
    _phrases("shop_phrase_count", "What a shop writes around its products."),
    _phrases("coupon_phrase_count", "Coupons and deals."),
    _phrases("listing_phrase_count", "Property, jobs, vehicles, small ads."),
    _rate("phrases_per_1000_words", "These three together."),
    share(
        "price_line_fraction",
        "Lines, not blank and not prose, of at most 15 words with a price or one of these phrases.",
        _BLANK_OR_SPACELESS,
    ),
)

SEO = make_family(
    "seo",
    1,
    "Bait for search engines.",
    _phrases("call_phrase_count", "Calls to action."),
    _phrases("affiliate_phrase_count", "Affiliate and sponsor boilerplate."),
    _phrases("doorway_phrase_count", "What doorway pages sell."),
    _rate("phrases_per_1000_words", "These three together."),
    count("year_template_count", "lines", "Lines of at most 14 words: best or top, and a year."),
    share("top_word_fraction", "The commonest content word among content words.", _FEW),
    share("top_phrase_fraction", "The commonest pair of content words among all pairs.", _FEW),
    share(
        "opening_word_fraction",
        "Content words that occur in the first line (its first 16 content words).",
        _FEW,
    ),
    _words(
        "keyword_word_fraction",
        "Words in lines of 10 words or more with hardly a function word and few numbers.",
    ),
)

SLOP = make_family(
    "slop",
    4,
    "Traces and habits of language models. One page alone proves little but for leftovers.",
    _phrases("assistant_phrase_count", "What an assistant says to its user: one is nearly proof."),
    _phrases("prompt_phrase_count", "Prompts and courtesies of chats, which people write as well."),
    _phrases("placeholder_count", "Gaps not filled: `[Your Name]`."),
    _phrases("stock_phrase_count", "Phrases over-used by models and by SEO."),
    _phrases("opening_phrase_count", "Openings without a thought: in today's fast-paced world."),
    _rate("phrases_per_1000_words", "Of assistants, stock and openings together."),
    Signal(
        "model_phrase_score",
        "double",
        "nats per word",
        "Mean over the words of how much more often language models use them and the pairs and "
        "triples they end than people do (`filters/junk/model_phrases.txt`, counted by Thresher).",
        NO_WORDS_OR_SPACELESS,
        "Thresher",
        (None, None),
    ),
    ratio(
        "sentence_length_variation",
        "ratio",
        "Standard deviation of the words of a sentence, by their mean.",
        "it has fewer than 5 sentences in prose, or is of a script without spaces",
    ),
    ratio(
        "triples_per_sentence",
        "per sentence",
        "`A, B, and C` within six words.",
        "it has no sentences, or is of a script without spaces",
    ),
    _rate("em_dashes_per_1000_words", "Em dashes."),
    share("list_line_fraction", "Lines, not blank, that begin with a bullet or a number.", BLANK),
    share("markup_line_fraction", "Lines, not blank, that begin with `#` or `**`.", BLANK),
)

FURNITURE = make_family(
    "furniture",
    4,
    "What belongs to the page and not to its text, and what is no text.",
    _phrases("consent_phrase_count", "Cookie and consent notices."),
    _phrases("access_phrase_count", "Log-in and paywalls."),
    _phrases("error_phrase_count", "Error pages, checks of the browser, enable JavaScript."),
    _phrases("forum_phrase_count", "What forum and comment software writes around posts."),
    _phrases("navigation_phrase_count", "Menus, archives, share buttons, lists of links."),
    _phrases("copyright_phrase_count", "Notices of rights."),
    _words("lorem_word_fraction", "Words of lorem ipsum."),
    _rate("phrases_per_1000_words", "Phrases of all these together."),
    share("phrase_line_fraction", "Lines, not blank, with such a phrase.", BLANK),
    share(
        "menu_line_fraction",
        "Lines, not blank, of at most 4 words that end in no terminal mark, bracket or quote.",
        _BLANK_OR_SPACELESS,
    ),
    share(
        "date_line_fraction",
        "Lines, not blank and not prose, of at most 8 words with a date or a time.",
        _BLANK_OR_SPACELESS,
    ),
    share("code_line_fraction", "Lines, not blank, full of the marks of source code.", BLANK),
    share(
        "encoded_character_fraction",
        "Characters of words of 50 or more letters and digits: base64, hashes, keys.",
        BLANK,
    ),
    ratio(
        "mojibake_per_1000_characters",
        "per 1000 characters",
        "UTF-8 read as Windows-1252, and replacement characters.",
        BLANK,
    ),
)

TARGETS = {
    "any": "any kind but machine text",
    "market": "a table of quotes or of other figures",
    "commerce": "products, coupons or listings",
    "seo": "text made for search engines",
    "furniture": "what belongs to a page and not to its text, or no text",
}
"""What the junk model looks for."""

JUNK = make_family(
    "junk",
    2,
    "What a reader would call junk, by a model of judged English pages.",
    *(
        Signal(
            f"{target}_term_score",
            "double",
            "log-odds, not calibrated",
            f"Words and pairs of the first 1000 words, each once, that stand for {meaning} "
            "(`filters/junk/terms.txt`).",
            NEVER,
            THRESHER,
            (None, None),
        )
        for target, meaning in TARGETS.items()
    ),
    *(
        Signal(
            f"{target}_score",
            "double",
            "probability",
            f"How likely a reader calls the page junk: {meaning}. Boosted trees over every signal "
            "of the text (`filters/junk/model.json`).",
            NEVER,
            THRESHER,
            SHARE,
        )
        for target, meaning in TARGETS.items()
    ),
)

FAMILIES = (PROSE, MARKET, COMMERCE, SEO, SLOP, FURNITURE, JUNK)
