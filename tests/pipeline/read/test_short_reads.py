"""Where a read ends says nothing about a file: any length of reads gives the same records.

Reads are cut short below every reader, and the pieces in which it decodes likewise, so that each
magic number, header, checksum, line end and record straddles a boundary at some length.
"""

from __future__ import annotations

import contextlib
import re

import mutations
import pytest

from thresher.pipeline import read as reading
from thresher.pipeline.read import gzip, lz4, stored

STREAMS = sorted(name for name in mutations.kinds() if name != "parquet")
FEW = (1, 2, 3, 7, 64)
MANY = range(1, 65)
SEEDS = range(40)


class Short:
    """A file whose reads give no more than so many bytes, as those of a socket may."""

    def __init__(self, file, most):
        self._file, self._most = file, most

    def read(self, size=-1):
        return self._file.read(self._most if size < 0 else min(size, self._most))

    def __getattr__(self, name):
        return getattr(self._file, name)


def in_pieces(monkeypatch, size):
    original = reading.open_input

    @contextlib.contextmanager
    def opened(uri):
        with original(uri) as file:
            yield Short(file, size)

    monkeypatch.setattr(reading, "open_input", opened)
    monkeypatch.setattr(stored, "CHUNK", size)
    monkeypatch.setattr(lz4, "CHUNK", size)
    for name in ("CHUNK", "_PIECE", "_SMALLEST_PIECE"):
        monkeypatch.setattr(gzip, name, size)


def told(outcome):
    """What must be the same, and the losses, which are estimates."""
    pages = [(page.content, page.url, page.unverified) for page in outcome.pages]
    # Where in its byte the damage of deflated data lies decides which byte is named.
    state = {**outcome.state, "why": re.sub(r"[\d,]+", "N", str(outcome.state["why"]))}
    lost = [state.pop(name) for name in ("lost_records", "lost_bytes")]
    return (pages, outcome.rejected, outcome.records, state), lost


def agrees(name, data, sizes, folder):
    whole, lost = told(mutations.read(name, data, folder))
    for size in sizes:
        with pytest.MonkeyPatch.context() as patch:
            in_pieces(patch, size)
            found, also_lost = told(mutations.read(name, data, folder))
        assert found == whole, f"in pieces of {size}"
        assert also_lost == pytest.approx(lost, rel=0.05, abs=4), f"in pieces of {size}"


@pytest.mark.parametrize("name", STREAMS)
def test_a_file_in_pieces(tmp_path, name):
    agrees(name, mutations.kinds()[name].data, FEW, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", STREAMS)
def test_a_file_in_pieces_of_every_size(tmp_path, name):
    agrees(name, mutations.kinds()[name].data, MANY, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", STREAMS)
def test_damage_in_pieces(tmp_path, name):
    valid = mutations.kinds()[name]
    for seed in SEEDS:
        agrees(name, mutations.mutate(valid, seed).data, (1 + seed % 64, 1), tmp_path)
