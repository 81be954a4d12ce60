"""Verdicts of the shipped policies beside datatrove's own filters, on real documents."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pyarrow as pa
import pytest
import verdicts

from thresher.filters.measure import measure

AGREEMENT = 0.995
"""Of all documents; `tests/benchmarks/agreement.py` names each that differs, with its cause."""

Stored = dict[str, dict[str, str]]


@pytest.fixture(scope="module", params=["composed", "real"])
def documents(request) -> dict[str, list[tuple[str, str]]]:
    if request.param == "composed":
        return {verdicts.COMPOSED: list(verdicts.read(None, verdicts.COMPOSED))}
    folder = request.getfixturevalue("real_data")
    return {source: list(verdicts.read(folder, source)) for source in verdicts.SOURCES}


@pytest.fixture(scope="module")
def stored(documents) -> Stored:
    found = json.loads(Path(__file__).with_name("datatrove_verdicts.json").read_text())
    assert found["filters"] == list(verdicts.FILTERS)
    for source, rows in documents.items():
        if verdicts.digest(rows) != found["texts"][source]:
            assert source != verdicts.COMPOSED, "run agreement.py --pack again"
            pytest.skip(f"{source} is not what was judged: run agreement.py --pack again")
    return found


@pytest.fixture(scope="module")
def measured(documents) -> pa.RecordBatch:
    texts = [text for rows in documents.values() for _, text in rows]
    return measure(pa.array(texts, pa.large_string()), None)


@pytest.mark.parametrize("name", list(verdicts.FILTERS))
def test_shipped_policies_give_the_verdicts_of_datatrove(documents, stored, measured, name):
    ids = [document for rows in documents.values() for document, _ in rows]
    peer = [
        drop for source in documents for drop in verdicts.unpack(stored["verdicts"][source], name)
    ]
    ours = [bool(reasons) for reasons in verdicts.judge(measured, verdicts.rules(name))]
    different = [document for document, a, b in zip(ids, ours, peer, strict=True) if a != b]
    assert len(different) <= (1 - AGREEMENT) * len(ids), different[:20]
    assert 100 < sum(peer) < len(peer) - 100


def test_every_rule_of_the_policies_stands_for_a_rule_of_datatrove():
    for name in verdicts.FILTERS:
        reasons = {rule.reason for rule in verdicts.rules(name).rules}
        assert reasons
        assert reasons <= set(verdicts.REASONS.values())


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")  # of spaCy, numpy and datatrove
def test_stored_verdicts_are_those_of_the_installed_datatrove(documents, stored):
    pytest.importorskip("spacy", reason="datatrove splits words with spaCy")
    from datatrove.data import Document
    from datatrove.pipeline import filters as peers

    filters = {
        "repetition": peers.GopherRepetitionFilter(),
        "quality": peers.GopherQualityFilter(),
        "c4": peers.C4QualityFilter(),
        "c4_any_end": peers.C4QualityFilter(filter_no_terminal_punct=False),
        "fineweb": peers.FineWebQualityFilter(),
    }
    for source, rows in documents.items():
        digits = stored["verdicts"][source]
        of_ours = source == verdicts.COMPOSED
        for k in range(len(rows)) if of_ours else random.Random(1).sample(range(len(rows)), 20):
            for name, peer in filters.items():
                dropped = peer.filter(Document(text=rows[k][1], id=rows[k][0])) is not True
                assert dropped == verdicts.unpack(digits[k], name)[0], (name, rows[k][0])
