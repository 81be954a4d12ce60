"""A run from its inputs to what trainers get: places, keys, dates and further fields."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from small_runs import changed, run

import thresher
from thresher.filters.errors import ConfigError
from thresher.jobs.plan import make_plan
from thresher.jobs.recipe import recipe_of
from thresher.jobs.sample.page import text_of
from thresher.manifests.row_ids import ROW_ID

CAPTURES = {
    "arc": ["2020-12-31T00:00:00Z", "20200115000000", "Wed, 01 Jan 2020 00:00:00 GMT"],
    "zones": ["2020-01-15T23:00:00-05:00", "2020-01-16T03:00:00+01:00", "20200115"],
    "mail": ["Sat, 02 May 2020 10:00:00 GMT", "Fri, 03 Apr 2020 10:00:00 GMT"],
    "epoch": [1609459200, 1577836800000, "2019-12-31"],
    "none": ["2001", "soon", None],
}
"""Dates of the captures of some pages, the newest first."""

COLUMNS = ["licence", "meta.rank", "extra.title", "date_utc", "origin.offset", "row_id"]
COLUMNS += ["quality.raw", "length.words", "scores.thousands"]
FILES = ("a.jsonl.gz", "b.jsonl", "c.parquet")
SCORES = "def length(texts):\n    return [len(text) / 1000 for text in texts]\n"
POLICY = """
name = "captures"
version = 1
[duplicates]
drop = ["url", "exact"]
"""


def rows_of() -> list[dict]:
    rows = []
    for place, (name, dates) in enumerate(CAPTURES.items()):
        for number, date in enumerate(dates):
            text = text_of("town", 5, index=10 * place + number).body
            rows.append({"url": f"https://a.example/{name}", "date": date, "text": text})
    for n in range(6):
        text = text_of("news", 6, index=n).body
        rows.append({"url": f"https://b.example/{n}", "date": "2020-02-02", "text": text})
    for n, row in enumerate(rows):
        row["id"] = str(n)
        row["licence"] = f"licence {n}" if n % 2 else None
        row["meta"] = {"rank": n, "tags": ["x", str(n)]}
        row["title"] = f"title {n}"
    return rows


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    folder = tmp_path_factory.mktemp("provenance")
    rows = rows_of()
    third = [*rows[0::3], rows[3]]  # the same record twice in one file
    with gzip.open(folder / "a.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in third)
    plain = [*rows[1:19:3], rows[18], rows[19]]  # and one in two, at the same place
    (folder / "b.jsonl").write_text("".join(json.dumps(row) + "\n" for row in plain), "utf-8")
    columns = {name: [row[name] for row in rows[2::3]] for name in rows[0]}
    columns["date"] = [None if date is None else str(date) for date in columns["date"]]
    pq.write_table(pa.table(columns), folder / "c.parquet", row_group_size=3)
    (folder / "policy.toml").write_text(POLICY, "utf-8")
    (folder / "scores.py").write_text(SCORES, "utf-8")
    urls = [str(folder / name) for name in FILES]
    scores = {
        "name": "thousands",
        "callable": f"{folder / 'scores.py'}:length",
        "meaning": "Length.",
    }
    return {
        "name": "provenance",
        "lake": str(folder / "lake"),
        "input": {"urls": urls, "keep": ["licence", "meta.*", "title"]},
        "scores": [scores],
        "judge": {"policy": str(folder / "policy.toml")},
        "curated": {"columns": COLUMNS, "validation_fraction": 0.2},
        "run": {"executor": "in-process"},
    }


@pytest.fixture(scope="module")
def lake(recipe):
    _, record = run(recipe)
    assert record.status == "complete"
    return thresher.Lake(recipe["lake"])


def asked(lake, sql):
    return lake.query(sql).fetchall()


def test_a_document_is_read_back_from_where_it_lies(lake, recipe):
    folder = Path(recipe["lake"]).parent
    found = asked(lake, "SELECT source, text, origin FROM documents")
    assert len(found) == len(rows_of()) + 2
    for source, text, origin in found:
        path = folder / source
        if path.suffix == ".parquet":
            group = pq.ParquetFile(path).read_row_group(origin["row_group"])
            assert group["text"][origin["group_row"]].as_py() == text
            continue
        stored = path.read_bytes()[origin["offset"] : origin["offset"] + origin["length"]]
        decoded = gzip.decompress(stored) if path.suffix == ".gz" else stored
        line = decoded[origin["inside"] : origin["inside"] + origin["bytes"]]
        assert json.loads(line)["text"] == text
    assert len({origin["digest"] for *_, origin in found}) == len(rows_of())


def test_the_same_record_twice_has_one_id_and_two_rows(lake):
    twice = asked(lake, "SELECT record_id, count(*), count(DISTINCT id) FROM documents GROUP BY 1")
    assert sorted(row for row in twice if row[1] > 1) == [("18", 2, 1), ("3", 2, 1)]
    total = len(rows_of()) + 2
    keyed = f"(SELECT {ROW_ID} AS row_id, * FROM documents)"
    decided = f"(SELECT {ROW_ID} AS row_id, * FROM decisions)"
    assert asked(lake, f"SELECT count(*) FROM {keyed} JOIN {decided} USING (row_id)") == [(total,)]
    by_id = asked(lake, "SELECT count(*) FROM documents JOIN decisions USING (id)")
    assert by_id == [(total + 4,)]  # what not to do
    order = asked(lake, f"SELECT {ROW_ID} FROM documents ORDER BY shard, row")
    assert order == sorted(order)
    assert {len(key) for (key,) in order} == {27}
    kept = asked(lake, "SELECT record_id FROM kept WHERE record_id IN ('3', '18') ORDER BY 1")
    assert kept == [("18",), ("3",)]  # one row of each


def test_a_record_that_came_twice_is_explained_with_its_twin(lake):
    ((twin,),) = asked(lake, "SELECT DISTINCT id FROM documents WHERE record_id = '18'")
    explained = lake.explain(twin)
    assert [member["id"] for member in explained.duplicates] == [twin]
    verdicts = {explained.decision["verdict"], explained.duplicates[0]["verdict"]}
    assert verdicts == {"kept", "dropped"}
    assert explained.provenance["date_utc"] == datetime(2020, 2, 2)
    assert json.loads(explained.provenance["extra"])["title"] == "title 18"
    assert explained.provenance["origin"]["digest"].startswith("sha1:")


def test_the_newest_capture_is_kept_however_its_date_is_written(lake):
    kept = dict(asked(lake, "SELECT url, date FROM kept WHERE url LIKE '%a.example%'"))
    assert kept == {f"https://a.example/{n}": str(dates[0]) for n, dates in CAPTURES.items()}


def test_a_date_is_a_moment_beside_its_text(lake):
    dates = asked(lake, "SELECT date, date_utc, epoch_us(date_utc) FROM documents ORDER BY url, 2")
    assert {date for date, moment, _ in dates if moment is None} == {"soon", None}
    moments = {date: moment for date, moment, _ in dates}
    assert moments["1577836800000"] == datetime(2020, 1, 1)
    assert moments["2020-01-15T23:00:00-05:00"] == datetime(2020, 1, 16, 4)
    epoch = datetime(2020, 12, 31, tzinfo=UTC).timestamp() * 1_000_000
    assert ("2020-12-31T00:00:00Z", datetime(2020, 12, 31), epoch) in dates


def test_months_are_those_of_the_moments(lake):
    groups = asked(lake, "SELECT name, pages FROM diversity WHERE level = 'month'")
    counted = dict(
        asked(lake, "SELECT strftime(date_utc, '%Y-%m'), count(*) FROM documents GROUP BY 1")
    )
    assert {"2020-01", "2020-02"} <= {name for name, _ in groups}
    assert {name: counted[name] for name, _ in groups} == dict(groups)


def test_sql_asks_for_fields_that_go_along(lake):
    asked_for = "record_id, extra ->> 'licence', extra ->> 'meta.rank', extra -> 'meta.tags'"
    found = asked(lake, f"SELECT DISTINCT {asked_for} FROM documents WHERE extra IS NOT NULL")
    given = {(row["id"], row["licence"], row["id"], f'["x","{row["id"]}"]') for row in rows_of()}
    assert set(found) == given


def test_curated_shards_have_the_columns_that_are_named(lake, recipe):
    ((folder,),) = asked(lake, "SELECT curated FROM runs")
    curated = ds.dataset(Path(recipe["lake"], folder), format="parquet", exclude_invalid_files=True)
    table = curated.to_table()
    assert table.column_names[-len(COLUMNS) :] == COLUMNS
    by_id = {row["id"]: row for row in rows_of()}
    documents = {
        row[0]: row[1:]
        for row in asked(
            lake,
            f"SELECT {ROW_ID}, record_id, id, date_utc, origin.offset, quality.raw, length.words, "
            "scores.thousands FROM measured",
        )
    }
    assert table.num_rows == asked(lake, "SELECT count(*) FROM kept")[0][0]
    for row in table.to_pylist():
        record, name, *measured = documents[row["row_id"]]
        assert name == row["id"]
        mine = ["date_utc", "origin.offset", "quality.raw", "length.words", "scores.thousands"]
        assert [row[column] for column in mine] == measured
        given = by_id[record]
        assert row["licence"] == given["licence"]
        assert row["meta.rank"] == str(given["meta"]["rank"])
        assert row["extra.title"] == given["title"]
    assert table.schema.field("date_utc").type == pa.timestamp("us")
    assert table.schema.field("meta.rank").type == pa.string()


@pytest.mark.usefixtures("lake")
def test_without_names_shards_have_the_columns_they_had(recipe):
    bare = changed(recipe, curated={"columns": []})
    store, record = run(bare)
    (path, *_) = sorted(Path(store.url(), record.curated).glob("*.parquet"))
    assert pq.read_schema(path).names[-1] == "characters_removed"


@pytest.mark.parametrize(
    ("keep", "columns", "told"),
    [
        (["licnce"], [], r"input\.keep\[0\].*no field 'licnce'.*Did you mean 'licence'"),
        (["meta.*", "meta.rnk"], [], r"input\.keep\[1\].*'meta\.rnk'.*'meta\.rank'"),
        (["licence.*"], [], r"input\.keep\[0\].*no field 'licence\.\*'"),
        (["text"], [], r"input\.keep\[0\].*'text' is the text"),
        (["a*"], [], r"input\.keep\[0\].*names no field"),
        (["licence"], ["licnce"], r"curated\.columns\[0\].*'licnce'.*'licence'"),
        ([], ["url"], r"curated\.columns\[0\].*column 'url' already"),
        ([], ["date", "date"], r"curated\.columns\[1\].*'date' already"),
        ([], ["quality.rw"], r"curated\.columns\[0\].*'quality\.raw'"),
        ([], ["scores.mine"], r"curated\.columns\[0\].*'scores\.mine' is no"),
        ([], ["origin.offst"], r"curated\.columns\[0\].*'origin\.offset'"),
        ([], ["licence"], r"columns\[0\].*input\.keep"),
        (["licence"], ["extra.title"], r"columns\[0\].*'extra\.title' is no"),
    ],
)
def test_a_wrong_name_is_told_with_the_right_one(keep, columns, told, recipe):
    wrong = changed(recipe, input={"keep": keep}, curated={"columns": columns})
    with pytest.raises(ConfigError, match=told):
        make_plan(recipe_of(wrong))


def test_archives_have_no_fields_to_keep(tmp_path):
    path = tmp_path / "a.warc"
    path.write_bytes(b"WARC/1.0\r\nWARC-Type: warcinfo\r\nContent-Length: 0\r\n\r\n\r\n\r\n")
    given = {"name": "x", "lake": str(tmp_path / "lake")}
    for name in ("a.warc", "a"):
        path = path.rename(tmp_path / name)
        recipe = recipe_of({**given, "input": {"urls": [str(path)], "keep": ["licence"]}})
        with pytest.raises(ConfigError, match=r"input\.keep.*'a.*' is an archive"):
            make_plan(recipe)


def test_a_field_that_is_empty_in_the_first_rows_is_there(tmp_path):
    rows = [{"text": "t", "tags": [], "none": None, "deep": {"list": [1]}}]
    (tmp_path / "a.jsonl").write_text(json.dumps(rows[0]) + "\n")
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.parquet"):
        keep = ["tags", "none", "deep.list", "deep.*", "deep"]
        given = {"urls": [str(tmp_path / name)], "keep": keep}
        make_plan(recipe_of({"name": "x", "lake": str(tmp_path / "lake"), "input": given}))
