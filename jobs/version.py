"""Which Thresher this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def thresher_version() -> str:
    """The installed version, or `0` from a tree that is not installed."""
    try:
        return version("thresher")
    except PackageNotFoundError:
        return "0"
