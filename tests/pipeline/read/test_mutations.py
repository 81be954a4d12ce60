"""Every reader under damage: 10,000 mutations, each with its deadline, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import mutations
import pytest

KINDS = sorted(mutations.kinds())
ALL = 10_000
"""Mutations of the slow suite; other seeds than those of the quick one."""


def in_child(folder, seed, count, *names):
    command = [sys.executable, mutations.__file__, "--folder", str(folder)]
    command += ["--seed", str(seed), "--count", str(count)]
    command += [argument for name in names for argument in ("--file", name)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)


def test_a_few_of_each_kind(tmp_path):
    done = in_child(tmp_path, 0, 25)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["warc", "wet", "arc", "jsonl", "parquet"])
def test_ten_thousand(tmp_path, kind):
    # A child that hangs, dies or takes too much memory ends with the seed on stderr.
    names = [name for name in KINDS if name.partition(".")[0] == kind]
    done = in_child(tmp_path, 1_000_000, -(-ALL // len(KINDS)), *names)
    last = done.stderr.strip().rpartition("\n")[2]
    assert done.returncode == 0, f"{done.stdout}\nthe last was {last} ({done.returncode})"


def test_a_seed_makes_the_same_mutation_again():
    for name in KINDS:
        valid = mutations.kinds()[name]
        assert mutations.mutate(valid, 5) == mutations.mutate(valid, 5)


@pytest.fixture
def one():
    """A file of one kind, a mutation in its middle and what is read of the valid file."""
    valid = mutations.kinds()["jsonl.rows.gz"]
    at = valid.members[10] + 20
    data = valid.data[:at] + b"\xff" + valid.data[at + 1 :]
    return valid, mutations.Mutation("flip", data, at)


def test_the_harness_notices(one, tmp_path):
    valid, mutation = one
    right = mutations.read(valid.name, mutation.data, tmp_path)
    assert not mutations.check(valid, mutation, right)
    assert right.state["status"] == "damaged"

    def wrong(**changes):
        outcome = mutations.read(valid.name, mutation.data, tmp_path)
        for key, value in changes.items():
            target = outcome.state if key in outcome.state else outcome.__dict__
            target[key] = value
        return " ".join(mutations.check(valid, mutation, outcome))

    assert "before the damage" in wrong(pages=right.pages[1:])
    assert "complete, and" in wrong(status="complete")
    assert "nothing is counted" in wrong(lost_records=0)
    assert "no reason" in wrong(why="")
    assert "none of the file's" in wrong(
        pages=[*right.pages, mutations.Page("", "", "", "garbage", False, "")]
    )
    padded = mutations.Mutation("b'\\0'... at the end", valid.data + b"\0", len(valid.data))
    assert "padding" in " ".join(mutations.check(valid, padded, right))
