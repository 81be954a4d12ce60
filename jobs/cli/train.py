"""`thresher train quality`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from filters.config import load
from jobs.cli.common import JsonFlag, errors, output, print_json

if TYPE_CHECKING:
    from classifiers.card import ModelCard
    from classifiers.settings import TrainSettings

_Files = list[str]


def quality(
    positives: Annotated[
        _Files, typer.Option(help="Texts to keep: .jsonl, .parquet or .txt; repeat for more.")
    ],
    negatives: Annotated[
        _Files, typer.Option(help="Texts to drop: a random sample of the crawl is usual.")
    ],
    out: Annotated[str, typer.Option(help="Folder for the model and its card.")],
    text_field: Annotated[str, typer.Option(help="Field or column of the text.")] = "text",
    held_out_fraction: Annotated[float, typer.Option(help="Share kept for evaluation.")] = 0.1,
    max_documents: Annotated[int, typer.Option(help="Most texts per class.")] = 200_000,
    max_characters: Annotated[
        int | None, typer.Option(help="How many characters of a text count, from its start.")
    ] = None,
    min_count: Annotated[int, typer.Option(help="Least occurrences of a word.")] = 1,
    dim: Annotated[int, typer.Option(help="Length of the vectors.")] = 100,
    epoch: Annotated[int, typer.Option(help="Passes over the texts.")] = 5,
    lr: Annotated[float, typer.Option(help="Learning rate.")] = 0.1,
    word_ngrams: Annotated[int, typer.Option(help="Longest run of words as a feature.")] = 2,
    bucket: Annotated[int, typer.Option(help="Hash buckets for runs of words.")] = 2_000_000,
    seed: Annotated[int, typer.Option(help="Of sampling, split and training.")] = 1,
    threads: Annotated[int, typer.Option(help="1 gives the same bytes at every run.")] = 1,
    quantize: Annotated[bool, typer.Option("--quantize", help="Store a small .ftz.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Train the model behind quality.score; prints and stores a held-out evaluation."""
    from classifiers.settings import TrainSettings

    card = train(
        load(
            TrainSettings,
            {
                "positives": positives,
                "negatives": negatives,
                "out": out,
                "text_field": text_field,
                "held_out_fraction": held_out_fraction,
                "max_documents": max_documents,
                "min_count": min_count,
                "dim": dim,
                "epoch": epoch,
                "lr": lr,
                "word_ngrams": word_ngrams,
                "bucket": bucket,
                "seed": seed,
                "threads": threads,
                "quantize": quantize,
                **({} if max_characters is None else {"max_characters": max_characters}),
            },
            "train quality",
        )
    )
    if as_json:
        print_json(msgspec.to_builtins(card))
    else:
        print_card(card)


def train(settings: TrainSettings) -> ModelCard:
    """Train with a spinner on stderr that says what is being done."""
    from classifiers.train import train_quality

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True) as progress:
        task = progress.add_task("train quality")

        def report(phase: str, count: int) -> None:
            progress.update(task, description=f"train quality: {phase}, {count:,} documents")

        return train_quality(settings, report)


def print_card(card: ModelCard) -> None:
    """The evaluation, and where the model is."""
    found = card.evaluation
    table = Table(
        title=f"held out: {found.positives} positives, {found.negatives} negatives; "
        f"ROC-AUC {found.roc_auc:.4f}, average precision {found.average_precision:.4f}",
        title_justify="left",
    )
    for name in ("threshold", "precision", "recall", "F1", "negatives kept"):
        table.add_column(name, justify="right")
    for row in found.thresholds:
        precision = "-" if row.precision is None else f"{row.precision:.3f}"
        table.add_row(
            f"{row.threshold:g}",
            precision,
            f"{row.recall:.3f}",
            f"{row.f1:.3f}",
            f"{row.negatives_kept:.3f}",
        )
    output.print(table)
    output.print(f"model  {card.model}", markup=False, highlight=False)
    output.print(f"sha256 {card.sha256}", markup=False, highlight=False)
