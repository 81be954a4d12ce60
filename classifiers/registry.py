"""The registry: models by `name@version`, or by the address of a file.

A reference is looked up, in this order, among

    the models that come with Thresher    classifiers/models/NAME@VERSION/
    the user's own                        $THRESHER_MODELS/NAME@VERSION/ (any URL that fsspec opens;
                                          by default the folder `registry` in the cache)
    published models                      classifiers/published.toml

and else is the address of a file: a path, `s3://`, `https://` ...,
`hf://REPO[@REVISION]/FILE`. The first two hold bundles: a model file with its `card.json` and
`CARD.md`. A card beside a local file counts as well, if it names the hash of that file.

Every model is known by its sha256, which every worker checks. Where none is declared, the first
fetch pins it: the cache remembers what the name meant, and a file that has changed is refused.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import fsspec
import msgspec
from fsspec.implementations.local import LocalFileSystem

from thresher.classifiers.bundles import (
    CARD_JSON,
    LANGUAGE,
    BundleCard,
    Role,
    Text,
    bundle_names,
    read_card,
)
from thresher.classifiers.calibration import Calibration
from thresher.classifiers.model_files import PACKAGE, ModelFile, cache_folder, obtain
from thresher.filters.config import load_toml
from thresher.filters.errors import ConfigError, ModelError, did_you_mean

NAME = r"^[a-z0-9]+([.-][a-z0-9]+)*$"
VERSION = r"^[A-Za-z0-9]+([.][A-Za-z0-9]+)*$"


_ANY = "score"
"""The role of a file that no card speaks of: it serves for any score."""


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the registry knows of a model."""

    name: str
    """`name@version`, or the address of a file that is in no registry."""
    url: str
    """Where its file is."""
    role: Role = "quality"
    """What it is for, as its card says; the labels of a `language` model are languages."""
    sha256: str = ""
    """Hash of the file; empty where nobody knows it yet."""
    positive_label: str = ""
    """Label whose probability is the score; empty for a language model."""
    text: Text = "plain"
    """What is done to a text first; see `thresher.classifiers.preparation`."""
    max_characters: int = 0
    """How many characters of a text count; 0 leaves that to the user."""
    calibration: Calibration | None = None
    """Makes a probability of the raw score."""
    languages: tuple[str, ...] = ()
    """Languages that it can judge, as codes; empty for any."""
    licence: str = ""
    source: str = ""
    """Where it comes from, for people."""
    summary: str = ""
    note: str = ""
    """What to know before its scores are trusted."""
    origin: Literal["shipped", "user", "published", "file"] = "published"

    @property
    def identity(self) -> list[object]:
        """All that decides its scores, and nothing else."""
        calibration = msgspec.to_builtins(self.calibration)
        return [
            self.sha256,
            self.positive_label,
            self.text,
            self.max_characters,
            calibration,
            self.languages,
        ]


class _Published(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(pattern=NAME)]
    version: Annotated[str, msgspec.Meta(pattern=VERSION)]
    role: Role
    url: str
    licence: str
    source: str
    summary: str
    sha256: str = ""
    positive_label: str = ""
    text: Text = "plain"
    note: str = ""


class _PublishedList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    models: tuple[_Published, ...]


def entries() -> tuple[Model, ...]:
    """Every model of the registry, by name; the first of a name in the order of the look-up."""
    found: dict[str, Model] = {}
    for origin, folder in _folders():
        for name in bundle_names(folder):
            found.setdefault(name, _bundle(f"{folder}/{name}", name, origin))
    for model in _published():
        found.setdefault(model.name, model)
    return tuple(found[name] for name in sorted(found))


def is_name(reference: str) -> bool:
    """Whether a reference is meant as a name rather than as an address."""
    has_path = "/" in reference or "::" in reference or "\\" in reference
    return not has_path and not _is_model_file(reference)


def _is_model_file(reference: str) -> bool:
    return reference.lower().endswith((".bin", ".ftz"))


def find(reference: str) -> Model:
    """The model of a reference, without fetching it.

    Raises:
        ModelError: where there is no such name.
    """
    if not is_name(reference):
        return _folder(reference) or _file(reference)
    for origin, folder in _folders():
        if reference in bundle_names(folder):
            return _bundle(f"{folder}/{reference}", reference, origin)
    known = {model.name: model for model in _published()}
    if reference in known:
        return known[reference]
    every = [model.name for model in entries()]
    versions = [name for name in every if name.split("@")[0] == reference]
    if versions:
        raise ModelError(reference, "needs a version.", f"Say {' or '.join(versions)}.")
    near = did_you_mean(reference, every)
    hint = f"{near} See: thresher models list. A folder or file is named by a path: ./{reference}"
    raise ModelError(reference, "no such model.", hint.strip())


