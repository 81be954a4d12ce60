"""A bundle: the folder of a registered model, and what is read of its card."""

from __future__ import annotations

from typing import Annotated, Literal

import fsspec
import msgspec

from thresher.classifiers.calibration import Calibration
from thresher.filters.errors import ModelError
from thresher.filters.mending import needs_package

CARD_JSON = "card.json"
"""The card for programs."""
CARD_TEXT = "CARD.md"
"""The card for people."""
CARD_PLOT = "calibration.png"
"""What it shows."""

Role = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=60)]
"""What a model is for: `quality`, `machine_text`, any other word for what its score means, or
`language`, whose labels are languages and no two classes."""
LANGUAGE = "language"
Text = Literal["plain", "bare", "folded", "letters"]


class _Settings(msgspec.Struct, frozen=True):
    max_characters: int = 0


class BundleCard(msgspec.Struct, frozen=True):
    """What is read of a bundle's card; it holds more, for people."""

    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    labels: tuple[str, ...]
    model: str = ""
    name: str = ""
    version: int = 0
    role: Role = "quality"
    preparation: Text = "plain"
    languages: tuple[str, ...] = ()
    settings: _Settings = _Settings()
    calibration: Calibration | None = None
    licence: str = ""
    source: str = ""
    summary: str = ""


def bundle_names(folder: str) -> list[str]:
    """Names of the bundles in a folder, which need not exist.

    Raises:
        ModelError: where the folder cannot be listed.
    """
    try:
        filesystem, path = fsspec.core.url_to_fs(folder)
        filesystem.invalidate_cache()
        names = [str(each).rstrip("/").rsplit("/", 1)[-1] for each in filesystem.ls(path, False)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except Exception as error:
        # Every back end of fsspec has its own tree of errors.
        if missing := needs_package(error, "it"):
            raise ModelError(folder, f"{missing}.") from error
        problem = f"cannot be listed ({type(error).__name__}: {error})."
        raise ModelError(folder, problem, "Check THRESHER_MODELS.") from error
    return sorted(name for name in names if "@" in name and not name.startswith("."))


def read_card(url: str) -> BundleCard | None:
    """The card at an address, or None where there is no such file.

    Raises:
        ModelError: where it cannot be read, or is no card of a model.
    """
    try:
        with fsspec.open(url, "rb") as file:
            data = file.read(64 << 20)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except Exception as error:
        problem = f"cannot be read ({type(error).__name__}: {error})."
        raise ModelError(url, problem, "Check the access rights.") from error
    try:
        return msgspec.json.decode(data, type=BundleCard)
    except (msgspec.DecodeError, ValueError) as error:
        raise ModelError(
            url, f"is no card of a model: {error}.", "Train or add it again."
        ) from error
