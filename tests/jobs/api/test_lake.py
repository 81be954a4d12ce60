"""What a lake says: by SQL, as streams, of one document, and as files for trainers."""

from __future__ import annotations

import gc
import json
import shutil
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

import thresher
from thresher.manifests import catalog
from thresher.manifests.run import RunRecord, load_runs, save_run
from thresher.manifests.store import Store
from thresher.pipeline import judged


@pytest.fixture
def lake(finished):
    return thresher.Lake(finished.lake.url)


@pytest.fixture
def copied(finished, tmp_path):
    """A copy of the lake that a test may change, its catalog made anew."""
    folder = tmp_path / "copy"
    shutil.copytree(finished.lake.url, folder)
    catalog.build(Store(str(folder)))
    return folder


def test_a_query_is_a_relation(lake):
    sql = "SELECT verdict, count(*) AS n FROM decisions GROUP BY 1 ORDER BY 1"
    found = lake.query(sql)
    assert found.columns == ["verdict", "n"]
    counts = dict(found.fetchall())
    assert set(counts) == {"dropped", "kept"}
    assert found.to_arrow_table()["n"].to_pylist() == [counts["dropped"], counts["kept"]]
    assert found.filter("verdict = 'kept'").fetchall() == [("kept", counts["kept"])]
    assert {"kept", "measured", "sites"} <= {n for (n,) in lake.query("SHOW TABLES").fetchall()}


def test_values_are_parameters(lake):
    hostile = "x' OR 1 = 1 --"
    sql = "SELECT count(*) FROM kept WHERE url = $url AND length.words > $words"
    assert lake.query(sql, {"url": hostile, "words": 1}).fetchall() == [(0,)]
    assert lake.query("SELECT ? + ?", [1, 2]).fetchall() == [(3,)]


def test_relations_stand_beside_each_other_and_outlive_their_lake(finished):
    lake = thresher.Lake(finished.lake.url)
    relations = [lake.query("SELECT * FROM range($n)", {"n": n}) for n in range(1, 6)]
    reader = lake.query("SELECT id FROM documents ORDER BY id").to_arrow_reader(8)
    first = reader.read_next_batch()
    del lake
    gc.collect()
    assert [len(relation.fetchall()) for relation in relations] == [1, 2, 3, 4, 5]
    rest = pa.Table.from_batches([first, *reader])
    assert rest.num_rows == finished.counts["documents measured"]
    with catalog.connect(Store(finished.lake.url)) as one:
        with catalog.connect(Store(finished.lake.url)) as other:
            assert other.execute("SELECT count(*) FROM runs").fetchall() == [(1,)]
        assert one.execute("SELECT count(*) FROM runs").fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("sql", "parameters", "message"),
    [
        ("", None, "holds no statement.*SHOW TABLES"),
        ("-- nothing", None, "holds no statement"),
        ("SELECT nope FROM kept", None, "nope.*DESCRIBE kept"),
        ("SELECT * FROM nowhere", None, "nowhere.*SHOW TABLES"),
        ("not sql", None, "syntax error"),
        ("DROP TABLE runs", None, "only reads, and DROP"),
        ("DROP VIEW kept", None, "only reads, and DROP"),
        ("CREATE TABLE mine (a INTEGER)", None, "only reads, and CREATE"),
        ("INSERT INTO runs SELECT * FROM runs", None, "only reads, and INSERT"),
        ("SET threads = 1", None, "only reads, and SET"),
        ("SELECT 1; SELECT 2", None, "more than one statement"),
        ("SELECT $x", None, "parameters: x"),
        ("SELECT $x", {"y": 1}, "x"),
    ],
)
def test_a_wrong_query_is_named(lake, sql, parameters, message):
    with pytest.raises(thresher.ConfigError, match=f"(?s)^query: .*{message}"):
        lake.query(sql, parameters)


def test_a_lake_is_not_written(copied):
    lake = thresher.Lake(copied)
    documents = next(copied.glob("text/*/*.parquet"))
    before = {path: path.stat().st_size for path in copied.rglob("*") if path.is_file()}
    for sql in (
        f"COPY (SELECT 1) TO '{documents}'",
        f"SELECT 1; COPY (SELECT 1) TO '{copied / 'new.csv'}'",
        f"EXPORT DATABASE '{copied / 'export'}'",
    ):
        with pytest.raises(thresher.ConfigError, match=r"only reads|more than one"):
            lake.query(sql)
    assert {path: path.stat().st_size for path in copied.rglob("*") if path.is_file()} == before


