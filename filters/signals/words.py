"""Signals of words, lines and repetition: Gopher's, and what information theory adds."""

from __future__ import annotations

from thresher.filters.signals.kinds import (
    BLANK,
    COUNT,
    DCLM,
    FIRST_WORDS,
    GOPHER,
    NO_LINES,
    NO_WORDS,
    SPACELESS,
    THRESHER,
    Signal,
    count,
    make_family,
    ratio,
    share,
)

LENGTH = make_family(
    "length",
    2,
    "How much text there is. A letter of a script without spaces (Chinese, Japanese, Thai, Lao, "
    "Khmer, Myanmar) is a word, with the marks that follow it.",
    count("characters", "characters", "Unicode code points."),
    count("bytes", "bytes", "Bytes as UTF-8."),
    count("words", "words", "Words as spaCy's English rules split, marks included.", GOPHER),
    count("nonsymbol_words", "words", "Words with a character that is no mark.", GOPHER),
    ratio(
        "mean_word_characters",
        "characters",
        "Mean length of the nonsymbol words.",
        f"there are no nonsymbol words, or {SPACELESS}",
        GOPHER,
    ),
    count("lines", "lines", "Lines that are not blank."),
    count(
        "paragraphs",
        "paragraphs",
        "Stretches between two or more newline characters in the stripped text.",
        GOPHER,
    ),
    count(
        "sentences",
        "sentences",
        "Sentences: a line, cut after each terminal mark that is a word.",
    ),
    share(
        "spaceless_word_fraction",
        "Words that are a letter of a script without spaces; above 0.5 the signals that need "
        "words between spaces are NULL.",
        NO_WORDS,
    ),
)

SYMBOLS = make_family(
    "symbols",
    1,
    "What the words are made of.",
    ratio("hash_word_ratio", "per word", "`#` characters per word.", NO_WORDS, GOPHER),
    ratio("ellipsis_word_ratio", "per word", "`...` and `…` per word.", NO_WORDS, GOPHER),
    share("alphabetic_word_fraction", "Words with a letter among words.", NO_WORDS, GOPHER),
)

LINES = make_family(
    "lines",
    2,
    "How lines (`str.splitlines`, blank ones included) begin and end.",
    share("bullet_fraction", "Lines that begin with `•` or `-`.", NO_LINES, GOPHER),
    share("ellipsis_fraction", "Lines that end in `...` or `…`.", NO_LINES, GOPHER),
    share(
        "sentence_end_fraction",
        "Lines, not blank, that end in a terminal mark, wherever quotes, brackets, citations "
        "(`[12]`, `[note 3]`), footnote marks (`†`, `¹`, a number right behind the mark) or emoji "
        "follow it.",
        BLANK,
    ),
)

STOPWORDS = make_family(
    "stopwords",
    2,
    "The words `the be to of and that have with`, as written (`The` is none).",
    Signal(
        "distinct_count",
        "int64",
        "words",
        "How many of the eight occur.",
        SPACELESS,
        GOPHER,
        (0, 8),
    ),
    count("occurrence_count", "words", "How often any of them occurs.", DCLM, SPACELESS),
)


def _duplicate(what: str, name: str) -> tuple[Signal, Signal]:
    return (
        share(
            f"duplicate_{name}_fraction",
            f"{what} that occurred before, among {what.lower()}.",
            NO_LINES,
            GOPHER,
        ),
        share(
            f"duplicate_{name}_character_fraction",
            f"Characters of {what.lower()} that occurred before, among all characters.",
            NO_LINES,
            GOPHER,
        ),
    )


_DUPLICATE_LINE = _duplicate("Lines", "line")
_DUPLICATE_PARAGRAPH = _duplicate("Paragraphs", "paragraph")

REPETITION = make_family(
    "repetition",
    3,
    "How much of a text repeats itself, as datatrove counts.",
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
            "by all characters; above 1 only where words stand without spaces." + FIRST_WORDS,
            f"the text has fewer than {n} words",
            GOPHER,
            COUNT,
        )
        for n in (2, 3, 4)
    ),
    *(
        share(
            f"duplicate_{n}gram_character_fraction",
            f"Characters of {n}-grams of words that occurred before, without overlap, among all "
            "characters." + FIRST_WORDS,
            NO_LINES,
            GOPHER,
        )
        for n in range(5, 11)
    ),
)

_PAPER = "Gopher (Rae et al. 2021, Table A1), as DCLM and RedPajama-V2 read it"

REPETITION_UNION = make_family(
    "repetition_union",
    2,
    "Repeated n-grams as the paper has them: every occurrence counts, the first included, each "
    "word once, by the characters of words. Lines and paragraphs are in `repetition`.",
    *(
        Signal(
            f"top_{n}gram_character_fraction",
            "double",
            "share",
            f"Characters of the most frequent {n}-gram of words times its count, by those of all "
            "words; 0 where none occurs twice, above 1 where it overlaps itself." + FIRST_WORDS,
            f"the text has fewer than {n} words",
            _PAPER,
            COUNT,
        )
        for n in (2, 3, 4)
    ),
    *(
        share(
            f"duplicate_{n}gram_character_fraction",
            f"Characters of the words that are part of an {n}-gram that occurs twice or more, "
            "among those of all words." + FIRST_WORDS,
            NO_WORDS,
            _PAPER,
        )
        for n in range(5, 11)
    ),
)

ENTROPY = make_family(
    "entropy",
    2,
    "How varied the words are, as written and with marks, of the first 1,048,576.",
    ratio("unigram_bits", "bits", "Shannon entropy of the words.", NO_WORDS),
    ratio("bigram_bits", "bits", "Entropy of pairs of words.", "the text has fewer than 2 words"),
    *(
        share(
            f"distinct_{n}_fraction",
            f"Different {n}-grams of words among all"
            + (" (the type/token ratio)." if n == 1 else "."),
            NO_WORDS if n == 1 else f"the text has fewer than {n} words",
            "Li et al. 2016 (distinct-n)",
        )
        for n in (1, 2, 3)
    ),
    ratio(
        "root_type_token_ratio",
        "words",
        "Different words by the square root of all, which depends less on length.",
        NO_WORDS,
        "Guiraud 1954",
    ),
    share(
        "compression_ratio",
        "Compressed bytes by bytes: what a greedy LZ77 parse with matches of 4 bytes or more in "
        "the last 64 kB costs in LZ4's block format (`filters.kernels.rules.compression`).",
        NO_LINES,
        THRESHER,
    ),
)

FAMILIES = (LENGTH, SYMBOLS, LINES, STOPWORDS, REPETITION, REPETITION_UNION, ENTROPY)
