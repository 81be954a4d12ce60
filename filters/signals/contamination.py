"""The family of what documents share with evaluation sets."""

from __future__ import annotations

from thresher.filters.signals.kinds import COUNT, SHARE, THRESHER, Signal, make_family

_NONE = "the recipe names no evaluation set (`[[decontaminate]]`)"
_GPT3 = "GPT-3 (Brown et al. 2020, appendix C)"
_UNMATCHED = f"nothing matches, or {_NONE}"

SPANS = "contamination_spans"
"""Column beside the family: all matched spans, as characters of the text."""

CONTAMINATION = make_family(
    "contamination",
    1,
    "What a document has in common with the evaluation sets that the recipe names: n-grams of "
    "words (13 by default) in lower case, without diacritics and punctuation. A text of a set that "
    "is shorter than an n-gram matches as a whole if it has 8 words; what more than 10 examples "
    "have in common matches nothing, nor does what repeats the same few words.",
    Signal(
        "ngrams",
        "int64",
        "n-grams",
        "Places where an n-gram, or a whole short text, of a set ends.",
        _NONE,
        _GPT3,
        COUNT,
    ),
    Signal(
        "coverage",
        "double",
        "share",
        "Of the n-grams of one example, those in the document; of the example where it is most.",
        _NONE,
        THRESHER,
        SHARE,
    ),
    Signal(
        "word_fraction",
        "double",
        "share",
        "Words of the document that are part of a match.",
        f"the text has no words, or {_NONE}",
        THRESHER,
        SHARE,
    ),
    Signal("set", "string", "name", "The set of that example.", _UNMATCHED, THRESHER, None),
    Signal(
        "item",
        "int64",
        "number",
        "The number of that example among those of its set, from 0, in the order of the files.",
        _UNMATCHED,
        THRESHER,
        COUNT,
    ),
    Signal(
        "start",
        "int64",
        "characters",
        "Where in the text the longest match begins.",
        _UNMATCHED,
        THRESHER,
        COUNT,
    ),
    Signal("end", "int64", "characters", "Where it ends.", _UNMATCHED, THRESHER, COUNT),
)