def fetch(model: Model, accept: bool = False) -> ModelFile:
    """Bring the model's file here, proved sound and with the hash it must have.

    Args:
        model: as found.
        accept: take a file that differs from what was pinned at the first fetch, and pin it.

    Raises:
        ModelError: where it is missing, not a sound model or not the declared one.
    """
    if model.sha256 or model.origin != "published":
        return obtain(model.url, model.sha256 or None)
    pin = cache_folder() / "pins" / model.name
    pinned = pin.read_text(encoding="utf-8").strip() if pin.is_file() and not accept else ""
    try:
        file = obtain(model.url, pinned or None)
    except ModelError as error:
        if "was declared" not in error.problem:
            raise
        problem = f"has changed since its first fetch pinned {pinned}."
        hint = f"If you trust the new one: thresher models fetch {model.name} --accept"
        raise ModelError(model.name, problem, hint) from error
    pin.parent.mkdir(parents=True, exist_ok=True)
    temporary = pin.with_name(f".{pin.name}.{os.getpid()}")
    temporary.write_text(file.sha256 + "\n", encoding="utf-8")
    temporary.replace(pin)
    return file


def resolve(reference: str, sha256: str = "") -> Model:
    """Find and fetch a model; the result has its hash.

    Args:
        reference: `name@version` or an address.
        sha256: the hash it must have.

    Raises:
        ModelError: as `find` and `fetch`, or where the two hashes differ.
    """
    model = find(reference)
    wanted = sha256.lower()
    if wanted and model.sha256 and wanted != model.sha256:
        problem = f"sha256 {wanted} is asked for, and the registry has {model.sha256}."
        raise ModelError(reference, problem, "Drop sha256, or name another version.")
    if wanted:
        model = msgspec.structs.replace(model, sha256=wanted)
    return msgspec.structs.replace(model, sha256=fetch(model).sha256)


def user_folder() -> str:
    """The user's own registry: `$THRESHER_MODELS`, else a folder in the cache."""
    return os.environ.get("THRESHER_MODELS", "").rstrip("/") or str(cache_folder() / "registry")


def _folders() -> tuple[tuple[Literal["shipped", "user"], str], ...]:
    shipped = str(Path(__file__).parent / "models")
    return ("shipped", shipped), ("user", user_folder())


def _bundle(folder: str, name: str, origin: Literal["shipped", "user"]) -> Model:
    card = read_card(f"{folder}/{CARD_JSON}")
    if card is None:
        raise ModelError(name, f"its folder {folder} has no {CARD_JSON}.", "Add it again.")
    file = _file_name(card)
    # Thresher may be installed elsewhere on a worker's machine.
    inside = f"{PACKAGE}thresher.classifiers/models/{name}"
    return _of_card(card, name, f"{inside if origin == 'shipped' else folder}/{file}", origin)


def _of_card(card: BundleCard, name: str, url: str, origin: Any) -> Model:
    return Model(
        name=name,
        url=url,
        role=card.role,
        sha256=card.sha256,
        positive_label=card.labels[0] if card.role != LANGUAGE and card.labels else "",
        text=card.preparation,
        max_characters=card.settings.max_characters,
        calibration=card.calibration,
        languages=card.languages,
        licence=card.licence,
        source=card.source,
        summary=card.summary,
        origin=origin,
    )


def _folder(url: str) -> Model | None:
    """The bundle in a folder named by its address; None where that is no folder."""
    if not _is_folder(url):
        return None
    folder = url.rstrip("/")
    card = read_card(f"{folder}/{CARD_JSON}")
    if card is None:
        hint = "Name a folder that `thresher train` has made, or the model file in it."
        raise ModelError(url, f"is a folder without {CARD_JSON}.", hint)
    return _of_card(card, folder, f"{folder}/{_file_name(card)}", "file")


def _is_folder(url: str) -> bool:
    filesystem = _filesystem(url)
    if isinstance(filesystem, LocalFileSystem):
        return Path(url.removeprefix("file://")).is_dir()
    if filesystem is None or url.startswith(("http://", "https://")):
        return url.endswith("/") and filesystem is not None
    try:
        return not _is_model_file(url) and bool(filesystem.isdir(url))
    except Exception:  # noqa: BLE001 - what is wrong is told where it is fetched
        return False


def _file_name(card: BundleCard) -> str:
    """The model file in the folder of its card: never one elsewhere."""
    return card.model.rstrip("/").rsplit("/", 1)[-1]


def _file(url: str) -> Model:
    """A file named by its address, with the card that lies beside it and speaks of it."""
    plain = Model(name=url, url=url, role=_ANY, origin="file")
    folder, _, _ = url.rpartition("/")
    if not isinstance(_filesystem(url), LocalFileSystem):
        return plain
    card = read_card(f"{folder}/{CARD_JSON}" if folder else CARD_JSON)
    path = Path(url.removeprefix("file://"))
    if card is None or not path.is_file():
        return plain
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    return _of_card(card, url, url, "file") if found == card.sha256 else plain


def _filesystem(url: str) -> Any:
    try:
        return None if url.startswith("hf://") else fsspec.core.url_to_fs(url)[0]
    except (ValueError, ImportError):
        return None


@cache
def _published() -> tuple[Model, ...]:
    file = resources.files("thresher.classifiers").joinpath("published.toml")
    listed = load_toml(_PublishedList, file.read_text(encoding="utf-8"), "published.toml")
    found = tuple(
        Model(
            name=f"{each.name}@{each.version}",
            url=each.url,
            role=each.role,
            sha256=each.sha256,
            positive_label=each.positive_label,
            text=each.text,
            licence=each.licence,
            source=each.source,
            summary=each.summary,
            note=each.note,
        )
        for each in listed.models
    )
    if len({model.name for model in found}) != len(found):
        raise ConfigError("published.toml", "names a model twice.")
    return found
