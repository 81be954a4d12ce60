"""Memory must not grow with the file. The child that reads reports its own peak."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

pytestmark = pytest.mark.slow

READ = """
import resource, sys
from thresher.pipeline.read import InputSettings, list_inputs, read_shard
settings = InputSettings(urls=[sys.argv[1]])
(shard,) = list_inputs(settings, "")
def peak():
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
before = peak()
count = sum(1 for _ in read_shard(shard, settings))
print(count, peak() - before)
"""
ALLOWED = 120 << 20
RECORD = b"".join(
    (
        b"WARC/1.0\r\nWARC-Type: response\r\nContent-Type: application/http\r\n",
        b"Content-Length: 100045\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n",
        b"x" * 100_000,
        b"\r\n\r\n",
    )
)


def read_in_child(path):
    run = subprocess.run(
        [sys.executable, "-c", READ, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    count, grown = map(int, run.stdout.split())
    return count, grown


def json_rows(count, size):
    row = json.dumps({"text": "word " * (size // 5)}).encode() + b"\n"
    return (row for _ in range(count))


def test_json_lines(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    with gzip.open(path, "wb", 1) as file:
        for row in json_rows(2000, 100_000):
            file.write(row)
    count, grown = read_in_child(path)
    assert count == 2000
    assert grown < ALLOWED


def test_archive(tmp_path):
    path = tmp_path / "a.warc"
    with path.open("wb") as file:
        for _ in range(2000):
            file.write(RECORD)
    count, grown = read_in_child(path)
    assert count == 2000
    assert grown < ALLOWED


def test_parquet_in_one_row_group(tmp_path):
    path = tmp_path / "a.parquet"
    schema = pa.schema([("text", pa.string())])
    with pq.ParquetWriter(path, schema, use_dictionary=False, write_statistics=False) as writer:
        rows = [f"{i} " * 20_000 for i in range(2000)]
        writer.write_table(pa.table({"text": rows}, schema=schema), row_group_size=2000)
    count, grown = read_in_child(path)
    assert count == 2000
    assert grown < 3 * ALLOWED


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
@pytest.mark.parametrize("name", ["bomb.warc", "bomb.jsonl"])
def test_a_bomb_costs_time_not_memory(tmp_path, compress, name):
    head = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 600000000\r\n\r\n"
    bomb = head if name.endswith(".warc") else b""
    path = tmp_path / name
    block = bytes(100 << 20)
    path.write_bytes(compress(bomb + block * 6))
    count, grown = read_in_child(path)
    assert count in (1, 2)
    assert grown < 2 * ALLOWED
