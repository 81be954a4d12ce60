from __future__ import annotations

import json

import pytest

from thresher.classifiers.inputs import domain_of, read_inputs
from thresher.classifiers.settings import InputSettings
from thresher.filters.errors import ConfigError, InputError

RECORDS = [
    {"id": f"r{i}", "text": f"text {i}", "kind": "ab"[i % 2], "url": f"https://www.s{i % 3}.co.uk/"}
    for i in range(200)
]


def take(tmp_path, records=RECORDS, lakes=None, **settings):
    path = tmp_path / "some.part.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    texts = []
    given = InputSettings(**({"files": (str(path),)} | settings))
    sources = read_inputs((given,), "train: positives", lakes, texts.append)
    return texts, sources


def test_all_of_a_file(tmp_path):
    texts, sources = take(tmp_path, licence="CC0")
    assert [text.text.decode() for text in texts] == [record["text"] for record in RECORDS]
    assert {text.source for text in texts} == {"some"}
    assert {text.domain for text in texts} == {"s0.co.uk", "s1.co.uk", "s2.co.uk"}
    assert (sources[0].documents, sources[0].licence) == (200, "CC0")


def test_which_records_count(tmp_path):
    texts, _ = take(tmp_path, keep={"kind": ("a",)}, leave_out={"id": ("r0", "r2")})
    assert [text.text for text in texts[:2]] == [b"text 4", b"text 6"]
    assert len(texts) == 98


def test_sources_by_field_and_pattern(tmp_path):
    fields = ("kind", "nothing")
    records = [record | {"nothing": None} for record in RECORDS]
    texts, _ = take(tmp_path, records, source_fields=fields, held_out=("b*",), domain_field="kind")
    assert {(t.source, t.domain, t.held_out) for t in texts} == {
        ("a", "a", False),
        ("b", "b", True),
    }


def test_a_fraction_is_the_same_records_in_any_order_and_grows(tmp_path):
    few = {text.text for text in take(tmp_path, fraction=0.2)[0]}
    again = {text.text for text in take(tmp_path, RECORDS[::-1], fraction=0.2)[0]}
    more = {text.text for text in take(tmp_path, fraction=0.5)[0]}
    assert few == again < more
    assert 20 < len(few) < 60
    assert 75 < len(more) < 125


@pytest.mark.parametrize(
    ("record", "settings", "said"),
    [
        ({"text": 7}, {}, "'text' is not text but int"),
        ({"text": "a", "kind": 7}, {"keep": {"kind": ("a",)}}, "'kind' is not text"),
        ({"text": "a"}, {"keep": {"kind": ("a",)}}, "no field 'kind'; its fields are text."),
        ({"text": "a", "uri": ""}, {"domain_field": "urn"}, "Did you mean 'uri'"),
        ({"txt": "a"}, {}, "has no field 'text'; its fields are txt. Did you mean 'txt'"),
    ],
)
def test_a_wrong_field_is_named(tmp_path, record, settings, said):
    with pytest.raises(InputError) as caught:
        take(tmp_path, [record], allow_unusable=0, **settings)
    text = str(caught.value)
    assert text.startswith("train: positives[0]: 1 of 1 records cannot be used, and allow_unusable")
    assert f"{tmp_path}/some.part.jsonl:1: " in text
    assert said in text


def test_what_cannot_be_used_is_left_out_and_counted_by_file(tmp_path):
    records = [*RECORDS[:100], {"text": "a\0b"}, *RECORDS[100:], {"url": "x"}]
    texts, (source,) = take(tmp_path, records)
    assert len(texts) == source.documents == 200
    assert source.unusable == 2
    assert source.first_unusable == f"{tmp_path}/some.part.jsonl:101: 'text' holds a NUL."
    with pytest.raises(InputError, match="2 of 202 records cannot be used"):
        take(tmp_path, records, allow_unusable=0.005)


def test_the_bound_is_of_all_files_of_an_input(tmp_path):
    for number in range(200):
        (tmp_path / f"{number:03}.txt").write_bytes(b"a\0" if number in (3, 4) else b"fine")
    given = InputSettings(files=(str(tmp_path),))
    sources = read_inputs((given,), "train: positives", None, lambda _: None)
    assert [source.unusable for source in sources] == [int(n in (3, 4)) for n in range(200)]
    shown = read_inputs(
        (InputSettings(files=(".",)),), "train: positives", None, lambda _: None, str(tmp_path)
    )
    assert shown[3].first_unusable == "003.txt: holds a NUL byte."
    (tmp_path / "005.txt").write_bytes(b"a\0")
    said = r"3 of 200 records cannot be used, .*003\.txt: holds a NUL"
    with pytest.raises(InputError, match=said):
        read_inputs((given,), "train: positives", None, lambda _: None)


def test_a_lake_is_read_by_who_knows_lakes(tmp_path):
    asked = []

    def lakes(settings, where):
        asked.append((settings.sql, where))
        yield from RECORDS[:3]

    texts, sources = take(tmp_path, files=(), lake="out/lake", sql="SELECT 1", lakes=lakes)
    assert len(texts) == sources[0].documents == 3
    assert asked == [("SELECT 1", "train: positives[0]")]
    assert sources[0].url == "out/lake: SELECT 1"
    bad = [*RECORDS[:3], {"id": "x", "txt": "a"}]
    found, (source,) = take(
        tmp_path, files=(), lake="out/lake", sql="SELECT 1", lakes=lambda *_: iter(bad)
    )
    assert (len(found), source.documents, source.unusable) == (3, 3, 1)
    assert source.first_unusable.startswith("row 4: has no field 'text'; its fields are id, txt.")
    assert source.sha256 == sources[0].sha256
    again = take(tmp_path, files=(), lake="out/lake", sql="SELECT 1", lakes=lakes)[1]
    assert again == sources
    with pytest.raises(InputError, match="the SQL gives no rows"):
        take(tmp_path, files=(), lake="out/lake", lakes=lambda *_: iter(()))
    with pytest.raises(ConfigError, match="lake: cannot be read from here"):
        take(tmp_path, files=(), lake="out/lake")


@pytest.mark.parametrize(
    ("value", "domain"),
    [
        ("https://a.b.example.co.uk/x?y", "example.co.uk"),
        ("http://localhost:8000/x", "localhost"),
        ("http://[::1/x", "http://[::1/x"),
        ("book one", "book one"),
        ("", ""),
    ],
)
def test_domains(value, domain):
    assert domain_of(value) == domain
