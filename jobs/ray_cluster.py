"""Starting Ray here, or joining a cluster, in bounded time and with the cause where that fails.

Ray itself waits for a cluster that does not answer for minutes, printing lines all the while, and
ends the process then. So the address is tried first: by a plain connection, and by Ray's own health
check in a process of its own, which can be ended.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

import ray

from thresher.filters.errors import ConfigError
from thresher.jobs import stopping

__all__ = ["connect"]

CONNECT_SECONDS = 4.0
ANSWER_SECONDS = 10.0
"""Together less than the 20 seconds in which a wrong address or token is told."""

_SOCKET_NAME = "/ray/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store.12345"
"""The longest name Ray makes below its folder, and some."""
_MAX_SOCKET = 103
"""Bytes of a socket's path: 107 on Linux, 103 on macOS."""
_LOCKED_OUT = "InvalidAuthToken"
"""In what Ray says to those without a token, or with a wrong one."""
_SHORT_FOLDER = "/tmp"  # noqa: S108 - Ray makes a folder of its own for each session in it


def connect(workers: int | None, address: str, gpus: float | None) -> None:
    """Join the cluster at an address, or start Ray here if that is empty.

    Raises:
        ConfigError: if no cluster answers there, or Ray does not start.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    if address:
        _check(address)
        here: dict[str, Any] = {}
    else:
        here = {
            "num_cpus": workers or os.cpu_count(),
            **({} if gpus is None else {"num_gpus": gpus}),
            "include_dashboard": False,
            "object_store_memory": 100 * 2**20,
            "_temp_dir": _folder(),
        }
    try:
        ray.init(
            address=address or "local",
            log_to_driver=False,
            logging_level=logging.ERROR,
            ignore_reinit_error=True,
            **here,
        )
    except SystemExit:
        # While it starts, Ray has a handler of its own for SIGTERM, which exits.
        stopping.check()
        raise stopping.Stopped(stopping.SIGNALS[-1]) from None
    except Exception as error:  # Ray raises errors of many kinds, bare `Exception` among them
        if address:
            raise _no_cluster(address, _last_line(str(error))) from error
        problem = f"Ray does not start here: {_last_line(str(error))}."
        hint = 'Without it: --in-process, or run.executor = "in-process".'
        raise ConfigError("run.executor", problem, hint) from error
    finally:
        stopping.heed_again()


def _folder() -> str | None:
    """Where Ray puts its session: None for its own choice, unless its sockets cannot be there."""
    chosen = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR")
    if not chosen or len(os.fsencode(chosen + _SOCKET_NAME)) <= _MAX_SOCKET:
        return None
    if not os.environ.get("RAY_TMPDIR") and os.access(_SHORT_FOLDER, os.W_OK | os.X_OK):
        return f"{_SHORT_FOLDER}/ray"
    most = _MAX_SOCKET - len(_SOCKET_NAME)
    name = "RAY_TMPDIR" if os.environ.get("RAY_TMPDIR") else "TMPDIR"
    problem = f"${name} is too long a path for Ray's sockets: '{chosen}'."
    raise ConfigError("run.executor", problem, f"Set RAY_TMPDIR to one of at most {most} bytes.")


def _check(address: str) -> None:
    """Ask the cluster whether it is there and lets us in.

    Raises:
        ConfigError: with the cause if it does not, within the time that is given for it.
    """
    place = urlsplit(address if "://" in address else f"//{address}")
    try:
        host, port = place.hostname, place.port
    except ValueError as error:
        raise _no_cluster(address, str(error)) from error
    if host and port:
        try:
            socket.create_connection((host, port), CONNECT_SECONDS).close()
        except OSError as error:
            raise _no_cluster(address, error.strerror or str(error)) from error
    if "://" in address:
        return  # Ray Client has its own door, and its own limit of time
    problem = _health(address, {})
    found_by_ray = address == "auto" and not os.environ.get("RAY_ADDRESS")
    if _LOCKED_OUT in problem and found_by_ray and "RAY_AUTH_MODE" not in os.environ:
        # For a cluster that it finds by itself Ray uses the token of this machine; its check of
        # health does not.
        problem = _health(address, {"RAY_AUTH_MODE": "token"})
    if problem:
        raise _no_cluster(address, problem)


def _health(address: str, variables: dict[str, str]) -> str:
    """What a cluster says against being joined, with some more variables; "" for nothing."""
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        asked = subprocess.run(  # noqa: S603 - our own interpreter
            command,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=ANSWER_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        silent = f"nothing that speaks Ray's protocol answered in {ANSWER_SECONDS:.0f} seconds"
        raise _no_cluster(address, silent) from error
    return _last_line(asked.stderr or asked.stdout) if asked.returncode else ""


def _no_cluster(address: str, cause: str) -> ConfigError:
    hint = "Without --address (run.address), Ray starts here."
    if _LOCKED_OUT in cause:
        cause = cause.partition(" Note: ")[0]  # Ray's own remedy is longer, and is cut
        hint = (
            "Set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN to the cluster's token where "
            "~/.ray/auth_token does not hold it."
        )
    return ConfigError("--address", f"no Ray cluster at '{address}': {cause.rstrip('.')}.", hint)


def _last_line(text: str) -> str:
    """What a program or an error says in the end, bounded, without the class of an exception."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no reason given"]
    last = re.sub(r"\x1b\[[0-9;]*m|^[\w.]+(Error|Exception): ", "", lines[-1])
    return last[:400].rstrip(".")
