"""The door: it gives the same answers as reading natively, and nothing passes it but reading."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
import threading
import uuid
from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa
import pytest
from fsspec import register_implementation
from fsspec.implementations.memory import MemoryFileSystem

from thresher.filters.errors import ConfigError, StoreError
from thresher.manifests import catalog
from thresher.manifests.catalog.files import LakeFiles
from thresher.manifests.run import load_runs
from thresher.manifests.store import Store


def aggregates(count):
    """Questions that touch every value, each in its own way."""
    shapes = (
        "sum(n * {k} % 1009)",
        "sum(hash(n, {k})::HUGEINT)",
        "max(hash(text, {k}))",
        "sum(length(text) * (n % {k}))",
        "bit_xor(hash(id, n + {k}))",
        "count(score) FILTER (WHERE n % {k} = 0)",
        "sum((score * 7)::BIGINT % {k})",
        "count(DISTINCT left(id, 1 + {k} % 3))",
        "min(id) FILTER (WHERE n % {k} = 1 % {k})",
        "arg_max(url, hash(n, {k}))",
    )
    return [shapes[i % len(shapes)].format(k=2 + i) for i in range(count)]


def compare(store, native, count, threads):
    """The same aggregates through the door and over the files themselves, one scan for each."""
    differ = []
    with catalog.connect(store) as database, duckdb.connect() as direct:
        database.execute("SELECT 1")
        for what in aggregates(count):
            mine = database.execute(f"SELECT {what} FROM documents").fetchall()
            theirs = direct.execute(f"SELECT {what} FROM read_parquet('{native}')").fetchall()
            if mine != theirs:
                differ.append((threads, what, mine, theirs))
    assert not differ


@pytest.fixture
def with_threads(monkeypatch):
    """Sets how many threads the connections of the catalog have."""
    real = duckdb.connect

    def use(threads):
        def connect(*arguments, config=None, **rest):
            return real(*arguments, config={**(config or {}), "threads": threads}, **rest)

        monkeypatch.setattr("thresher.manifests.catalog.door.duckdb.connect", connect)

    return use


@pytest.mark.parametrize("threads", [1, 8])
def test_aggregates_equal_native_reads(tmp_path, make_lake, with_threads, threads):
    store = make_lake(tmp_path / "lake", shards=4, rows=20_000)
    with_threads(threads)
    compare(store, tmp_path / "lake" / "documents/*/*.parquet", 10, threads)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("place", ["local", "memory"])
def test_many_aggregates_of_many_rows_equal_native_reads(tmp_path, make_lake, with_threads, place):
    local = make_lake(tmp_path / "lake", shards=4, rows=500_000)
    store = local
    if place == "memory":
        store = Store(f"memory://{uuid.uuid4().hex}")
        store.filesystem.put(local.root, store.root, recursive=True)
        catalog.build(store)
    for threads in (1, 8):
        with_threads(threads)
        compare(store, tmp_path / "lake" / "documents/*/*.parquet", 50, threads)
    if place == "memory":
        store.filesystem.rm(store.root, recursive=True)


class RangesOnly(MemoryFileSystem):
    """A store as object stores are: files are read by ranges, and opened by nobody."""

    protocol = "ranges"
    store: dict = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012
    asked: list = []  # noqa: RUF012

    @classmethod
    def _strip_protocol(cls, path):
        return MemoryFileSystem._strip_protocol(path.replace("ranges://", "memory://"))

    def unstrip_protocol(self, name):
        return "ranges://" + name.removeprefix("ranges://").lstrip("/")

    def cat_file(self, path, start=None, end=None, **_):
        self.asked.append((path, start, end))
        return super().cat_file(path, start, end)


def test_a_remote_lake_is_read_by_ranges(make_lake, monkeypatch):
    register_implementation("ranges", RangesOnly, clobber=True)
    store = make_lake("ranges://lake", shards=1, rows=60_000)

    def no_open(*_, **__):
        raise AssertionError("opened")

    RangesOnly.asked.clear()
    size = store.filesystem.info(f"{store.root}/documents/f/{0:016x}.parquet")["size"]
    assert size > 2**20
    with catalog.connect(store) as database:
        monkeypatch.setattr(RangesOnly, "_open", no_open)
        assert database.execute("SELECT sum(n) FROM documents").fetchone() == (1_799_970_000,)
    parts = [end - start for path, start, end in RangesOnly.asked if path.endswith(".parquet")]
    assert sum(parts) < size / 2, "one column of five was asked for"
    assert len(parts) <= 60
    RangesOnly.store.clear()


def test_the_views_answer(lake):
    with catalog.connect(lake) as database:
        assert database.execute("SELECT count(*), sum(n) FROM documents").fetchone() == (
            2000,
            1_999_000,
        )
        found = database.execute("SELECT text FROM measured WHERE n = 1500").fetchone()
        assert found[0].endswith("1500")
        shards = database.execute("SELECT DISTINCT shard FROM documents ORDER BY 1").fetchall()
        assert shards == [(f"{0:016x}",), (f"{1:016x}",)]
        assert database.execute("SELECT name FROM runs").fetchall() == [("run",)]
        listed = database.execute("SELECT file FROM glob('lake://runs/*')").fetchall()
        assert listed == [("lake://runs/r1.json",)]
        text = database.execute("SELECT content FROM read_text('lake://runs/r1.json')").fetchone()
        assert msgspec.json.decode(text[0])["name"] == "run"


SECRETS = pa.table({"a": ["a variable of Python"]})

WAYS_OUT = """
ATTACH '{outside}/new.db' AS n
ATTACH '{spill}/new.db' AS n
ATTACH 'lake://new.db' AS n
ATTACH 'lake://catalog.duckdb' AS n
ATTACH '{outside}/other.duckdb' AS n (READ_ONLY)
ATTACH ':memory:' AS n
DETACH lake
INSTALL httpfs
FORCE INSTALL httpfs FROM 'http://127.0.0.1:9/'
INSTALL '{outside}/x.duckdb_extension'
LOAD httpfs
LOAD '{outside}/x.duckdb_extension'
UPDATE EXTENSIONS
COPY (SELECT 'x' AS text) TO 'lake://documents/f/{shard}.parquet'
COPY (SELECT 'x' AS text) TO 'lake://new.csv'
COPY (SELECT 'x' AS text) TO 'lake://catalog.duckdb'
COPY (SELECT 'x' AS text) TO 'lake://manifests/documents/f/{shard}.json' (FORMAT csv)
COPY (SELECT 'x' AS text) TO '{lake}/documents/f/{shard}.parquet'
COPY (SELECT 'x' AS text) TO '{outside}/new.csv'
COPY (SELECT 'x' AS text) TO '{spill}/new.csv'
COPY (SELECT 'x' AS text) TO '{spill}'
COPY (SELECT 'x' AS text) TO '{spill}/../new.csv'
COPY (SELECT 'x' AS text, 1 AS a) TO '{spill}/parts' (FORMAT parquet, PARTITION_BY (a))
COPY (SELECT 'x' AS text, 1 AS a) TO 'lake://parts' (FORMAT parquet, PARTITION_BY (a))
COPY (SELECT 'x' AS text, 1 AS a) TO 'lake://parts' (FORMAT parquet, PER_THREAD_OUTPUT)
COPY documents TO 'lake://new.parquet'
COPY documents TO '{outside}/new.json'
COPY runs FROM '{outside}/secret.csv'
COPY runs FROM 'lake://runs/r1.json'
COPY FROM DATABASE lake TO memory
COPY FROM DATABASE memory TO lake
WITH x AS (COPY (SELECT 'x' AS text) TO 'lake://documents/f/{shard}.parquet') SELECT * FROM x
WITH x AS (COPY (SELECT 'x' AS text) TO '{lake}/new.parquet') SELECT * FROM x
WITH x AS (COPY (SELECT 'x' AS text) TO '{spill}/new.csv') SELECT * FROM x
WITH x AS (COPY (SELECT 'x' AS text) TO '{outside}/new.csv') SELECT * FROM x
EXPLAIN ANALYZE COPY (SELECT 'x' AS text) TO 'lake://new.csv'
EXPLAIN ANALYZE COPY (SELECT 'x' AS text) TO '{outside}/new.csv'
EXPLAIN ANALYZE COPY (SELECT 'x' AS text) TO '{spill}/new.csv'
EXPLAIN ANALYZE WITH x AS (COPY (SELECT 1) TO '{spill}/new.csv') SELECT * FROM x
SELECT * FROM query('WITH x AS (COPY (SELECT 1) TO ''{outside}/new.csv'') SELECT * FROM x')
EXPORT DATABASE 'lake://export'
EXPORT DATABASE '{outside}/export'
EXPORT DATABASE '{spill}'
EXPORT DATABASE '{spill}/export'
IMPORT DATABASE '{outside}'
IMPORT DATABASE 'lake://'
PRAGMA enable_profiling
PRAGMA profiling_output = '{spill}/profile'
PRAGMA threads = 1
PRAGMA database_list
SET threads = 1
SET memory_limit = '1TB'
SET enable_external_access = true
SET allowed_directories = ['/']
SET allowed_paths = ['/etc/passwd']
SET lock_configuration = false
SET temp_directory = '{outside}'
SET VARIABLE lake = '{outside}'
SET SESSION search_path = 'memory'
SET home_directory = '{outside}'
SET log_query_path = '{outside}/log'
RESET lock_configuration
RESET ALL
USE memory
CALL enable_logging(storage = 'file', storage_path = '{spill}/log')
CALL enable_logging()
CREATE SECRET s (TYPE http, BEARER_TOKEN 'x')
CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'x')
DROP SECRET s
SELECT * FROM 'http://127.0.0.1:9/x.csv'
SELECT * FROM read_csv('https://127.0.0.1:9/x.csv')
SELECT * FROM read_parquet('s3://bucket/x.parquet')
SELECT * FROM read_text('hf://datasets/x/y')
SELECT * FROM read_text('/etc/passwd')
SELECT * FROM read_text('file:///etc/passwd')
SELECT * FROM read_text('{outside}/secret.csv')
SELECT * FROM read_text('{lake}/runs/r1.json')
SELECT * FROM read_text('{lake}/../outside/secret.csv')
SELECT * FROM read_text('lake://../outside/secret.csv')
SELECT * FROM read_text('lake://runs/../../outside/secret.csv')
SELECT * FROM read_text('lake:///etc/passwd')
SELECT * FROM read_text('lake://{lake}/../outside/secret.csv')
SELECT * FROM read_text('{spill}/../../../../../../../../etc/passwd')
SELECT * FROM read_text('./secret.csv')
SELECT * FROM read_text('~/.bashrc')
SELECT * FROM read_blob('/etc/passwd')
SELECT * FROM read_blob('/proc/self/environ')
SELECT * FROM read_csv('/etc/passwd')
SELECT * FROM read_json('{outside}/secret.csv')
SELECT * FROM read_parquet('{outside}/x.parquet')
SELECT * FROM sniff_csv('/etc/passwd')
SELECT * FROM parquet_metadata('{outside}/x.parquet')
SELECT * FROM parquet_schema(['lake://documents/f/{shard}.parquet', '{outside}/x.parquet'])
SELECT * FROM '/etc/passwd'
SELECT * FROM '{outside}/secret.csv'
SELECT * FROM glob('/etc/*')
SELECT * FROM glob('{outside}/*')
SELECT * FROM glob('lake://../*')
SELECT * FROM glob('{lake}/*')
SELECT getenv('HOME')
SELECT * FROM SECRETS
SELECT * FROM os
SELECT * FROM read_duckdb('{outside}/other.duckdb')
CREATE TABLE lake.main.x (a INT)
CREATE TABLE x AS SELECT 1
CREATE TABLE memory.main.x AS SELECT 1
CREATE TEMP TABLE x AS SELECT 1
CREATE OR REPLACE VIEW documents AS SELECT 1
CREATE MACRO f(x) AS x
CREATE SCHEMA s
CREATE SEQUENCE s
CREATE TYPE e AS ENUM ('a')
CREATE INDEX i ON runs (name)
INSERT INTO runs (run_id) VALUES ('x')
INSERT OR REPLACE INTO runs (run_id) VALUES ('r1')
UPDATE runs SET name = 'x'
DELETE FROM runs
TRUNCATE runs
MERGE INTO runs USING (SELECT 'r1' AS run_id) USING (run_id) WHEN MATCHED THEN DELETE
WITH x AS (INSERT INTO runs (run_id) VALUES ('x') RETURNING *) SELECT * FROM x
WITH x AS (DELETE FROM runs RETURNING *) SELECT * FROM x
ALTER TABLE runs RENAME TO x
DROP TABLE runs
DROP VIEW documents
COMMENT ON TABLE runs IS 'x'
CHECKPOINT
CHECKPOINT lake
FORCE CHECKPOINT lake
CALL checkpoint()
VACUUM
ANALYZE
BEGIN
PREPARE p AS SELECT 1
"""

HARMLESS_TO_THE_LAKE = (
    "ATTACH ':memory:'",
    *("PRAGMA database_list", "USE memory", "SET VARIABLE", "SET SESSION search_path", "RESET ALL"),
    *("CREATE SECRET", "CREATE TABLE memory.main", "CREATE TEMP TABLE", "CREATE TYPE"),
    *("CHECKPOINT", "FORCE CHECKPOINT", "CALL checkpoint", "VACUUM", "ANALYZE"),
    *("BEGIN", "PREPARE", "COPY FROM DATABASE lake TO memory", "DROP SECRET"),
    "SET memory_limit",
)
"""What DuckDB lets pass inside the connection; `check_question` refuses it all the same."""


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """A folder that no question may reach."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.csv").write_text("a,b\nsecret,1\n")
    duckdb.connect().sql("SELECT 'secret' AS a").write_parquet(str(folder / "x.parquet"))
    with duckdb.connect(str(folder / "other.duckdb")) as database:
        database.execute("CREATE TABLE runs AS SELECT 'secret' AS a")
    monkeypatch.chdir(folder)
    return folder


