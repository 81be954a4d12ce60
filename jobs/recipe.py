"""The recipe: what a run reads, how it judges and where it writes, as one TOML file.

Relative paths in a recipe are relative to the recipe's folder. Unknown settings are errors.
See `Recipe` for all settings; `thresher plan RECIPE.toml` shows what a recipe would do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from thresher.classifiers.registry import is_name
from thresher.classifiers.scorers import ScorerSettings
from thresher.filters.config import load, load_toml, plain
from thresher.filters.errors import ConfigError, InputError
from thresher.filters.measure import MinHashSettings
from thresher.filters.policy import Policy, shipped_policies
from thresher.filters.policy.check import GUEST_PREFIX
from thresher.filters.signals import SCORE_PREFIX
from thresher.filters.transforms.cuts import Cut
from thresher.filters.user_function import in_file
from thresher.jobs.policy import find_policy
from thresher.manifests.store import cause_of
from thresher.pipeline.decontamination import EvaluationSettings
from thresher.pipeline.dedup import DedupSettings
from thresher.pipeline.documents.settings import (
    MachineTextSettings,
    QualitySettings,
    TextSettings,
)
from thresher.pipeline.extract import ExtractSettings
from thresher.pipeline.gate.gating import GateSettings
from thresher.pipeline.guests import GuestSettings
from thresher.pipeline.materialize import CuratedSettings
from thresher.pipeline.materialize.columns import check_places
from thresher.pipeline.read.inputs import InputSettings
from thresher.pipeline.read.names import SourceNames, public
from thresher.pipeline.repeated_lines import LinesSettings
from thresher.pipeline.sites import SiteSettings

_MAX_BYTES = 16 << 20
"""A recipe beyond this is another file, given by mistake."""


class JudgeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which policy decides."""

    policy: str = "web-en"
    """Name of a shipped policy, or path of a policy TOML file."""


class MinHashRecipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a MinHash signature is made of; its size is a setting of dedup."""

    unit: Literal["words", "characters"] = "words"
    """What a shingle is made of; a letter of a script without spaces counts as a word."""
    ngram: int = 5
    """Words or characters per shingle: 5 and 24 are usual. A shorter text has no signature, and
    only equal texts are its duplicates."""
    seed: int = 1
    """Seed of the permutations."""
    numbers: Literal["keep", "fold"] = "keep"
    """Whether texts that differ in their numbers differ (`keep`), or all numbers are alike
    (`fold`), which finds short mirrors with other dates and counters, and takes two days' weather,
    quotes or results for one text."""


class RunSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the work is run; none of it changes the output."""

    workers: int | None = None
    """Tasks at once; all cores by default."""
    executor: Literal["ray", "in-process"] = "ray"
    """Ray, or one task after the other in this process."""
    address: str = ""
    """A running Ray cluster to connect to; empty starts Ray here."""
    allow_truncated: bool = False
    """Whether a truncated archive leaves the run complete (exit 0) rather than incomplete (3)."""
    allow_damaged: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.001
    """Share of the records that damage inside of files may cost a complete run."""
    allow_unreadable: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    """Share of the input shards that may be unreadable in a complete run."""


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A run configuration."""

    name: str
    """Name of the run: letters, digits, `-`, `_` and `.`."""
    lake: str
    """Folder or fsspec URL that everything is written to."""
    input: InputSettings
    gates: GateSettings = GateSettings()
    extract: ExtractSettings = ExtractSettings()
    minhash: MinHashRecipe = MinHashRecipe()
    quality: QualitySettings = QualitySettings()
    machine_text: MachineTextSettings = MachineTextSettings()
    guests: tuple[GuestSettings, ...] = ()
    """Filters of datatrove whose verdicts become signals, each a table `[[guests]]`."""
    scores: tuple[ScorerSettings, ...] = ()
    """Models and callables whose scores become signals, each a table `[[scores]]`."""
    decontaminate: tuple[EvaluationSettings, ...] = ()
    """Evaluation sets to look for in the documents, each a table `[[decontaminate]]`."""
    dedup: DedupSettings = DedupSettings()
    lines: LinesSettings = LinesSettings()
    sites: SiteSettings = SiteSettings()
    judge: JudgeSettings = JudgeSettings()
    curated: CuratedSettings = CuratedSettings()
    run: RunSettings = RunSettings()

    @property
    def texts(self) -> TextSettings:
        """How its texts are got."""
        return TextSettings(self.input, self.gates, self.extract)

    @property
    def signing(self) -> MinHashSettings:
        """How its texts are signed."""
        return MinHashSettings(
            permutations=self.dedup.signature_values,
            unit=self.minhash.unit,
            ngram=self.minhash.ngram,
            seed=self.minhash.seed,
            numbers=self.minhash.numbers,
        )


def recipe_of(recipe: str | Path | Mapping[str, Any] | Recipe) -> Recipe:
    """A recipe by the path of its file, as a mapping under the names of its TOML, or as it is.

    Relative paths of a file are relative to its folder, others to the current one.

    Raises:
        ConfigError: on anything wrong in it, with the path of the setting.
        InputError: if the file does not exist.
    """
    if isinstance(recipe, str | Path):
        return read_recipe(Path(recipe))
    # A struct too: nothing has checked the types of what was made in Python.
    given = plain(recipe, "recipe", "Give a path, a mapping or a thresher.Recipe.")
    return _checked(load(Recipe, given, "recipe"), "recipe", Path.cwd())


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe.

    Raises:
        ConfigError: on anything wrong in it, with the path of the setting.
        InputError: if the file does not exist or is no text.
    """
    text = _read_text(path)
    return _checked(load_toml(Recipe, text, str(path)), str(path), path.resolve().parent)


