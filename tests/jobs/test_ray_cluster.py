"""A wrong address, token or folder for Ray is told in time and with its cause."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from thresher.filters.errors import ConfigError
from thresher.jobs import ray_cluster


@pytest.fixture
def no_ray(monkeypatch):
    """Ray must not be asked to join anything."""

    def init(**_options):
        raise AssertionError("Ray was asked")

    monkeypatch.setattr(ray_cluster.ray, "init", init)


@pytest.mark.usefixtures("no_ray")
@pytest.mark.parametrize(
    ("address", "cause"),
    [
        ("127.0.0.1:9", "Connection refused"),
        ("ray://127.0.0.1:9", "Connection refused"),
        ("nobody.invalid:6379", "not known|resolution"),
        ("127.0.0.1:99999", "Port out of range"),
        ("nonsense", "Invalid address format"),
    ],
)
def test_an_address_without_a_cluster(address, cause):
    with pytest.raises(ConfigError, match=cause) as raised:
        ray_cluster.connect(1, address, 0)
    assert f"no Ray cluster at '{address}'" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.usefixtures("no_ray")
def test_something_that_listens_and_says_nothing(monkeypatch):
    monkeypatch.setattr(ray_cluster, "ANSWER_SECONDS", 3.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ConfigError, match="nothing that speaks Ray's protocol"):
            ray_cluster.connect(1, address, 0)


@pytest.mark.parametrize(
    ("address", "environment", "tried"),
    [
        ("auto", {}, ["", "token"]),
        ("auto", {"RAY_AUTH_MODE": "disabled"}, ["disabled"]),
        ("auto", {"RAY_ADDRESS": "127.0.0.1:9"}, [""]),
        ("127.0.0.1:{port}", {}, [""]),
    ],
)
def test_the_token_of_this_machine_is_for_a_cluster_that_ray_finds(
    address, environment, tried, monkeypatch
):
    for name in ("RAY_ADDRESS", "RAY_AUTH_MODE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    modes = []

    def health(command, env, **_):
        modes.append(env.get("RAY_AUTH_MODE", ""))
        said = "ray.exceptions.AuthenticationError: RPC error: InvalidAuthToken: no. Note: more"
        return subprocess.CompletedProcess(command, modes[-1] != "token", "", said)

    monkeypatch.setattr(ray_cluster.subprocess, "run", health)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = address.format(port=listening.getsockname()[1])
        if tried[-1] == "token":
            ray_cluster._check(address)
        else:
            with pytest.raises(ConfigError, match=r"no\. Set RAY_AUTH_MODE=token"):
                ray_cluster._check(address)
    assert modes == tried


def test_what_is_waited_for_is_less_than_is_promised():
    assert ray_cluster.CONNECT_SECONDS + ray_cluster.ANSWER_SECONDS < 20


def test_a_folder_too_long_for_sockets(monkeypatch, tmp_path):
    longest = ray_cluster._MAX_SOCKET - len(ray_cluster._SOCKET_NAME)
    for variables, folder in (
        ({}, None),
        ({"TMPDIR": "/" + "x" * (longest - 1)}, None),
        ({"TMPDIR": "/" + "x" * longest}, "/tmp/ray"),
        ({"TMPDIR": str(tmp_path / ("é" * 99))}, "/tmp/ray"),
        ({"TMPDIR": "/" + "x" * 99, "RAY_TMPDIR": "/short"}, None),
    ):
        for name in ("TMPDIR", "RAY_TMPDIR"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert ray_cluster._folder() == folder
    monkeypatch.setenv("RAY_TMPDIR", "/" + "x" * 99)
    with pytest.raises(ConfigError, match=f"RAY_TMPDIR to one of at most {longest} bytes"):
        ray_cluster._folder()
    monkeypatch.delenv("RAY_TMPDIR")
    monkeypatch.setattr(ray_cluster.os, "access", lambda *_: False)
    with pytest.raises(ConfigError, match="TMPDIR is too long"):
        ray_cluster._folder()


@pytest.mark.slow
@pytest.mark.ray
def test_ray_starts_under_a_long_folder(recipe_for, sample, tmp_path):
    long = tmp_path / ("x" * 90)
    long.mkdir()
    recipe = recipe_for(tmp_path / "lake", [str(sample.shards[4])], "")
    done = subprocess.run(
        [sys.executable, "-m", "thresher.jobs.cli", "run", str(recipe), "-q", "--workers", "1"],
        env={**os.environ, "TMPDIR": str(long), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def cluster(start_cluster):
    """A cluster that lets in who knows the token: (address, environment of who does)."""
    known = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "a" * 64}
    return start_cluster(known, cpus=1), known


@pytest.mark.chaos
@pytest.mark.ray
def test_a_wrong_token(cluster, recipe_for, sample, tmp_path):
    address, known = cluster
    command = [sys.executable, "-m", "thresher.jobs.cli", "run"]
    recipe = recipe_for(tmp_path / "lake", [str(sample.shards[4])], "")
    for token, wanted in (({}, 2), (known | {"RAY_AUTH_TOKEN": "b" * 64}, 2), (known, 0)):
        done = subprocess.run(
            [*command, str(recipe), "-q", "--address", address],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **token},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == wanted, done.stderr
        assert "Traceback" not in done.stderr
        if wanted:
            (said,) = done.stderr.splitlines()
            assert "token is missing or incorrect" in said
            assert "Set RAY_AUTH_MODE=token" in said
            assert "a" * 64 not in said
            assert "b" * 64 not in said
