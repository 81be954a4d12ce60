"""Texts that differ in their numbers alone: what each reading of numbers makes of them."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pytest
from dedup_lake import deduplicate, groups_of

from thresher.filters.measure import MinHashSettings, content_hash, sign

STORY = (
    "The ferry to the island was late again and nobody on the quay knew why the captain had gone "
    "back for the mail while the tide was still running out past the old lighthouse steps where "
    "children sold oranges to the passengers who waited with their bags in the thin rain"
)


def forecast(seed):
    numbers = [(seed * 37 + day * 11) % 40 for day in range(12)]
    return " ".join(f"On day {day} it is {n} degrees warm." for day, n in enumerate(numbers))


def documents(texts, numbers):
    column = pa.array(texts)
    hashes = content_hash(column).to_pylist()
    signed = sign(column, MinHashSettings(numbers=numbers)).to_pylist()
    names = [hashlib.md5(text.encode()).hexdigest() for text in texts]
    return list(zip(names, hashes, signed, texts, strict=True))


TEXTS = [
    *(forecast(seed) for seed in (1, 2)),
    *(f"{STORY}. {STORY.upper()} twice. Seen {views} times." for views in (17, 4021)),
]


@pytest.mark.parametrize("verify", ["exact", "band", "signature"])
def test_numbers_are_read_alike_by_signature_and_by_verification(tmp_path, verify):
    for numbers, expected in (("fold", [2, 2]), ("keep", [2])):
        given = documents(TEXTS, numbers)
        folder = tmp_path / numbers
        facts, tables = deduplicate(folder, given, 2, numbers=numbers, verify=verify)
        found = sorted(len(group) for group in groups_of(tables).values())
        assert found == expected
        story = {given[2][0], given[3][0]}
        assert story in groups_of(tables).values()
        exact = {row["similarity"] for table in tables for row in table.to_pylist()} - {None}
        assert exact == {1.0} if numbers == "fold" else 0.8 < min(exact) < 1.0
        assert (facts["verified"]["exact_checks"] > 0) == (verify == "exact")


def test_verification_says_what_a_signature_of_another_reading_hides(tmp_path):
    """Signatures that fold propose two forecasts; their texts, with numbers kept, are unlike."""
    given = documents(TEXTS[:2], "fold")
    assert given[0][2] == given[1][2]
    facts, tables = deduplicate(tmp_path, given, 1, numbers="keep", verify="exact")
    assert facts["verified"]["pairs"] == 1
    assert groups_of(tables) == {}
