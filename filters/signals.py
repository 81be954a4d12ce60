"""The registry of signals: what each measured value is, where it is undefined, whence it comes.

A signal is named `family.noun_unit`. A family is measured together and has a version, bumped
with any change of its values. Reference pages, policies and Arrow types are made from this file.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

_TYPES = {
    "int64": pa.int64(),
    "double": pa.float64(),
    "bool": pa.bool_(),
    "string": pa.string(),
}

_NO_WORDS = "the text has no words"
_NO_LINES = "the text is empty"
_BLANK = "the text is blank"
_NEVER = "never"

Range = tuple[float | None, float | None]

_SHARE: Range = (0, 1)
_COUNT: Range = (0, None)


@dataclass(frozen=True)
class Signal:
    """One measured value."""

    name: str
    """`family.noun_unit`."""
    type: str
    """int64, double, bool or string."""
    unit: str
    meaning: str
    null_when: str
    source: str
    """Who defined it."""
    range: Range | None
    """Least and greatest value, None where there is no bound; None for bool and string."""


@dataclass(frozen=True)
class Family:
    """Signals that are measured together."""

    name: str
    version: int
    summary: str
    signals: tuple[Signal, ...]


def _family(name: str, version: int, summary: str, *signals: Signal) -> Family:
    named = tuple(
        Signal(f"{name}.{s.name}", s.type, s.unit, s.meaning, s.null_when, s.source, s.range)
        for s in signals
    )
    return Family(name, version, summary, named)


def _count(name: str, unit: str, meaning: str, source: str = "Thresher") -> Signal:
    return Signal(name, "int64", unit, meaning, _NEVER, source, _COUNT)


def _share(name: str, meaning: str, null_when: str, source: str = "Thresher") -> Signal:
    return Signal(name, "double", "share", meaning, null_when, source, _SHARE)


def _ratio(name: str, unit: str, meaning: str, null_when: str, source: str) -> Signal:
    return Signal(name, "double", unit, meaning, null_when, source, _COUNT)


def _flag(name: str, meaning: str, source: str) -> Signal:
    return Signal(name, "bool", "flag", meaning, _NEVER, source, None)


_GOPHER = "Gopher (datatrove 0.10)"
_C4 = "C4 (datatrove 0.10)"
_FINEWEB = "FineWeb (datatrove 0.10)"

_LENGTH = _family(
    "length",
    1,
    "How much text there is.",
    _count("characters", "characters", "Unicode code points."),
    _count("bytes", "bytes", "Bytes as UTF-8."),
    _count("words", "words", "Words as spaCy's English rules split, marks included.", _GOPHER),
    _count("nonsymbol_words", "words", "Words with a character that is no mark.", _GOPHER),
    _ratio(
        "mean_word_characters",
        "characters",
        "Mean length of the nonsymbol words.",
        "there are no nonsymbol words",
        _GOPHER,
    ),
    _count("lines", "lines", "Lines that are not blank."),
    _count(
        "paragraphs",
        "paragraphs",
        "Stretches between two or more newline characters in the stripped text.",
        _GOPHER,
    ),
    _count(
        "sentences",
        "sentences",
        "Sentences: a line, cut after each terminal mark that is a word.",
    ),
)

_SYMBOLS = _family(
    "symbols",
    1,
    "What the words are made of.",
    _ratio("hash_word_ratio", "per word", "`#` characters per word.", _NO_WORDS, _GOPHER),
    _ratio("ellipsis_word_ratio", "per word", "`...` and `…` per word.", _NO_WORDS, _GOPHER),
    _share("alphabetic_word_fraction", "Words with a letter among words.", _NO_WORDS, _GOPHER),
)

_LINES = _family(
    "lines",
    1,
    "How lines (`str.splitlines`, blank ones included) begin and end.",
    _share("bullet_fraction", "Lines that begin with `•` or `-`.", _NO_LINES, _GOPHER),
    _share("ellipsis_fraction", "Lines that end in `...` or `…`.", _NO_LINES, _GOPHER),
)

_STOPWORDS = _family(
    "stopwords",
    1,
    "The words `the be to of and that have with`, as written (`The` is none).",
    Signal(
        "distinct_count", "int64", "words", "How many of the eight occur.", _NEVER, _GOPHER, (0, 8)
    ),
    _count("occurrence_count", "words", "How often any of them occurs.", "DCLM"),
)

_MANY = " Of more than 2,097,152 words only the first so many are compared."


def _duplicate(what: str, name: str) -> tuple[Signal, Signal]:
    return (
        _share(
            f"duplicate_{name}_fraction",
            f"{what} that occurred before, among {what.lower()}.",
            _NO_LINES,
            _GOPHER,
        ),
        _share(
            f"duplicate_{name}_character_fraction",
            f"Characters of {what.lower()} that occurred before, among all characters.",
            _NO_LINES,
            _GOPHER,
        ),
    )


_DUPLICATE_LINE = _duplicate("Lines", "line")
_DUPLICATE_PARAGRAPH = _duplicate("Paragraphs", "paragraph")

_REPETITION = _family(
    "repetition",
    1,
    "How much of a text repeats itself.",
    _DUPLICATE_LINE[0],
    _DUPLICATE_PARAGRAPH[0],
    _DUPLICATE_LINE[1],
    _DUPLICATE_PARAGRAPH[1],
    *(
        Signal(
            f"top_{n}gram_character_fraction",
            "double",
            "share",
            f"Characters (with spaces) of the most frequent {n}-gram of words times its count, "
            "by all characters; above 1 only where words stand without spaces." + _MANY,
            f"the text has fewer than {n} words",
            _GOPHER,
            _COUNT,
        )
        for n in (2, 3, 4)
    ),
    *(
        _share(
            f"duplicate_{n}gram_character_fraction",
            f"Characters of {n}-grams of words that occurred before, without overlap, among all "
            "characters." + _MANY,
            _NO_LINES,
            _GOPHER,
        )
        for n in range(5, 11)
    ),
)

_FINEWEB_FAMILY = _family(
    "fineweb",
    1,
    "FineWeb's own rules, over lines between newline characters that are not blank.",
    _share("terminal_mark_line_fraction", "Lines that end in a terminal mark.", _BLANK, _FINEWEB),
    _share("short_line_fraction", "Lines of at most 30 characters.", _BLANK, _FINEWEB),
    _share(
        "duplicate_line_character_fraction",
        "Characters of lines that occurred before, among all but newlines.",
        _BLANK,
        _FINEWEB,
    ),
    _ratio("newline_word_ratio", "per word", "Newline characters per word.", _NO_WORDS, _FINEWEB),
)

_C4_FAMILY = _family(
    "c4",
    1,
    "What C4's line rules leave. `any_end`: without the rule that a line ends in a terminal mark.",
    _count("sentences_kept", "sentences", "Sentences of the lines kept.", _C4),
    _count("sentences_kept_any_end", "sentences", "The same for `any_end`.", _FINEWEB),
    _count("lines_kept", "lines", "Lines that pass every line rule.", _C4),
    _count("lines_kept_any_end", "lines", "The same for `any_end`.", _FINEWEB),
    _flag("has_lorem_ipsum", "`lorem ipsum` in a line that reached that check.", _C4),
    _flag("has_lorem_ipsum_any_end", "The same for `any_end`.", _FINEWEB),
    _flag("has_curly_brace", "`{` in a line that reached that check.", _C4),
    _flag("has_curly_brace_any_end", "The same for `any_end`.", _FINEWEB),
    _count("javascript_lines", "lines", "Lines dropped for `javascript`.", _C4),
    _count("policy_lines", "lines", "Lines dropped for a phrase on cookies or terms.", _C4),
    _count("long_word_lines", "lines", "Lines dropped for a word of over 1000 characters.", _C4),
    _count("no_terminal_mark_lines", "lines", "Lines, not blank, dropped for their end.", _C4),
    _count("few_word_lines", "lines", "Lines dropped for fewer than 3 words.", _C4),
)

_MARKET = _family(
    "market",
    1,
    "Tickers, prices and quote tables.",
    _count("ticker_count", "tickers", "`$TSLA`, `NASDAQ: AAPL`, `0700.HK` and their like."),
    _share("ticker_word_fraction", "Tickers per word, at most 1.", _NO_WORDS),
    _share("numeric_word_fraction", "Words with a digit and no letter.", _NO_WORDS),
    _share("money_word_fraction", "Words with a currency sign or `%`.", _NO_WORDS),
    _share(
        "quote_line_fraction",
        "Lines, not blank, of 2 numbers or more and at most 5 words with a letter.",
        _BLANK,
    ),
)

_SLOP = _family(
    "slop",
    1,
    "Phrases of assistants and of stock prose (`filters.phrases`).",
    _count("assistant_phrase_count", "phrases", "What an assistant says to its user."),
    _count("stock_phrase_count", "phrases", "Phrases over-used by models and by SEO."),
    _ratio(
        "phrases_per_1000_words", "per 1000 words", "Both counts together.", _NO_WORDS, "Thresher"
    ),
)

_FURNITURE = _family(
    "furniture",
    1,
    "What belongs to the page and not to its text.",
    _count("consent_phrase_count", "phrases", "Cookie and consent notices."),
    _count("access_phrase_count", "phrases", "Log-in, paywall, error page, enable JavaScript."),
    _share(
        "menu_line_fraction",
        "Lines, not blank, of at most 4 words that end in no terminal mark or quote.",
        _BLANK,
    ),
)

_LANGUAGE = _family(
    "language",
    1,
    "fastText's guess at the language.",
    Signal(
        "code",
        "string",
        "code",
        "ISO 639 code of the likeliest language.",
        "there was nothing to classify",
        "lid.176",
        None,
    ),
    _share("score", "Probability of that language.", "there was nothing to classify", "lid.176"),
)

_QUALITY = _family(
    "quality",
    1,
    "A trained model's opinion.",
    _share("score", "Probability of the positive class.", "no model was configured"),
)

_STOPWORDS_LOCAL = _family(
    "stopwords_local",
    1,
    "Function words of the document's own language, in any case (`filters.local_stop_words`).",
    Signal(
        "distinct_count",
        "int64",
        "words",
        "How many of the eight occur.",
        "the language is not known, or has no list",
        "FineWeb2, with lists of Thresher's own",
        (0, 8),
    ),
)

FAMILIES = (
    _LENGTH,
    _SYMBOLS,
    _LINES,
    _STOPWORDS,
    _REPETITION,
    _FINEWEB_FAMILY,
    _C4_FAMILY,
    _MARKET,
    _SLOP,
    _FURNITURE,
    _LANGUAGE,
    _QUALITY,
    _STOPWORDS_LOCAL,
)
"""All families, in the order of the columns."""

KERNEL_FAMILIES = FAMILIES[:10]
"""Those that `filters.measure.measure` fills; the pipeline fills the others."""

_BY_NAME = {signal.name: signal for family in FAMILIES for signal in family.signals}
_FAMILY_BY_NAME = {family.name: family for family in FAMILIES}


def signal(name: str) -> Signal:
    """The signal of a name, e.g. `length.words`.

    Raises:
        KeyError: if there is none.
    """
    return _BY_NAME[name]


def names() -> tuple[str, ...]:
    """The names of all signals, in order."""
    return tuple(_BY_NAME)


def family(name: str) -> Family:
    """The family of a name.

    Raises:
        KeyError: if there is none.
    """
    return _FAMILY_BY_NAME[name]


def family_type(name: str) -> pa.StructType:
    """The Arrow type of a family's column; every field may be NULL.

    Raises:
        KeyError: if there is no such family.
    """
    signals = _FAMILY_BY_NAME[name].signals
    return pa.struct([pa.field(s.name.split(".")[1], _TYPES[s.type]) for s in signals])
