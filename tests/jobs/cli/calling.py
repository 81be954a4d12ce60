"""The command line as tests call it."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from thresher.jobs.cli import app, main


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def run_main(monkeypatch, capsys, *arguments):
    """Through `main`, which turns errors into messages: (exit code, stderr)."""
    monkeypatch.setattr("sys.argv", ["thresher", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code, capsys.readouterr().err
