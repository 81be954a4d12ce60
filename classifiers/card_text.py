"""`CARD.md`: the card of a model as Markdown. Text that comes from data is escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

import msgspec

from thresher.classifiers.breakdown import BySource, Mistake
from thresher.classifiers.bundles import CARD_PLOT
from thresher.classifiers.card import ModelCard
from thresher.classifiers.evaluation import RATES, Evaluation
from thresher.classifiers.sampling import ClassCounts

MIN_TOLD = 30
"""Fewest texts of a source that the headline names."""

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-!|~:@])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")


def markdown(card: ModelCard) -> str:
    """The whole card."""
    return "\n\n".join(part for part in _parts(card) if part) + "\n"


def escaped(text: str) -> str:
    """Text from data that can neither format, link nor run anything where the card is shown."""
    return _MARKUP.sub(r"\\\1", html.escape(_CONTROL.sub(" ", text)))


def _parts(card: ModelCard) -> Iterator[str]:
    yield f"# {card.name}@{card.version}"
    yield card.summary
    yield _headline(card)
    yield (
        f"`{card.model}`, {card.size_bytes:,} bytes, sha256 `{card.sha256}`. Its role is "
        f"`{card.role}`. The raw score is the "
        f"probability that fastText gives `{card.positive_label}`; {_calibrated(card)} Texts are "
        f"prepared `{card.preparation}`, the first {card.max_characters:,} characters count. "
        f"Trained by {card.trainer}. Licence: {card.licence or 'not declared'}. The dictionary of "
        "the model holds single words of the training texts and hashes of runs of words; no text."
    )
    yield "## Evaluation"
    yield from _overall(card)
    yield from _by_part(card)
    yield "## Training data"
    yield from _data(card)
    if card.trials:
        yield "## Search"
        yield _table(
            ("settings", "ROC-AUC", "average precision"),
            (
                (
                    ", ".join(f"{name} {value:g}" for name, value in trial.settings.items()),
                    f"{trial.roc_auc:.4f}",
                    f"{trial.average_precision:.4f}",
                )
                for trial in card.trials
            ),
        )
    yield "## Settings"
    skipped = ("role", "positives", "negatives", "search", "notes", "summary", "licence")
    yield _table(
        ("setting", "value"),
        (
            (name, escaped(_words(getattr(card.settings, name))))
            for name in card.settings.__struct_fields__
            if name not in skipped
        ),
    )
    yield "## Make it again"
    yield f"    {card.command}"
    same = "has" if card.settings.threads == 1 else "may not have (threads > 1)"
    yield f"From the same texts and the same library the new model {same} the same bytes."
    if card.settings.notes:
        yield "## Notes"
        yield from card.settings.notes


def _headline(card: ModelCard) -> str:
    """What a threshold costs, before anything that flatters."""
    first = card.evaluation.rates[0]
    negatives = [row for row in card.breakdown.sources if not row.positive]
    told = [row for row in negatives if row.texts >= MIN_TOLD and row.unseen] or negatives
    worst = max(told, key=lambda row: (row.kept[0], row.source))
    return (
        f"**False positives: at the threshold {first.threshold:.4f}, at most {first.rate:.0%} of "
        f"{card.evaluation.negatives:,} held-out texts of the negative class "
        f"(`{card.labels[1]}`) are taken for positives; of one source, {escaped(worst.source)}, "
        f"{worst.kept[0]:.1%}.** Of the positives {first.recall:.1%} are found there."
    )


def _calibrated(card: ModelCard) -> str:
    if card.calibration is None:
        return "it is not calibrated."
    method = card.calibration.__struct_config__.tag
    share = card.settings.calibration.positive_share
    return (
        f"calibration ({method}, on texts of its own) makes it the probability of a text being "
        f"a positive in a pool with {share:.0%} positives."
    )


def _overall(card: ModelCard) -> Iterator[str]:
    result = card.evaluation
    unseen = any(row.unseen for row in card.breakdown.sources)
    whence = (
        "Where a class has sources that training never saw, its texts here are of those alone; "
        "otherwise they are of other domains than those trained on."
        if unseen
        else "They come from the same sources as the training texts, but from other domains: "
        "expect less on other data."
    )
    yield (
        f"ROC-AUC **{result.roc_auc:.4f}**, average precision **{result.average_precision:.4f}**, "
        f"on {result.positives:,} positives and {result.negatives:,} negatives that training did "
        f"not see, nor near copies of them. {whence}"
    )
    yield _table(
        ("false positives at most", "threshold", "recall"),
        ((f"{row.rate:.0%}", f"{row.threshold:.4f}", f"{row.recall:.3f}") for row in result.rates),
    )
    yield _table(
        (
            *("keep score >=", "true positives", "false positives", "true negatives"),
            *("false negatives", "precision", "recall", "F1", "false-positive rate"),
        ),
        (
            (
                f"{row.threshold:g}",
                f"{row.true_positives:,}",
                f"{row.false_positives:,}",
                f"{row.true_negatives:,}",
                f"{row.false_negatives:,}",
                _number(row.precision),
                f"{row.recall:.3f}",
                f"{row.f1:.3f}",
                f"{row.negatives_kept:.3f}",
            )
            for row in result.thresholds
        ),
    )
    yield from _calibration(result)


def _calibration(result: Evaluation) -> Iterator[str]:
    yield "### Calibration"
    yield (
        f"Predicted and true share of positives, on the same held-out texts. Mean distance: "
        f"{result.calibration_error:.3f}."
    )
    yield f"![calibration]({CARD_PLOT})"
    yield _table(
        ("probability from", "texts", "predicted", "true"),
        (
            (
                f"{row.least:.1f}",
                f"{row.texts:,}",
                _number(row.mean_probability),
                _number(row.positive_share),
            )
            for row in result.calibration
        ),
    )


def _by_part(card: ModelCard) -> Iterator[str]:
    rates = [f"kept at {rate:.0%}" for rate in RATES]
    yield "### By source"
    yield (
        "Share kept at the thresholds where so many of all held-out negatives are; ROC-AUC against "
        "all held-out texts of the other class. Unseen: nothing of the source was trained on."
    )
    yield _table(
        ("class", "source", "unseen", "texts", "ROC-AUC", "mean score", *rates),
        (_source_row(row) for row in card.breakdown.sources),
    )
    yield "### By length"
    yield _table(
        (
            *("bytes from", "positives", "negatives", "ROC-AUC"),
            *(f"recall at {rate:.0%}" for rate in RATES),
            *(f"false positives at {rate:.0%}" for rate in RATES),
        ),
        (
            (
                f"{row.least_bytes:,}",
                f"{row.positives:,}",
                f"{row.negatives:,}",
                _number(row.roc_auc),
                *_shares(row.recall),
                *_shares(row.false_positives),
            )
            for row in card.breakdown.lengths
        ),
    )
    sites = card.breakdown.sites
    if sites:
        yield "### By site"
        recall = ", ".join(
            f"{value:.3f} at {rate:.0%}" for rate, value in zip(RATES, sites.recall, strict=True)
        )
        yield (
            f"Mean score of {sites.pages} texts of one source, as of a site: ROC-AUC "
            f"{sites.roc_auc:.4f} on {sites.positives:,} + {sites.negatives:,} of them; recall "
            f"{recall} false positives."
        )
    if card.breakdown.mistakes:
        yield "### Most confident mistakes"
        yield _table(
            ("true class", "source", "score", "beginning, as the model sees it"),
            (_mistake_row(mistake) for mistake in card.breakdown.mistakes),
        )


def _source_row(row: BySource) -> tuple[str, ...]:
    return (
        _side(row.positive),
        escaped(row.source),
        "yes" if row.unseen else "",
        f"{row.texts:,}",
        f"{row.roc_auc:.3f}",
        f"{row.mean_probability:.3f}",
        *_shares(row.kept),
    )


def _mistake_row(mistake: Mistake) -> tuple[str, ...]:
    return (
        _side(mistake.positive),
        escaped(mistake.source),
        f"{mistake.score:.3f}",
        escaped(mistake.text),
    )


def _data(card: ModelCard) -> Iterator[str]:
    sides = (("positive", card.positives), ("negative", card.negatives))
    yield _table(
        ("class", *(name.replace("_", " ") for name in ClassCounts.__struct_fields__)),
        (
            (name, *(f"{value:,}" for value in msgspec.structs.astuple(side.counts)))
            for name, side in sides
        ),
    )
    yield _table(
        ("class", "file", "documents", "bytes", "licence", "sha256"),
        (
            (
                name,
                escaped(source.url),
                f"{source.documents:,}",
                f"{source.size_bytes:,}",
                escaped(source.licence) or "not declared",
                f"`{source.sha256}`",
            )
            for name, side in sides
            for source in side.sources
        ),
    )
    unusable = [source for _, side in sides for source in side.sources if source.unusable]
    for source in unusable:
        yield (
            f"Records that could not be used, in {escaped(source.url)}: {source.unusable:,}; the "
            f"first: {escaped(source.first_unusable)}"
        )


def _side(positive: bool) -> str:
    return "positive" if positive else "negative"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _shares(values: tuple[float, ...]) -> list[str]:
    return [f"{value:.3f}" for value in values] or ["-"] * len(RATES)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _words(value: object) -> str:
    if isinstance(value, msgspec.Struct):
        return ", ".join(f"{name} {getattr(value, name)}" for name in value.__struct_fields__)
    return ", ".join(value) if isinstance(value, tuple) else str(value)
