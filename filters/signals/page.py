"""Families of signals about the way from page to text, and about what the page declares."""

from __future__ import annotations

from thresher.filters.signals.kinds import COUNT, NEVER, SHARE, Signal, count, make_family, ratio

_NOT_HTML = "the input was finished text, not HTML"
_NOT_LINES = f"{_NOT_HTML}, or the profile does not look at lines"


def _extracted(name: str, type_: str, unit: str, meaning: str, null_when: str = "") -> Signal:
    bounds = {"int64": COUNT, "double": SHARE}.get(type_)
    return Signal(name, type_, unit, meaning, null_when or _NOT_HTML, "Thresher", bounds)


def _rate(name: str, meaning: str) -> Signal:
    return ratio(name, "per 100 words", meaning, _NOT_LINES)


_EXTRACT = make_family(
    "extract",
    2,
    "How the text was taken out of the page.",
    _extracted("profile", "string", "name", "The profile that was asked for."),
    _extracted(
        "fallback",
        "string",
        "name",
        "Why another way was taken: noscript (the page has text only for browsers without "
        "scripts), depth or tags (all text, for its nesting or its many tags), libxml "
        "(trafilatura cannot read it), or the reason for which the profile failed (all text).",
        f"{_NOT_HTML}, or there was no need",
    ),
    _extracted("words", "int64", "words", "Words of the text, as the profile counts them."),
    _extracted("body_words", "int64", "words", "Words of all visible text.", _NOT_LINES),
    _extracted("kept_word_fraction", "double", "share", "Of these, those kept.", _NOT_LINES),
    _extracted("link_fraction", "double", "share", "Of the text, what is in links.", _NOT_LINES),
    _rate("links_per_100_words", "Links in the text."),
    _extracted(
        "body_link_fraction",
        "double",
        "share",
        "Of all visible text, what is in links: before any is dropped.",
        _NOT_LINES,
    ),
    _rate("body_links_per_100_words", "Links in all visible text."),
    _extracted("dropped_repeated_lines", "int64", "lines", "Dropped as said before.", _NOT_LINES),
    _extracted("dropped_link_lines", "int64", "lines", "Dropped, mostly links.", _NOT_LINES),
    _extracted(
        "dropped_furniture_lines", "int64", "lines", "Dropped, stock phrases of pages.", _NOT_LINES
    ),
    _extracted(
        "dropped_tail_lines",
        "int64",
        "lines",
        "Dropped behind a heading like Related or Comments.",
        _NOT_LINES,
    ),
    _extracted("dropped_other_lines", "int64", "lines", "Dropped otherwise.", _NOT_LINES),
    _extracted("has_code", "bool", "flag", "Holds preformatted lines.", _NOT_LINES),
    _extracted("has_table", "bool", "flag", "Holds rows of a table.", _NOT_LINES),
    _extracted("title_characters", "int64", "characters", "Length of the title."),
    _extracted(
        "title_word_fraction",
        "double",
        "share",
        "Content words of the text that occur in the title (its first 64 different ones). Content "
        "words have three letters or more, no digits, and are no function words.",
        f"{_NOT_HTML}; the title has no content word; the text has fewer than 20, or is of a "
        "script without spaces",
    ),
    _extracted("charset", "string", "name", "The charset that the page was decoded by."),
    _extracted(
        "charset_source",
        "string",
        "name",
        "How that was found: bom, http, meta or detected.",
    ),
)

_UNDECLARED = f"{_NOT_HTML}, or the page does not say"

_METADATA = make_family(
    "metadata",
    1,
    "What the page or its HTTP headers declare; nothing is guessed.",
    _extracted("language", "string", "tag", "Language of the root element.", _UNDECLARED),
    _extracted("published", "string", "date", "Day of publication, ISO 8601.", _UNDECLARED),
    _extracted("canonical_url", "string", "URL", "Canonical URL as written.", _UNDECLARED),
    _extracted(
        "licence",
        "string",
        "name",
        "Creative Commons licence that the page links to, such as by-sa-4.0 or zero-1.0.",
        _UNDECLARED,
    ),
    _extracted("robots_noindex", "bool", "flag", "Robots shall not index it."),
    _extracted("robots_noai", "bool", "flag", "`noai` in a robots tag or header."),
    _extracted("robots_noimageai", "bool", "flag", "`noimageai` in a robots tag or header."),
    _extracted(
        "tdm_reservation", "bool", "flag", "Text and data mining is reserved (TDMRep, value 1)."
    ),
    _extracted("tdm_policy", "string", "URL", "Where TDMRep says licences are.", _UNDECLARED),
)

_READING = make_family(
    "reading",
    1,
    "How the document was read from its file.",
    Signal(
        "unverified",
        "bool",
        "flag",
        "It is out of a compressed member that failed its checks: the text may hold garbage.",
        NEVER,
        "Thresher",
        None,
    ),
)

_MENDING = make_family(
    "mending",
    1,
    "What was changed in the text before it was measured: it is stored in normal form and mended.",
    count(
        "line_end_count",
        "lines",
        "Lines that did not end in a line feed alone (CR, U+2028, U+2029), or had white space or "
        "marks without width before their end.",
    ),
    count(
        "mojibake_count",
        "sequences",
        "Characters that were UTF-8 read in another charset, and are characters again.",
    ),
    count(
        "replacement_count",
        "characters",
        "Replacement characters that are apostrophes, quotes, dashes or bullets again.",
    ),
    count("soft_hyphen_count", "characters", "Soft hyphens that were left out."),
    count("broken_word_count", "words", "Words that a line break had cut, and that are whole."),
)

FAMILIES = (_EXTRACT, _METADATA, _READING, _MENDING)
"""In the order of the columns."""
