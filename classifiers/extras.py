"""What training needs beyond other parts of Thresher: the extra `train`, and a whole fastText."""

from __future__ import annotations

import importlib.util

from thresher.filters.errors import ConfigError

INSTALL = "pip install scikit-learn matplotlib"
MEND = (
    "pip uninstall -y fasttext-predict && "
    "pip install --force-reinstall --no-deps fasttext-community"
)
"""The two have files in common, so that what is left of the second must be put back."""

_PACKAGES = {"scikit-learn": "sklearn", "matplotlib": "matplotlib"}
"""The distributions of the extra and the modules they bring."""


def require_packages() -> None:
    """Refuse to start where what training needs is missing, or cannot train.

    Raises:
        ConfigError: with what to install.
    """
    for package, module in _PACKAGES.items():
        if importlib.util.find_spec(module) is None:
            problem = f"{package} is not installed, and training needs it."
            raise ConfigError("train", problem, f"Install it: {INSTALL}")
    if not _can_train():
        problem = "fasttext is broken, or that of fasttext-predict, which cannot train."
        raise ConfigError("train", problem, f"Mend it: {MEND}")


def _can_train() -> bool:
    try:
        import fasttext
    except ImportError:  # what the one leaves when it is uninstalled
        return False
    return hasattr(fasttext, "train_supervised")
