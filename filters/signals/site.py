"""Signals of a document's site and shard, which take the whole run to measure.

What feeds them is written down once, here: `MEANS` says which measured signals are averaged over a
site, `FIGURES` how diversity is measured and on which scale a difference matters.
"""

from __future__ import annotations

from dataclasses import dataclass

from thresher.filters.signals.kinds import COUNT, SHARE, Range, Signal, make_family, text

_FEW = "the URL has no registered domain, or its site fewer pages than `sites.min_pages`"
_FEW_SHARD = "the shard has fewer documents than `sites.min_pages`"
_DEVIATION: Range = (None, 0)


@dataclass(frozen=True)
class Mean:
    """A signal of a site that is the mean of a signal of its pages, of those that have it."""

    name: str
    source: str
    meaning: str
    range: Range = COUNT


MEANS = (
    Mean("slop_mean", "slop.model_phrase_score", "Language models' words", (None, None)),
    Mean("slop_phrase_mean", "slop.phrases_per_1000_words", "Stock phrases per 1000 words"),
    Mean("machine_text_mean", "machine_text.score", "Probability of machine text", SHARE),
    Mean("prose_fraction", "prose.word_fraction", "Words in sentences"),
    Mean("ticker_fraction", "market.ticker_word_fraction", "Tickers per word"),
    Mean("quote_line_fraction", "market.quote_line_fraction", "Lines of numbers"),
    Mean("price_line_fraction", "commerce.price_line_fraction", "Lines with a price"),
    Mean("menu_line_fraction", "furniture.menu_line_fraction", "Lines like those of a menu"),
    Mean("link_fraction", "extract.link_fraction", "Text in links"),
    Mean("quality_mean", "quality.score", "Quality"),
    Mean("words_mean", "length.words", "Words"),
)
"""Each is the mean, over the pages of a site, of the signal it names."""


@dataclass(frozen=True)
class Figure:
    """How diverse the documents of a group are, in one respect."""

    name: str
    range: Range
    unit: str
    meaning: str
    falls: bool
    """Whether it is the lower, and not the higher, the less diverse they are."""
    floor: float
    """The least that counts as spread between groups, however alike those of a run are."""
    grain: float
    """What one document in n can change: this by n; or one pair of like documents: this by n^2."""
    of_pairs: bool = False
    """Which of the two."""


FIGURES = (
    Figure(
        "growth_exponent",
        COUNT,
        "exponent",
        "Growth of the vocabulary from 4 to 8 documents drawn at random, as the exponent of Heaps' "
        "law: 1 where no two share a word, 0 where all have the same",
        falls=True,
        floor=0.01,
        grain=0.5,
    ),
    Figure(
        "shared_ngram_fraction",
        SHARE,
        "share",
        "The chance that three words of a document stand in another one drawn at random, too",
        falls=False,
        floor=0.0001,
        grain=2.0,
        of_pairs=True,
    ),
    Figure(
        "template_fraction",
        SHARE,
        "share",
        "How much of the documents one template explains: the mean share of a document's word "
        "triples that most of those have which hold the most widespread triple",
        falls=False,
        floor=0.002,
        grain=1.0,
    ),
    Figure(
        "opening_entropy",
        SHARE,
        "share",
        "Entropy of the first four words of 8 documents drawn at random, by the most that it can "
        "be: 1 where all differ",
        falls=True,
        floor=0.001,
        grain=8.0,
        of_pairs=True,
    ),
    Figure(
        "ending_entropy",
        SHARE,
        "share",
        "The same of the last four words",
        falls=True,
        floor=0.002,
        grain=8.0,
        of_pairs=True,
    ),
    Figure(
        "near_duplicate_fraction",
        SHARE,
        "share",
        "Documents that are a copy, exact or near, of another one of the run",
        falls=False,
        floor=0.01,
        grain=2.0,
    ),
)
"""The figures of diversity, made from `thresher.filters.shape` and the duplicates."""

OF_SITE = frozenset({"template_fraction", "near_duplicate_fraction"})
"""Figures of a site that are in the family `site`; the others are in `collapse`."""

LEVELS = ("site", "shard", "month")
"""What documents are grouped by: registered domain, input shard, month of the crawl."""


def _figure(figure: Figure, null_when: str, level: str = "") -> Signal:
    name = f"{level}_{figure.name}".lstrip("_")
    meaning = f"{figure.meaning} ({level})." if level else f"{figure.meaning}."
    return Signal(name, "double", figure.unit, meaning, null_when, "Thresher", figure.range)


def _deviation(level: str, null_when: str) -> tuple[Signal, Signal]:
    return (
        Signal(
            f"{level}_deviation",
            "double",
            "robust standard deviations",
            f"How far the least diverse figure of the {level} lies below the median of the run's "
            f"{level}s, by their median absolute deviation; 0 where none lies below.",
            f"{null_when}, or the run has fewer than 3 such {level}s",
            "Thresher",
            _DEVIATION,
        ),
        text(
            f"{level}_figure",
            "name",
            "Which figure that is.",
            f"`collapse.{level}_deviation` is NULL or 0",
        ),
    )


SITE = make_family(
    "site",
    2,
    "The document's site (`url_parts.registered_domain`), over its documents in the run. "
    "Diversity is of a sample of `sites.sample_documents` of them, by the first 256 words of each.",
    Signal("pages", "int64", "pages", "Documents of the site.", _FEW, "Thresher", COUNT),
    *(
        Signal(
            mean.name,
            "double",
            "mean",
            f"{mean.meaning}: mean of `{mean.source}` over the pages that have it.",
            f"{_FEW}, or fewer pages of it have that signal",
            "Thresher",
            mean.range,
        )
        for mean in MEANS
    ),
    *(_figure(figure, _FEW) for figure in FIGURES if figure.name in OF_SITE),
    Signal(
        "page_template_fraction",
        "double",
        "share",
        "Of this document's word triples, those of the template behind `site.template_fraction`.",
        f"{_FEW}, or the document is too short for a sample",
        "Thresher",
        SHARE,
    ),
)

COLLAPSE = make_family(
    "collapse",
    1,
    "How diverse the document's site and input shard are, and how far that is below the run's.",
    *(
        _figure(figure, f"{_FEW}, or than the figure needs", "site")
        for figure in FIGURES
        if figure.name not in OF_SITE
    ),
    *_deviation("site", _FEW),
    *(_figure(figure, f"{_FEW_SHARD}, or than the figure needs", "shard") for figure in FIGURES),
    *_deviation("shard", _FEW_SHARD),
)

FAMILIES = (SITE, COLLAPSE)
