"""What training needs is asked for before it starts."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from thresher.classifiers import extras
from thresher.classifiers.extras import MEND, require_packages
from thresher.filters.errors import ConfigError


def test_all_is_there():
    require_packages()


def test_a_missing_package_says_what_to_type(monkeypatch):
    monkeypatch.setitem(extras._PACKAGES, "scikit-learn", "no_such_module")
    said = r"scikit-learn is not installed.*pip install scikit-learn matplotlib"
    with pytest.raises(ConfigError, match=said):
        require_packages()


@pytest.mark.parametrize("found", [ModuleType("fasttext"), None])
def test_a_fasttext_that_cannot_train_says_what_to_type(monkeypatch, found):
    monkeypatch.setitem(sys.modules, "fasttext", found)
    with pytest.raises(ConfigError) as caught:
        require_packages()
    assert "fasttext-predict, which cannot train" in str(caught.value)
    assert str(caught.value).endswith(MEND)
