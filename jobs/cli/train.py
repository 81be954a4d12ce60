"""`thresher train NAME`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from thresher.filters.config import load
from thresher.filters.errors import ConfigError, InputError
from thresher.jobs.cli.common import JsonFlag, errors, output, print_json, shown
from thresher.jobs.cli.tables import print_table
from thresher.manifests.store import cause_of

if TYPE_CHECKING:
    from thresher.classifiers.card import ModelCard
    from thresher.classifiers.settings import TrainSettings

_LONGEST = 1_000


def command(
    name: Annotated[str, typer.Argument(help="Name of the model, e.g. quality.")],
    config: Annotated[
        Path | None, typer.Option(help="TOML file of settings: docs/training.md has them all.")
    ] = None,
    positives: Annotated[
        list[str] | None,
        typer.Option(
            help="Texts to keep: .jsonl or .txt (or .gz, .zst), .parquet, or a folder of such "
            "files; repeat for more."
        ),
    ] = None,
    negatives: Annotated[
        list[str] | None, typer.Option(help="Texts to drop: a random sample of the crawl is usual.")
    ] = None,
    out: Annotated[
        str, typer.Option(help="Folder for the model and its card; models/NAME by default.")
    ] = "",
    role: Annotated[
        str,
        typer.Option(
            help="What it is for: quality, machine_text or another word; by default its name."
        ),
    ] = "",
    root: Annotated[
        Path | None,
        typer.Option(help="Where relative paths of the config start; its own folder by default."),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(help="1 gives the same bytes at every run; more are faster and do not."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of sampling, split and training.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Train a model that gives a signal; prints and stores its evaluation on held-out texts.

    The folder then holds the model, calibrated, its card (CARD.md for people, card.json for
    programs) and the plot of its calibration. Name the folder in a recipe to use it, as in
    quality.model = "models/NAME", or add it to your registry: thresher models add models/NAME.
    """
    changes: dict[str, Any] = {}
    if positives:
        changes["positives"] = [{"files": positives}]
    if negatives:
        changes["negatives"] = [{"files": negatives}]
    if role:
        changes["role"] = role
    if threads is not None:
        changes["threads"] = threads
    if seed is not None:
        changes["seed"] = seed
    words = ["thresher", "train", name]
    words += ["--config", config.as_posix()] if config else []
    # Where the data lies is the user's own business: the card says that there is such a place.
    words += ["--root", "DATA"] if root else []
    for flag, values in (("positives", positives), ("negatives", negatives)):
        words += [word for value in values or () for word in (f"--{flag}", value)]
    words += ["--role", role] if role else []
    for flag, number in (("threads", threads), ("seed", seed)):
        words += [] if number is None else [f"--{flag}", str(number)]
    words += ["--out", out] if out else []
    settings = read_settings(config, changes)
    start = (root or config.parent).resolve() if config else None
    place = out or f"models/{name}"
    card = train(name, settings, place, shlex.join(words), str(start or ""))
    if as_json:
        print_json(msgspec.to_builtins(card))
    else:
        print_card(card, place)


def read_settings(config: Path | None, changes: dict[str, Any]) -> TrainSettings:
    """The settings of a file, if any, with changes.

    Raises:
        ConfigError: on anything wrong in it.
        InputError: if the file cannot be read.
    """
    import tomllib

    from thresher.classifiers.settings import TrainSettings

    where = str(config) if config else "train"
    given: dict[str, Any] = {}
    if config:
        try:
            given = tomllib.loads(config.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{config}: cannot be read: {cause_of(error)}") from error
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(where, f"is not valid TOML: {error}.") from error
    for side in ("positives", "negatives"):
        if side not in given and side not in changes:
            hint = (
                f"Add [[{side}]] to it." if config else f"Add --{side} FILES, or a --config file."
            )
            raise ConfigError(where, f"one class only: {side} are missing.", hint)
    return load(TrainSettings, given | changes, where)


def train(
    name: str, settings: TrainSettings, out: str, made_by: str = "", root: str = ""
) -> ModelCard:
    """Train with a spinner on stderr that says what is being done."""
    from thresher.classifiers.train import train as run
    from thresher.jobs.lake_texts import lake_texts

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True) as progress:
        task = progress.add_task(f"train {name}")

        def report(phase: str, count: int) -> None:
            progress.update(task, description=f"train {name}: {phase}, {count:,} documents")

        return run(name, settings, out, made_by, report, lake_texts, root)


def print_card(card: ModelCard, folder: str) -> None:
    """The evaluation, and where the model is."""
    found = card.evaluation
    names = ("threshold", "precision", "recall", "F1", "negatives kept")
    rows = [
        (
            f"{row.threshold:g}",
            "-" if row.precision is None else f"{row.precision:.3f}",
            f"{row.recall:.3f}",
            f"{row.f1:.3f}",
            f"{row.negatives_kept:.3f}",
        )
        for row in found.thresholds
    ]
    title = (
        f"held out: {found.positives} positives, {found.negatives} negatives; "
        f"ROC-AUC {found.roc_auc:.4f}, average precision {found.average_precision:.4f}"
    )
    print_table(title, names, rows, right=names)
    output.print(f"model  {folder}/{card.model}", markup=False, highlight=False)
    output.print(f"sha256 {card.sha256}", markup=False, highlight=False)
    for source in (*card.positives.sources, *card.negatives.sources):
        if source.unusable:
            first = f"the first: {source.first_unusable}"
            text = f"unusable and left out: {source.unusable:,} in {source.url}, {first}"
            output.print(shown(text, _LONGEST), markup=False, highlight=False)
    # A recipe may lie in another folder, from where its paths start.
    place = folder if "://" in folder else str(Path(folder).absolute())
    section = f"[{card.role}]" if card.role in ("quality", "machine_text") else "[[scores]]"
    output.print(
        f'use    model = "{place}" under {section} in a recipe, or: thresher models add '
        f"{shlex.quote(place)}",
        markup=False,
        highlight=False,
    )
