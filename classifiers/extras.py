"""What training needs beyond the other parts of Thresher: the extra `train`."""

from __future__ import annotations

import importlib.util

from thresher.filters.errors import ConfigError

INSTALL = "pip install 'thresher[train]'"

_PACKAGES = {"scikit-learn": "sklearn", "matplotlib": "matplotlib"}
"""The distributions of the extra and the modules they bring."""


def require_packages() -> None:
    """Refuse to start where the packages that training needs are missing.

    Raises:
        ConfigError: with what to install.
    """
    for package, module in _PACKAGES.items():
        if importlib.util.find_spec(module) is None:
            problem = f"{package} is not installed, and training needs it."
            raise ConfigError("train", problem, f"Install it: {INSTALL}")
