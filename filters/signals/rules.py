"""Signals of published rule sets: FineWeb, C4, DCLM's line modifiers, RedPajama-V2."""

from __future__ import annotations

from thresher.filters.signals.kinds import (
    BLANK,
    C4,
    COUNT,
    DCLM,
    FINEWEB,
    FIRST_WORDS,
    NEVER,
    NO_LINES,
    NO_WORDS,
    NO_WORDS_OR_SPACELESS,
    SHARE,
    SPACELESS,
    Range,
    Signal,
    count,
    flag,
    make_family,
    ratio,
    share,
)

FINEWEB_FAMILY = make_family(
    "fineweb",
    1,
    "FineWeb's own rules, over lines between newline characters that are not blank.",
    share("terminal_mark_line_fraction", "Lines that end in a terminal mark.", BLANK, FINEWEB),
    share("short_line_fraction", "Lines of at most 30 characters.", BLANK, FINEWEB),
    share(
        "duplicate_line_character_fraction",
        "Characters of lines that occurred before, among all but newlines.",
        BLANK,
        FINEWEB,
    ),
    ratio("newline_word_ratio", "per word", "Newline characters per word.", NO_WORDS, FINEWEB),
)

C4_FAMILY = make_family(
    "c4",
    2,
    "What C4's line rules leave. `any_end`: without the rule that a line ends in a terminal mark. "
    "Words are between white space, and a letter of a script without spaces is one.",
    count("sentences_kept", "sentences", "Sentences of the lines kept.", C4),
    count("sentences_kept_any_end", "sentences", "The same for `any_end`.", FINEWEB),
    count("lines_kept", "lines", "Lines that pass every line rule.", C4),
    count("lines_kept_any_end", "lines", "The same for `any_end`.", FINEWEB),
    flag("has_lorem_ipsum", "`lorem ipsum` in a line that reached that check.", C4),
    flag("has_lorem_ipsum_any_end", "The same for `any_end`.", FINEWEB),
    flag("has_curly_brace", "`{` in a line that reached that check.", C4),
    flag("has_curly_brace_any_end", "The same for `any_end`.", FINEWEB),
    count("javascript_lines", "lines", "Lines dropped for `javascript`.", C4),
    count("policy_lines", "lines", "Lines dropped for a phrase on cookies or terms.", C4),
    count("long_word_lines", "lines", "Lines dropped for a word of over 1000 characters.", C4),
    count("no_terminal_mark_lines", "lines", "Lines, not blank, dropped for their end.", C4),
    count("few_word_lines", "lines", "Lines dropped for fewer than 3 words.", C4),
)


def _dclm(name: str, what: str, null_when: str = NEVER) -> tuple[Signal, ...]:
    return (
        count(f"{name}_lines", "lines", f"Lines {what}.", DCLM, null_when),
        count(f"{name}_words", "words", "Words, between white space, of those.", DCLM, null_when),
        count(f"{name}_characters", "characters", "Characters of those.", DCLM, null_when),
    )


DCLM_FAMILY = make_family(
    "dclm",
    1,
    "What each of DCLM's line modifiers would remove, and all four together, from the lines "
    "between newline characters that are not empty.",
    *_dclm("uppercase", "of which more than half the characters are upper case"),
    *_dclm("numeric", "of digits only (a share above 0.999999)"),
    *_dclm("counter", "that are a social counter and no more (`12K likes`, `3 comments`)"),
    *_dclm("short", "of fewer than 2 words", SPACELESS),
    *_dclm("removed", "that any of the four modifiers removes", SPACELESS),
    share(
        "removed_word_fraction",
        "Words, between white space, of the lines that any modifier removes; DCLM drops a "
        "document above 0.05.",
        NO_WORDS_OR_SPACELESS,
        DCLM,
    ),
)

_RPV2 = "RedPajama-V2"
_NORMAL = " Words are of the normalised text: white space between, ASCII marks removed, lower case."
_RAW = " Words are runs of letters, digits and `_`, or of other marks (NLTK's WordPunct)."
_LINE = " Over lines between newline characters, blank ones included."


def _published(
    name: str, unit: str, meaning: str, null_when: str, published: str, bounds: Range = COUNT
) -> Signal:
    kind = "int64" if unit in ("characters", "lines", "words", "sentences") else "double"
    if unit.startswith("mean "):
        unit = unit.removeprefix("mean ")
    return Signal(name, kind, unit, f"`{published}`: {meaning}", null_when, _RPV2, bounds)


