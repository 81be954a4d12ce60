"""Fixtures that more than one folder of tests needs."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import pytest
from hypothesis import settings

from thresher.manifests.store import Store

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


@pytest.fixture(params=["local", "memory"])
def store(request, tmp_path):
    """An empty store on a file system and elsewhere."""
    return Store(str(tmp_path) if request.param == "local" else f"memory://{uuid.uuid4().hex}")


@pytest.fixture
def start_cluster():
    """Starts a Ray cluster of one node, with some variables; its address."""
    heads, folders = [], []

    def start(variables, cpus):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        folders.append(tempfile.mkdtemp(dir="/tmp"))  # pytest's own are too long for sockets
        command = ["start", "--head", "--block", "--port", str(port), "--num-cpus", str(cpus)]
        command += ["--include-dashboard=false", "--disable-usage-stats"]
        command += ["--temp-dir", folders[-1]]
        path = os.pathsep.join(filter(None, sys.path))
        heads.append(
            subprocess.Popen(
                [sys.executable, "-m", "ray.scripts.scripts", *command],
                env={**os.environ, "PYTHONPATH": path, **variables},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        return f"127.0.0.1:{port}"

    yield start
    for head in heads:
        head.terminate()
        head.wait(60)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
