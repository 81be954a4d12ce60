"""Fixtures that more than one folder of tests needs."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# CI repeats the same examples; elsewhere every run looks at others.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")

# A shell that starts the tests in the background has them ignore Ctrl-C, and so all they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

_DEFAULT_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real crawl samples and labelled text, which the repository does not hold."""
    folder = Path(os.environ.get("THRESHER_TEST_DATA", _DEFAULT_DATA))
    if not folder.is_dir():
        pytest.skip("no real data: set THRESHER_TEST_DATA to the folder of real samples")
    return folder
