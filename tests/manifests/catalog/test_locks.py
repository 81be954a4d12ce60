"""What a connection to the catalog cannot be talked into, what it says, and when it builds anew."""

from __future__ import annotations

import tempfile

import duckdb
import msgspec
import pytest

from thresher.filters.errors import StoreError
from thresher.manifests import catalog
from thresher.manifests.catalog import door
from thresher.manifests.run import load_runs, save_run

OFF = (
    "autoinstall_known_extensions", "autoload_known_extensions", "allow_community_extensions",
    "allow_persistent_secrets", "python_enable_replacements", "enable_progress_bar",
    "enable_external_access",
)  # fmt: skip


def test_every_lock_is_set_and_none_can_be_opened(lake):
    with catalog.connect(lake) as database:
        listed = database.execute("SELECT name, value FROM duckdb_settings()").fetchall()
        found = {name: value for name, value in listed if name in (*OFF, "lock_configuration")}
        assert found == {**dict.fromkeys(OFF, "false"), "lock_configuration": "true"}
        for name in OFF:
            with pytest.raises(duckdb.Error, match="locked"):
                database.execute(f"SET {name} = true")


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("IO Error: no such file\n", "IO Error: no such file"),
        (
            "Traceback (most recent call last):\n  File x, line 1, in f\n    raise\n"
            "PermissionError: lake://a: b leads out of the lake\n\nThe above exception\n",
            "lake://a: b leads out of the lake",
        ),
        (
            "Traceback (most recent call last):\n  File x",
            "Traceback (most recent call last):\n  File x",
        ),
    ],
)
def test_an_error_is_told_without_its_stack(said, plain):
    assert catalog.plain(duckdb.Error(said)) == plain


def test_an_error_of_sql_is_left_as_it_is(lake):
    with pytest.raises(duckdb.CatalogException), catalog.connect(lake) as database:
        database.execute("FROM nothing_of_this_name")
    refused = pytest.raises(StoreError, match="SQL reads the lake's files only, as lake://PATH")
    with refused, catalog.connect(lake) as database:
        database.execute("FROM read_csv('/etc/hostname')")


def test_a_catalog_that_knows_the_run_is_not_built_again(lake, monkeypatch):
    built = []
    build = door.build_file
    monkeypatch.setattr(door, "build_file", lambda *asked: built.append(asked[2]) or build(*asked))
    (record,) = load_runs(lake)
    for run in ("", "r1", "run"):
        with catalog.connect(lake, run=run) as database:
            assert database.execute("SELECT run_id FROM shown_run").fetchall() == [("r1",)]
    assert built == []
    # It has ended once more since the catalog was written, or goes on.
    for change in ({"finished": "2026-02-01"}, {"started": "2026-01-02"}, {"status": "running"}):
        save_run(lake, msgspec.structs.replace(record, **change))
        with catalog.connect(lake, run="r1") as database:
            (status,) = database.execute("SELECT status FROM runs").fetchall()
            assert status == (change.get("status", "complete"),)
    assert built == ["r1"] * 3


def test_a_database_that_does_not_open_leaves_no_folder(lake, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()

    def refuse(*_, **__):
        raise duckdb.OutOfMemoryException("none left")

    monkeypatch.setattr(door.duckdb, "connect", refuse)
    with pytest.raises(duckdb.OutOfMemoryException):
        catalog.open_catalog(lake)
    assert list((tmp_path / "tmp").iterdir()) == []