REDPAJAMA_FAMILY = make_family(
    "redpajama",
    2,
    "The document signals of RedPajama-V2 that need no model and no word list of languages; its "
    "line signals as one figure a document. Values are not rounded; lower case and NFD are taken "
    "code point by code point.",
    _published("ccnet_length", "characters", "code points.", NEVER, "ccnet_length"),
    _published("ccnet_nlines", "lines", "lines between newline characters.", NEVER, "ccnet_nlines"),
    _published(
        "curly_bracket_ratio",
        "share",
        "`{` and `}` among the characters.",
        NO_LINES,
        "rps_doc_curly_bracket",
        SHARE,
    ),
    _published(
        "all_caps_word_fraction",
        "share",
        "words in upper case." + _RAW,
        NO_WORDS_OR_SPACELESS,
        "rps_doc_frac_all_caps_words",
        SHARE,
    ),
    _published(
        "ellipsis_line_fraction",
        "share",
        "lines that end in `...` or `…`." + _LINE,
        NO_LINES,
        "rps_doc_frac_lines_end_with_ellipsis",
        SHARE,
    ),
    _published(
        "no_alphabetic_word_fraction",
        "share",
        "words without a letter from a to z." + _RAW,
        NO_WORDS_OR_SPACELESS,
        "rps_doc_frac_no_alph_words",
        SHARE,
    ),
    _published(
        "lorem_ipsum_ratio",
        "share",
        "`lorem ipsum`, as whole words, per character of the normalised text.",
        NO_WORDS_OR_SPACELESS,
        "rps_doc_lorem_ipsum",
        SHARE,
    ),
    _published(
        "mean_word_characters",
        "mean characters",
        "mean length of the words, as NFD." + _NORMAL,
        NO_WORDS_OR_SPACELESS,
        "rps_doc_mean_word_length",
    ),
    _published(
        "stop_word_fraction",
        "share",
        "words of the English list, in lower case (`thresher.filters.stop_words`)." + _RAW,
        NO_WORDS_OR_SPACELESS,
        "rps_doc_stop_word_fraction",
        SHARE,
    ),
    _published(
        "symbol_word_ratio",
        "per word",
        "`#`, `...` and `…` per word." + _RAW,
        NO_WORDS_OR_SPACELESS,
        "rps_doc_symbol_to_word_ratio",
    ),
    _published(
        "unique_word_fraction",
        "share",
        "different words among all." + _NORMAL + FIRST_WORDS,
        NO_WORDS_OR_SPACELESS,
        "rps_doc_frac_unique_words",
        SHARE,
    ),
    _published(
        "unigram_entropy_nats",
        "nats",
        "Shannon entropy of the words." + _NORMAL + FIRST_WORDS,
        NO_WORDS_OR_SPACELESS,
        "rps_doc_unigram_entropy",
    ),
    _published("word_count", "words", "words." + _NORMAL, SPACELESS, "rps_doc_word_count"),
    _published(
        "sentence_count",
        "sentences",
        "stretches from a letter or digit to the next `.`, `!` or `?`.",
        NEVER,
        "rps_doc_num_sentences",
    ),
    *(
        _published(
            f"top_{n}gram_character_fraction",
            "share",
            f"characters of the most frequent {n}-gram of words times its count, by those of all "
            f"words; 0 where none occurs twice, above 1 where it overlaps itself."
            + _NORMAL
            + FIRST_WORDS,
            NO_WORDS_OR_SPACELESS,
            f"rps_doc_frac_chars_top_{n}gram",
        )
        for n in (2, 3, 4)
    ),
    *(
        _published(
            f"duplicate_{n}gram_character_fraction",
            "share",
            f"characters of the words that are part of an {n}-gram that occurs twice or more, "
            "among those of all words." + _NORMAL + FIRST_WORDS,
            NO_WORDS_OR_SPACELESS,
            f"rps_doc_frac_chars_dupe_{n}grams",
            SHARE,
        )
        for n in range(5, 11)
    ),
    _published(
        "terminal_mark_line_fraction",
        "share",
        "lines that end in `.`, `!`, `?` or `”` (mean of the lines)." + _LINE,
        NO_LINES,
        "rps_lines_ending_with_terminal_punctution_mark",
        SHARE,
    ),
    _published(
        "javascript_words",
        "words",
        "the word `javascript` (sum of the lines)." + _NORMAL,
        NEVER,
        "rps_lines_javascript_counts",
    ),
    _published(
        "line_words",
        "mean words",
        "words of a line (mean of the lines)." + _NORMAL + _LINE,
        f"{NO_LINES}, or {SPACELESS}",
        "rps_lines_num_words",
    ),
    _published(
        "line_numeric_character_fraction",
        "share",
        "numeric characters of a line's normalised text (mean of the lines)." + _LINE,
        NO_LINES,
        "rps_lines_numerical_chars_fraction",
        SHARE,
    ),
    _published(
        "bullet_line_fraction",
        "share",
        "lines that begin with one of ten marks, `•` and `–` among them (mean of the lines)."
        + _LINE,
        NO_LINES,
        "rps_lines_start_with_bulletpoint",
        SHARE,
    ),
    _published(
        "line_uppercase_character_fraction",
        "share",
        "upper-case letters among a line's characters, its newline included (mean of the lines)."
        + _LINE,
        NO_LINES,
        "rps_lines_uppercase_letter_fraction",
        SHARE,
    ),
)

FAMILIES = (FINEWEB_FAMILY, C4_FAMILY, DCLM_FAMILY, REDPAJAMA_FAMILY)
