"""Curate web crawls into pretraining data: measure once, judge many, prove every drop.

The functions and types of `__all__` are all that a program needs; docs/python.md shows them at
work. Each is loaded when it is asked for the first time, so that `import thresher` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = [
    "ConfigError",
    "Extracted",
    "ExtractionError",
    "ExtractionStartError",
    "InputError",
    "Lake",
    "LedgerError",
    "ModelError",
    "Policy",
    "Recipe",
    "RunResult",
    "StoreError",
    "ThresherError",
    "extract",
    "judge",
    "measure",
    "not_asked",
    "run",
]

if TYPE_CHECKING:
    from thresher.filters.errors import ConfigError as ConfigError
    from thresher.filters.errors import ExtractionError as ExtractionError
    from thresher.filters.errors import InputError as InputError
    from thresher.filters.errors import LedgerError as LedgerError
    from thresher.filters.errors import ModelError as ModelError
    from thresher.filters.errors import StoreError as StoreError
    from thresher.filters.errors import ThresherError as ThresherError
    from thresher.filters.policy import Policy as Policy
    from thresher.jobs.api.extract import extract as extract
    from thresher.jobs.api.judge import judge as judge
    from thresher.jobs.api.judge import not_asked as not_asked
    from thresher.jobs.api.lake import Lake as Lake
    from thresher.jobs.api.measure import measure as measure
    from thresher.jobs.api.result import RunResult as RunResult
    from thresher.jobs.api.run import run as run
    from thresher.jobs.recipe import Recipe as Recipe
    from thresher.pipeline.extract import Extracted as Extracted
    from thresher.pipeline.extract import ExtractionStartError as ExtractionStartError

    __version__: str
else:
    import importlib
    import sys

    _HOMES = {
        "thresher.filters.errors": (
            "ConfigError",
            "ExtractionError",
            "InputError",
            "LedgerError",
            "ModelError",
            "StoreError",
            "ThresherError",
        ),
        "thresher.filters.policy": ("Policy",),
        "thresher.jobs.api.extract": ("extract",),
        "thresher.jobs.api.judge": ("judge", "not_asked"),
        "thresher.jobs.api.lake": ("Lake",),
        "thresher.jobs.api.measure": ("measure",),
        "thresher.jobs.api.result": ("RunResult",),
        "thresher.jobs.api.run": ("run",),
        "thresher.jobs.recipe": ("Recipe",),
        "thresher.pipeline.extract": ("Extracted", "ExtractionStartError"),
    }
    """The names of `__all__` by the module that has them."""

    def __getattr__(name: str) -> object:
        if name == "__version__":
            from thresher.jobs.version import thresher_version

            return thresher_version()
        for home, names in _HOMES.items():
            if name in names:
                value = getattr(importlib.import_module(home), name)
                globals()[name] = value
                return value
        raise AttributeError(
            f"module 'thresher' has no attribute '{name}'", name=name, obj=sys.modules[__name__]
        )

    def __dir__() -> list[str]:
        own = (name for name in globals() if name.startswith("__"))
        return sorted({*own, *__all__, "__version__"})