def test_a_query_reaches_no_file_outside(lake, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    for sql in (f"FROM read_csv('{secret}')", f"FROM '{secret}'"):
        with pytest.raises(thresher.StoreError, match="the lake's files only"):
            lake.query(sql)
    with pytest.raises(thresher.ConfigError, match="only reads, and ATTACH"):
        lake.query(f"ATTACH '{tmp_path}/x.db'")


def test_what_goes_wrong_while_rows_come_is_told_as_before(lake):
    relation = lake.query("SELECT CAST(url AS INTEGER) FROM kept")
    with pytest.raises(thresher.ConfigError, match=r"^query: Conversion"), lake.explained():
        relation.fetchall()
    with pytest.raises(ZeroDivisionError), lake.explained():
        raise ZeroDivisionError


ALL = ["id", "url", "text", "length", "length.words", "language.code", "site.pages", "reasons"]


@pytest.mark.parametrize("verdict", ["kept", "dropped"])
def test_streams_are_what_the_views_hold(lake, verdict):
    found = getattr(lake, verdict)(columns=[*ALL, "survivor_id", "cluster_size"]).read_all()
    names = ", ".join(f'{name} AS "{name}"' for name in ALL)
    expected = lake.query(
        f"SELECT {names}, survivor_id, cluster_size FROM measured JOIN decisions "
        "USING (shard, row, id) WHERE verdict = $verdict ORDER BY shard, row",
        {"verdict": verdict},
    ).to_arrow_table()
    assert found.schema.names == expected.schema.names
    assert found.num_rows == expected.num_rows > 20
    assert found.to_pylist() == expected.to_pylist()
    assert found.schema.field("length.words").type == pa.int64()


def test_streams_by_default(lake, finished):
    kept = lake.kept()
    assert isinstance(kept, pa.RecordBatchReader)
    assert kept.schema.names == ["id", "url", "text"]
    assert kept.read_all().num_rows == finished.counts["kept"]
    dropped = lake.dropped().read_all()
    assert dropped.schema.names == ["id", "url", "text", "reason", "reasons"]
    assert dropped.num_rows == finished.counts["dropped"]
    assert pc.all(pc.equal(dropped["reason"], pc.list_element(dropped["reasons"], 0))).as_py()
    assert lake.kept("id").schema.names == ["id"]
    twice = lake.kept(["id", "url", "id"]).read_all()
    assert twice.column(0).equals(twice.column(2))


def test_what_one_reason_dropped(lake):
    counts = lake.query("SELECT reason, count(*) FROM dropped GROUP BY 1").fetchall()
    assert len(counts) > 3
    for reason, count in counts:
        found = lake.dropped(reason, columns=["reason"]).read_all()
        assert found["reason"].to_pylist() == [reason] * count


def test_names_that_there_are_not(lake):
    for call, message in (
        (lambda: lake.kept(["lenght.words"]), "no column 'lenght.words'. Did you mean 'length.w"),
        (
            lambda: lake.kept(["length.word"]),
            "no column 'length.word'. Did you mean 'length.words'",
        ),
        (lambda: lake.kept(["text.words"]), "no column 'text.words'"),
        (lambda: lake.kept([]), "names no column"),
        (lambda: lake.curated(split="valid"), "no such split 'valid'. Did you mean 'validation'"),
        (lambda: lake.dropped("too_few_word"), "no reason 'too_few_word'. Did you mean 'too_few_w"),
    ):
        with pytest.raises(thresher.ConfigError, match=message.replace(".", r"\.")):
            call()
    for call in (lambda: lake.kept(run="ap"), lambda: lake.curated(run="ap")):
        with pytest.raises(thresher.StoreError, match=r"holds no run 'ap'\. Did you mean 'api'"):
            call()
    # A reason that the policy has and that nothing fell to is no mistake.
    assert lake.dropped("url_duplicate").read_all().num_rows == 0


def test_a_stream_reads_as_it_is_asked(lake, monkeypatch):
    opened = []
    plain = judged.iterate_measured

    def watched(store, shard, columns):
        for batch in plain(store, shard, columns, 10):
            opened.append(shard.texts)
            yield batch

    monkeypatch.setattr(judged, "iterate_measured", watched)
    stream = lake.kept(["id"])
    assert opened == []
    stream.read_next_batch()
    assert len(opened) <= 3
    assert len(set(opened)) == 1
    stream.read_all()
    assert len(set(opened)) == 2
    assert len(opened) > 10


def test_decisions_of_other_rows_are_refused(copied):
    first, second = sorted(copied.glob("decisions/*/*.parquet"))
    table = pq.read_table(first)
    pq.write_table(table.slice(1), first)
    manifest = next(copied.glob(f"manifests/decisions/*/{first.stem}.json"))
    content = json.loads(manifest.read_text())
    content["outputs"][0]["bytes"] = first.stat().st_size
    manifest.write_text(json.dumps(content))
    assert second.exists()
    with pytest.raises(thresher.StoreError, match="does not decide the rows"):
        thresher.Lake(copied).kept().read_all()


def test_explain(lake):
    ((identity, url, reasons),) = lake.query(
        "SELECT id, url, reasons FROM dropped WHERE len(reasons) > 1 ORDER BY id LIMIT 1"
    ).fetchall()
    found = lake.explain(identity)
    assert found == lake.explain(url)
    assert found.decision["reasons"] == reasons
    copies = {"exact_duplicate", "near_duplicate"}
    assert [r.reason for r in found.rules if r.drops] == [r for r in reasons if r not in copies]
    assert found.signals["length.words"] > 0
    with pytest.raises(thresher.StoreError, match="no document has the id"):
        lake.explain("nobody' OR 1 = 1 --")


def test_curated_shards_go_to_trainers(lake, finished):
    paths = lake.curated()
    assert all(Path(path).is_file() for path in paths)
    assert paths == sorted(paths)
    train, validation = lake.curated(split="train"), lake.curated(split="validation")
    assert paths == [*train, *validation]
    assert len(validation) == 1
    data = pyarrow.dataset.dataset(paths)
    assert data.schema.names[0] == "text"
    assert data.count_rows() == finished.counts["curated"]
    assert lake.curated(run=finished.run_id) == lake.curated(run="api") == paths


def test_runs(lake, finished):
    (run,) = lake.runs()
    assert (run.run_id, run.status) == (finished.run_id, "complete")
    assert (run.shards, run.measured, run.judged, run.failures) == (2, 2, 2, [])
    assert run.started < run.finished


def test_a_lake_shows_its_latest_state(recipe_mapping, sample):
    recipe = recipe_mapping(input={"urls": [sample.shards[0]]})
    first = thresher.run(recipe)
    lake = first.lake
    held = lake.query("SELECT count(*) FROM documents")
    before = held.fetchall()
    second = thresher.run(recipe | {"name": "more", "input": {"urls": list(sample.shards[:2])}})
    assert lake.query("SELECT count(*) FROM runs").fetchall() == [(2,)]
    ((now,),) = lake.query("SELECT count(*) FROM documents").fetchall()
    assert now == second.counts["documents measured"] > before[0][0]
    assert held.fetchall() == before
    assert [run.run_id for run in lake.runs()] == [first.run_id, second.run_id]
    assert lake.kept().read_all().num_rows == second.counts["kept"]
    earlier = lake.kept(run="api").read_all()
    assert earlier.num_rows == first.counts["kept"] < second.counts["kept"]
    assert lake.curated() == second.lake.curated(run="more") != lake.curated(run=first.run_id)


def test_a_lake_in_memory(recipe_mapping, sample):
    recipe = recipe_mapping(lake="memory://api-lake", input={"urls": [sample.shards[0]]})
    lake = thresher.run(recipe).lake
    assert lake.url == "memory:///api-lake"
    ((kept,),) = lake.query("SELECT count(*) FROM kept").fetchall()
    assert lake.kept().read_all().num_rows == kept > 0
    ((identity,),) = lake.query("SELECT min(id) FROM dropped").fetchall()
    assert lake.explain(identity).decision["verdict"] == "dropped"
    assert all(path.startswith("memory:///api-lake/curated/") for path in lake.curated())
    with pytest.raises(thresher.ConfigError, match="only reads"):
        lake.query("COPY (SELECT 1) TO 'memory:///api-lake/x.csv'")


def test_a_lake_is_named_by_its_recipe_too(finished, tmp_path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f'name = "x"\nlake = "{finished.lake.url}"\n[input]\nurls = ["nothing"]\n')
    for where in (recipe, str(recipe), Path(finished.lake.url)):
        assert thresher.Lake(where).url == finished.lake.url
    assert repr(finished.lake) == f"thresher.Lake({finished.lake.url!r})"


def test_what_is_no_lake(tmp_path):
    for where, message in (
        (
            tmp_path,
            r"no run yet: `thresher run RECIPE\.toml`, or thresher\.run in Python, makes one$",
        ),
        (tmp_path / "nowhere", "holds no run yet"),
        ("nope://lake", "no such place for a lake: Protocol not known"),
    ):
        with pytest.raises(thresher.StoreError, match=message):
            thresher.Lake(where)
    with pytest.raises(thresher.InputError, match=r"nowhere\.toml"):
        thresher.Lake("nowhere.toml")
    for nothing, kind in ((None, "NoneType"), ("", "an empty text"), (5, "int")):
        with pytest.raises(
            thresher.InputError, match=f"or that of a recipe, not {kind}$"
        ) as caught:
            thresher.Lake(nothing)
        assert "--" not in str(caught.value)
    assert not (tmp_path / "nowhere").exists()


def test_a_run_that_has_just_begun(tmp_path):
    record = RunRecord(run_id="begun-1", name="begun", status="running", version="1", started="now")
    save_run(Store(str(tmp_path)), record)
    lake = thresher.Lake(tmp_path)
    (run,) = lake.runs()  # by a driver that left no heartbeat
    assert (run.status, run.finished, run.judged) == ("stopped", "", 0)
    for call, message in (
        (lambda: lake.query("SELECT 1"), "thresher catalog rebuild"),
        (lambda: lake.explain("x"), "thresher catalog rebuild"),
        (lambda: lake.kept(), "begun-1 has not judged its documents yet"),
        (lambda: lake.curated(), "begun-1 has written no curated shards"),
    ):
        with pytest.raises(thresher.StoreError, match=message):
            call()


def test_a_run_that_ended_before_it_judged(copied):
    store = Store(str(copied))
    record = load_runs(store)[0]
    known = ("text", "signals/", "duplicates")
    marks = {stage: v for stage, v in record.fingerprints.items() if stage.startswith(known)}
    begun = msgspec.structs.replace(record, status="incomplete", fingerprints=marks, curated="")
    save_run(store, begun)
    catalog.build(store)
    lake = thresher.Lake(copied)
    ((identity,),) = lake.query("SELECT min(id) FROM documents").fetchall()
    found = lake.explain(identity)
    assert (found.decision, found.duplicates) == ({}, [])
    assert found.signals["length.words"] > 0
    assert len(found.rules) > 10
    with pytest.raises(thresher.StoreError, match="has not judged"):
        lake.kept()
    share = {"reason": "low", "signal": "quality.score", "keep_top": 0.5}
    policy = {"name": "share", "version": 1, "rules": [share]}
    save_run(store, msgspec.structs.replace(begun, policy=policy))
    # The catalog still shows the policy that it was made with.
    assert len(lake.explain(identity).rules) > 10
    catalog.build(store)
    with pytest.raises(thresher.StoreError, match="has not judged"):
        lake.explain(identity)


def test_a_lake_that_was_moved(finished, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(finished.lake.url, moved)
    lake = thresher.Lake(moved)
    ((kept,),) = lake.query("SELECT count(*) FROM kept").fetchall()
    assert kept == finished.counts["kept"]
    assert lake.kept().read_all().num_rows == finished.counts["kept"]
    assert all(path.startswith(str(moved)) for path in lake.curated())


def test_a_catalog_that_is_none(copied):
    (copied / "catalog.duckdb").write_bytes(b"no database" * 100)
    with pytest.raises(thresher.StoreError, match="thresher catalog rebuild"):
        thresher.Lake(copied).query("SELECT 1")


@pytest.mark.parametrize(
    "call",
    [
        lambda lake: lake.query(5),
        lambda lake: lake.query("SELECT ?", 300),
        lambda lake: lake.query("SELECT ?", "300"),
        lambda lake: lake.kept([None]),
        lambda lake: lake.kept(5),
        lambda lake: lake.dropped(5),
        lambda lake: lake.explain(5),
        lambda lake: lake.explain(None),
        lambda _: thresher.Lake(None),
        lambda _: thresher.not_asked(None),
        lambda _: thresher.extract("<p>text</p>", url=5),
    ],
)
def test_what_has_the_wrong_type_is_named(lake, call):
    with pytest.raises(thresher.InputError, match=r"not (int|str|NoneType)|of type|no table"):
        call(lake)


def test_a_reason_of_records_that_are_no_documents_is_found_elsewhere(lake):
    with pytest.raises(thresher.ConfigError, match="quarantine"):
        lake.dropped("wrong_language")