def _checked(recipe: Recipe, where: str, folder: Path) -> Recipe:
    """The recipe, if nothing is wrong in it, with its paths made absolute against `folder`."""
    if not recipe.name or not all(c.isalnum() or c in "-_." for c in recipe.name):
        raise ConfigError(f"{where}: name", "must be letters, digits, '-', '_' and '.'.")
    sections: dict[str, Any] = {name: getattr(recipe, name) for name in recipe.__struct_fields__}
    for name, section in sections.items():
        check: Callable[[str], None] | None = getattr(section, "check", None)
        if check:
            check(f"{where}: {name}")
    measured = {
        "repeated_lines": recipe.lines.enabled,
        "cut_contamination": bool(recipe.decontaminate),
    }
    for cut in recipe.curated.chosen():
        if isinstance(cut, Cut) and not measured[cut.name]:
            raise ConfigError(f"{where}: curated.transforms", f"'{cut.name}' needs {cut.needs}.")
    own = [f"{GUEST_PREFIX}{guest.signal}" for guest in recipe.guests]
    own += [f"{SCORE_PREFIX}{scorer.name}" for scorer in recipe.scores]
    check_places(recipe.curated.columns, recipe.input.keep, own, f"{where}: curated.columns")
    return msgspec.structs.replace(
        recipe,
        lake=resolve_path(recipe.lake, folder),
        input=msgspec.structs.replace(
            recipe.input,
            urls=[resolve_path(url, folder) for url in recipe.input.urls],
            list_=resolve_path(recipe.input.list_, folder),
            prefix=resolve_path(recipe.input.prefix, folder),
        ),
        decontaminate=tuple(
            msgspec.structs.replace(each, path=resolve_path(each.path, folder))
            for each in recipe.decontaminate
        ),
        dedup=msgspec.structs.replace(
            recipe.dedup,
            against=tuple(
                resolve_path(name, folder) if "/" in name else name for name in recipe.dedup.against
            ),
        ),
        extract=msgspec.structs.replace(
            recipe.extract, custom=_resolve_function(recipe.extract.custom, folder)
        ),
        quality=_with_model(recipe.quality, folder),
        machine_text=_with_model(recipe.machine_text, folder),
        scores=tuple(_resolve_scorer(each, folder) for each in recipe.scores),
        judge=msgspec.structs.replace(
            recipe.judge,
            policy=recipe.judge.policy
            if recipe.judge.policy in shipped_policies()
            else resolve_path(recipe.judge.policy, folder),
        ),
    )


def _read_text(path: Path) -> str:
    """The text of a recipe; a byte order mark, which some editors write, is no part of it."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder, and a recipe is a TOML file") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {cause_of(error)}") from error
    try:
        if len(data) > _MAX_BYTES:
            raise InputError(f"{path} is no recipe: it has more than {_MAX_BYTES:,} bytes")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = f"byte {error.start} is not UTF-8 text"
        raise InputError(f"{path} is no recipe, which is a TOML file: {problem}") from error


def published(recipe: Recipe) -> dict[str, Any]:
    """A recipe as it is stored and shown: its URLs without secrets, its paths without folders."""
    told: dict[str, Any] = public(msgspec.to_builtins(recipe))
    told["input"]["urls"] = SourceNames(recipe.input.urls).entries()
    return told


_Scored = TypeVar("_Scored", QualitySettings, MachineTextSettings)


def _with_model(settings: _Scored, folder: Path) -> _Scored:
    if is_name(settings.model):
        return settings
    return msgspec.structs.replace(settings, model=resolve_path(settings.model, folder))


def resolve_path(path: str, folder: Path) -> str:
    """A URL as it is; a local path made absolute against `folder`."""
    if not path or "://" in path or "::" in path:
        return path
    return str(folder / Path(path).expanduser())


def _resolve_function(reference: str, folder: Path) -> str:
    """The reference of a function, the path of its file made absolute."""
    return resolve_path(reference, folder) if in_file(reference) else reference


def _resolve_scorer(scorer: ScorerSettings, folder: Path) -> ScorerSettings:
    """A scorer whose model file and module, if that is named by a path, are absolute."""
    own = {
        kind: _resolve_function(getattr(scorer, kind), folder) for kind in ("callable", "factory")
    }
    if scorer.model and not is_name(scorer.model):
        own["model"] = resolve_path(scorer.model, folder)
    return msgspec.structs.replace(scorer, **own)


def read_policy(recipe: Recipe, where: str) -> Policy:
    """The policy a recipe names.

    Args:
        recipe: as it was read.
        where: what errors call it.

    Raises:
        ConfigError: if it does not exist or is wrong.
    """
    guests = [guest.signal for guest in recipe.guests]
    scores = [scorer.name for scorer in recipe.scores]
    return find_policy(recipe.judge.policy, f"{where}: judge.policy", guests, scores)