class Ways:
    """Every way out as SQL for a lake; the connection is a new one wherever one was passed."""

    def __init__(self, store, outside):
        self.store, self.outside = store, outside
        self.passed = []

    def __iter__(self):
        left = WAYS_OUT.strip().splitlines()
        while left:
            known = len(self.passed)
            with catalog.open_catalog(self.store) as self.database:
                self.spill = catalog.spill_folder(self.database)
                while left and len(self.passed) == known:
                    yield left.pop(0).format(
                        outside=self.outside,
                        spill=self.spill / "spill",
                        lake=self.store.url(),
                        shard=f"{0:016x}",
                    )


def test_no_way_out_is_a_question(lake, outside, fingerprints):
    before = fingerprints(lake)
    ways = Ways(lake, outside)
    for way in ways:
        try:
            catalog.check_question(ways.database, way)
            ways.passed.append((way, ways.database.execute(way).fetchall()))
        except (ConfigError, duckdb.Error):
            assert list(ways.spill.iterdir()) == [], way
    # A full path below `lake://` is a path of the lake, and there is no such file.
    assert [way for way, rows in ways.passed if rows or "lake:///" not in way] == []
    assert fingerprints(lake) == before


def test_the_fence_holds_without_the_check(lake, outside, fingerprints):
    before = fingerprints(lake)
    ways = Ways(lake, outside)
    for way in ways:
        try:
            ways.passed.append((way, ways.database.execute(way).fetchall()))
        except duckdb.Error:
            continue
    # DuckDB may write to the folder that it spills to; it is this connection's own, and goes.
    out = [
        way
        for way, rows in ways.passed
        if not way.startswith(HARMLESS_TO_THE_LAKE) and "/spill" not in way
        if rows or "lake:///" not in way
    ]
    assert out == []
    assert fingerprints(lake) == before


