"""Model files: from any fsspec URL to a local path whose sha256 is known and which loads.

The cache folder (`THRESHER_CACHE`, else `$XDG_CACHE_HOME/thresher`, else `~/.cache/thresher`) holds

    models/<sha256>        downloaded models; the name is checked against the content at every use
    hub/                   what huggingface_hub downloads, laid out by it
    sound/<check>-<sha256> empty markers of models that passed `prove_sound`
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import subprocess
import sys
import uuid
from importlib.util import find_spec
from pathlib import Path

import fsspec
import msgspec
from fsspec.implementations.local import LocalFileSystem

from thresher.filters.errors import ModelError
from thresher.filters.mending import broken_link, needs_package

# Part of the marker's name: raise it when the check finds more than it did.
_CHECK_VERSION = 2
_CHUNK = 1 << 20
PACKAGE = "package://"
_HUB = "hf://"
# Reading a model takes about a second per gigabyte; a start of Python with numpy half a second.
_PROBE_SECONDS = 60.0
_PROBE_BYTES_PER_SECOND = 20_000_000
_PROBE = ("-m", "thresher.classifiers.probe")


class ModelFile(msgspec.Struct, frozen=True):
    """A model on the local disk."""

    url: str
    """Where it was asked for."""
    path: Path
    """Where it is."""
    sha256: str
    """The hash of its bytes."""


def cache_folder() -> Path:
    """The folder for downloaded models and for the memory of which ones are sound."""
    named = os.environ.get("THRESHER_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path("~/.cache").expanduser()) / "thresher"


def obtain(url: str, sha256: str | None = None) -> ModelFile:
    """Bring a model file to the local disk, and prove that it can be loaded.

    Args:
        url: a local path, any URL that fsspec opens, `hf://REPO[@REVISION]/FILE` for a file of the
            Hugging Face hub, or `package://PACKAGE/FILE` for one inside an installed package.
        sha256: the hash it must have. A remote model is then downloaded once per cache folder;
            without it, once per call, since nobody can know whether it has changed.

    Raises:
        ModelError: where it is missing, unreadable, not the declared one or not a sound model.
    """
    wanted = sha256.lower() if sha256 else None
    try:
        model = _located(url, wanted)
    except FileNotFoundError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError):
            # Over http fsspec calls every failure a missing file.
            raise ModelError(url, f"cannot be reached: {cause}.", "Check the address.") from error
        if link := broken_link(url.removeprefix("file://")):
            raise ModelError(url, f"{link}.") from error
        raise ModelError(url, "there is no such model file.", "Check the path.") from error
    except ModelError:
        raise
    except Exception as error:
        # Every back end of fsspec has its own tree of errors, and so has the hub's client.
        if missing := needs_package(error, "it"):
            raise ModelError(url, f"{missing}.") from error
        problem = f"cannot be read ({type(error).__name__}: {error})."
        raise ModelError(url, problem, "Check the address and the access rights.") from error
    if wanted and model.sha256 != wanted:
        raise ModelError(
            url, f"its sha256 is {model.sha256}, and {wanted} was declared.", "It has changed."
        )
    _prove_sound(model)
    return model


def _located(url: str, wanted: str | None) -> ModelFile:
    if url.startswith(PACKAGE):
        return _local(url, packaged(url))
    if url.startswith(_HUB):
        return _from_hub(url, wanted)
    filesystem, path = fsspec.core.url_to_fs(url)
    if isinstance(filesystem, LocalFileSystem):
        return _local(url, Path(path))
    return _cached(url, wanted) or _download(url, filesystem, path)


def _local(url: str, path: Path) -> ModelFile:
    return ModelFile(url, path, _hash(path))


def packaged(url: str) -> Path:
    """The path of `package://PACKAGE/FILE`; the package is not imported.

    Raises:
        ModelError: where the package or the file is missing.
    """
    package, _, name = url.removeprefix(PACKAGE).partition("/")
    distribution = package.partition(".")[0].replace("_", "-")
    install = f"Install it: pip install --no-deps {distribution}"
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModelError(url, f"the package {distribution} is missing.", install)
    path = Path(spec.origin).parent / name
    if not path.is_file():
        raise ModelError(url, f"{distribution} is installed without {path.name}.", install)
    return path


def _from_hub(url: str, wanted: str | None) -> ModelFile:
    """A file of the Hugging Face hub, by its own client, cache and credentials."""
    from huggingface_hub import hf_hub_download, is_offline_mode
    from huggingface_hub.errors import LocalEntryNotFoundError

    parts = url.removeprefix(_HUB).split("/")
    kind = parts.pop(0).removesuffix("s") if parts[0] in ("datasets", "spaces", "models") else None
    repository, _, revision = "/".join(parts[:2]).partition("@")
    if len(parts) < 3 or not all(parts):
        raise ModelError(url, "names no file.", "Write hf://OWNER/REPOSITORY[@REVISION]/FILE.")

    def download(local_files_only: bool) -> ModelFile:
        path = hf_hub_download(
            repository,
            "/".join(parts[2:]),
            repo_type=kind,
            revision=revision or None,
            cache_dir=cache_folder() / "hub",
            endpoint=os.environ.get("HF_ENDPOINT"),
            local_files_only=local_files_only,
        )
        return _local(url, Path(path))

    if wanted:  # what is here already needs no network
        with contextlib.suppress(LocalEntryNotFoundError):
            found = download(local_files_only=True)
            if found.sha256 == wanted:
                return found
    try:
        return download(local_files_only=False)
    except LocalEntryNotFoundError as error:
        offline = "HF_HUB_OFFLINE is set" if is_offline_mode() else "the hub does not answer"
        problem = f"is not in the cache, and {offline}."
        hint = "Fetch it where there is a network (`thresher models fetch`), or name a file."
        raise ModelError(url, problem, hint) from error


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _cached(url: str, sha256: str | None) -> ModelFile | None:
    if sha256 is None or not sha256.isalnum():
        return None
    path = cache_folder() / "models" / sha256
    if not path.is_file() or _hash(path) != sha256:
        return None
    return ModelFile(url, path, sha256)


def _download(url: str, filesystem: fsspec.AbstractFileSystem, path: str) -> ModelFile:
    folder = cache_folder() / "models"
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{uuid.uuid4().hex}.part"
    digest = hashlib.sha256()
    try:
        with filesystem.open(path, "rb") as source, temporary.open("wb") as target:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                target.write(chunk)
        final = folder / digest.hexdigest()
        temporary.replace(final)
    finally:
        temporary.unlink(missing_ok=True)
    return ModelFile(url, final, digest.hexdigest())


def _prove_sound(model: ModelFile) -> None:
    """Load the file in a child process, unless a file of these bytes has passed before.

    fastText may end the process on a bad file, which no `except` catches.
    """
    name = f"{_CHECK_VERSION}-{sys.implementation.cache_tag}-{platform.machine()}-{model.sha256}"
    marker = cache_folder() / "sound" / name
    if marker.exists():
        return
    seconds = _PROBE_SECONDS + model.path.stat().st_size / _PROBE_BYTES_PER_SECOND
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        "OPENBLAS_NUM_THREADS": "1",
    }
    command = [sys.executable, *_PROBE, str(model.path)]
    hint = "Give a supervised fastText model (.bin or .ftz) that is complete."
    try:
        child = subprocess.run(  # noqa: S603 - no shell, and the path is an argument
            command, env=environment, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        problem = f"did not load within {seconds:.0f} seconds."
        raise ModelError(model.url, problem, hint) from error
    if child.returncode == 1:
        said = child.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
        raise ModelError(model.url, f"is not a usable model: {said[-1]}.", hint)
    if child.returncode != 0:
        problem = f"ends the process that loads it (exit status {child.returncode})."
        raise ModelError(model.url, problem, hint)
    # A cache that cannot be written costs a second check and nothing else.
    with contextlib.suppress(OSError):
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