def test_links_out_of_the_lake_are_refused(tmp_path, make_lake, outside):
    store = make_lake(tmp_path / "lake")
    (tmp_path / "lake" / "link.csv").symlink_to(outside / "secret.csv")
    (tmp_path / "lake" / "folder").symlink_to(outside)
    with catalog.connect(store) as database:
        for path in ("link.csv", "folder/secret.csv", "folder/x.parquet"):
            with pytest.raises(duckdb.Error, match="leads out of the lake"):
                database.execute(f"SELECT * FROM 'lake://{path}'")
        found = database.execute("SELECT * FROM glob('lake://**')").fetchall()
        assert not [file for (file,) in found if "link" in file or "folder" in file]


def test_a_catalog_that_links_out_of_the_lake_is_not_opened(tmp_path, make_lake, outside):
    store = make_lake(tmp_path / "lake")
    (tmp_path / "lake" / "catalog.duckdb").unlink()
    (tmp_path / "lake" / "catalog.duckdb").symlink_to(outside / "other.duckdb")
    with pytest.raises(StoreError, match="leads out of the lake"), catalog.connect(store):
        pass


def test_a_strangers_views_reach_nothing(tmp_path, make_lake, outside):
    store = make_lake(tmp_path / "lake")
    with duckdb.connect(str(tmp_path / "lake" / "catalog.duckdb")) as database:
        database.execute(
            f"CREATE OR REPLACE VIEW documents AS FROM read_text('{outside}/secret.csv')"
        )
        database.execute(
            "CREATE OR REPLACE VIEW measured AS FROM read_text(lake('../outside/secret.csv'))"
        )
    for view, text in (("documents", "Cannot access file"), ("measured", "leads out")):
        with pytest.raises(StoreError, match=text), catalog.connect(store) as database:
            database.execute(f"SELECT * FROM {view}").fetchall()


def test_a_strangers_manifest_reaches_nothing(tmp_path, make_lake):
    store = make_lake(tmp_path / "lake")
    path = f"manifests/documents/f/{0:016x}.json"
    manifest = msgspec.json.decode(store.read_bytes(path))
    manifest["outputs"][0]["path"] = "documents/f/../../../x.parquet"
    store.write_bytes(path, msgspec.json.encode(manifest))
    catalog.build(store)  # what no listing of the lake holds is not done
    with catalog.connect(store) as database:
        assert database.execute("SELECT count(*) FROM documents").fetchone() == (1000,)


def test_sorting_beyond_memory_spills_and_leaves_nothing(tmp_path, make_lake, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    store = make_lake(tmp_path / "lake", shards=1, rows=20_000)
    rows = "SELECT n, id || range AS t FROM documents, range(200)"
    with catalog.connect(store, memory="150MB") as database:
        spill = catalog.spill_folder(database)
        assert spill.parent == tmp_path / "tmp"
        assert spill.stat().st_mode & 0o077 == 0, "others could read what is spilled"
        database.execute(f"CREATE TEMP TABLE sorted AS {rows} ORDER BY t DESC")
        assert [f for f in spill.rglob("*") if f.is_file()], "nothing was spilled"
        found = database.execute("SELECT count(*), sum(n), max(t) FROM sorted").fetchone()
        assert (
            found == database.execute(f"SELECT count(*), sum(n), max(t) FROM ({rows})").fetchone()
        )
        first = database.execute("SELECT t FROM sorted LIMIT 1").fetchone()
        assert first == (found[2],)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_only_its_own_folder_is_ever_removed(tmp_path, make_lake):
    store = make_lake(tmp_path / "lake")
    with duckdb.connect() as other, pytest.raises(KeyError):
        catalog.spill_folder(other)
    with catalog.connect(store) as database:
        assert catalog.spill_folder(database).name.startswith("thresher-")


def test_a_connection_that_nobody_closes_leaves_no_folder(tmp_path, make_lake, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    database = catalog.open_catalog(make_lake(tmp_path / "lake"))
    database.execute("SELECT count(*) FROM documents").fetchall()
    del database
    gc.collect()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_failures_to_open_leave_no_folder(tmp_path, make_lake, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    store = make_lake(tmp_path / "lake")
    for memory in ("lots", "4", "4 GX"):
        with pytest.raises(ConfigError, match="Such as 4GB"), catalog.connect(store, memory):
            pass
    store.write_bytes(catalog.PATH, b"no catalog" * 1000)
    with pytest.raises(StoreError, match="catalog rebuild"), catalog.connect(store):
        pass
    gc.collect()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_moved_lake_opens_where_it_is(tmp_path, make_lake):
    make_lake(tmp_path / "lake")
    shutil.move(tmp_path / "lake", tmp_path / "moved")
    with catalog.connect(Store(str(tmp_path / "moved"))) as database:
        assert database.execute("SELECT count(*) FROM documents").fetchone() == (2000,)


def test_a_file_that_is_gone_is_named(tmp_path, make_lake):
    store = make_lake(tmp_path / "lake")
    store.remove(f"documents/f/{1:016x}.parquet")
    with pytest.raises(StoreError, match="catalog rebuild"), catalog.connect(store) as database:
        database.execute("SELECT count(*) FROM documents").fetchall()


def test_the_catalog_of_an_earlier_version_opens(tmp_path, make_lake, fingerprints):
    store = make_lake(tmp_path / "lake")
    file = tmp_path / "lake" / "catalog.duckdb"
    file.unlink()
    path = f"{tmp_path}/lake/documents/f/{0:016x}.parquet"
    with duckdb.connect(str(file)) as database:
        database.execute(f"CREATE VIEW documents AS FROM read_parquet('{path}')")
    before = fingerprints(store)
    with catalog.connect(store) as database:
        assert database.execute("SELECT count(*) FROM documents").fetchone() == (2000,)
        assert database.execute("SELECT run_id FROM runs").fetchone() == ("r1",)
    assert fingerprints(store) == before


def test_a_lake_that_cannot_be_written_is_read(tmp_path, make_lake):
    store = make_lake(tmp_path / "lake")
    folders = [path for path in (tmp_path / "lake").rglob("*") if path.is_dir()]
    for folder in [tmp_path / "lake", *folders]:
        folder.chmod(0o555)
    try:
        with catalog.connect(store) as database:
            assert database.execute("SELECT count(*) FROM documents").fetchone() == (2000,)
    finally:
        for folder in [tmp_path / "lake", *folders]:
            folder.chmod(0o755)


def test_connections_stand_beside_each_other(tmp_path, make_lake):
    one, two = make_lake(tmp_path / "one", rows=100), make_lake(tmp_path / "two", rows=200)
    with catalog.connect(one) as a, catalog.connect(one) as b, catalog.connect(two) as c:
        counts = [d.execute("SELECT count(*) FROM documents").fetchone()[0] for d in (a, b, c)]
        assert counts == [200, 200, 400]
        catalog.build(one)
        assert a.execute("SELECT count(*) FROM runs").fetchone() == (1,)


def test_a_catalog_that_is_replaced_meanwhile_is_read_as_it_was(lake):
    with catalog.connect(lake) as database:
        record = load_runs(lake)[0]
        lake.write_bytes(catalog.PATH, b"other bytes")
        lake.write_bytes(
            "runs/r2.json", msgspec.json.encode(msgspec.structs.replace(record, run_id="r2"))
        )
        catalog.build(lake)
        assert len(database.execute("SELECT * FROM input_shards").fetchall()) == 2
        assert database.execute("SELECT run_id FROM runs").fetchall() == [("r1",)]
    with catalog.connect(lake) as database:
        assert database.execute("SELECT count(*) FROM runs").fetchone() == (2,)


def test_a_quote_in_the_lakes_path(tmp_path, make_lake):
    store = make_lake(tmp_path / "o'lake [1]*")
    with catalog.connect(store) as database:
        assert database.execute("SELECT count(*) FROM documents").fetchone() == (2000,)


def test_nothing_is_left_open(tmp_path, make_lake):
    store = make_lake(tmp_path / "lake")
    with catalog.connect(store) as database:
        database.execute("SELECT count(*) FROM documents").fetchall()
    before = len(list(Path("/dev/fd").iterdir())), threading.active_count()
    for _ in range(5):
        with catalog.connect(store) as database:
            database.execute("SELECT sum(n) FROM documents").fetchall()
            with pytest.raises(duckdb.Error):
                database.execute("COPY (SELECT 1) TO 'lake://x'")
    gc.collect()
    assert (len(list(Path("/dev/fd").iterdir())), threading.active_count()) == before


def test_a_file_that_changes_is_an_error_and_no_wrong_sum(tmp_path, make_lake):
    store = make_lake(tmp_path / "lake", shards=1, rows=50_000)
    file = Path(store.url(f"documents/f/{0:016x}.parquet"))
    whole = file.read_bytes()
    opened = LakeFiles.open

    def shrink(self, path, mode="rb", **rest):
        found = opened(self, path, mode, **rest)
        if str(path).endswith(".parquet"):
            os.truncate(file, len(whole) // 2)
        return found

    LakeFiles.open = shrink
    try:
        with pytest.raises((StoreError, duckdb.Error)), catalog.connect(store) as database:
            database.execute("SELECT sum(n) FROM documents").fetchall()
    finally:
        LakeFiles.open = opened
        file.write_bytes(whole)
