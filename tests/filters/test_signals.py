from __future__ import annotations

import re

import pyarrow as pa
import pytest

from filters import phrases
from filters.kernels import columns
from filters.signals import FAMILIES, KERNEL_FAMILIES, family, family_type, names, signal


def test_every_signal_is_named_and_documented():
    assert len(set(names())) == len(names())
    for each in FAMILIES:
        assert each.summary.endswith(".")
        assert each.version >= 1
        for one in each.signals:
            assert re.fullmatch(rf"{each.name}\.[a-z0-9_]+", one.name)
            assert one.meaning.endswith(".")
            assert one.null_when
            assert one.unit
            assert one.source
            assert (one.range is None) == (one.type in ("bool", "string"))


def test_the_columns_of_the_kernels_are_the_signals_in_order():
    expected = [
        one.name.replace(".", "_").upper() for each in KERNEL_FAMILIES for one in each.signals
    ]
    constants = {name: value for name, value in vars(columns).items() if name.isupper()}
    assert constants.pop("COLUMNS") == len(expected)
    assert sorted(constants, key=constants.__getitem__) == expected


def test_families_have_arrow_types():
    assert family_type("language") == pa.struct(
        {"code": pa.string(), "score": pa.float64(), "mixed_share": pa.float64()}
    )
    assert family_type("length").field("words").type == pa.int64()
    assert family("c4").signals[4].type == "bool"
    assert signal("quality.score").range == (0, 1)
    for lookup in (signal, family, family_type):
        with pytest.raises(KeyError):
            lookup("nonsense")


@pytest.mark.parametrize("name", ["ASSISTANT", "STOCK", "CONSENT", "ACCESS"])
def test_phrases_are_plain_words_and_none_lies_within_another(name):
    listed = getattr(phrases, name)
    plain = [phrase.replace("'", "") for phrase in listed]
    assert len(set(plain)) == len(plain)
    for phrase in plain:
        assert re.fullmatch(r"[a-z0-9]+( [a-z0-9]+)*", phrase)
    inside = [(a, b) for a in plain for b in plain if a != b and f" {a} " in f" {b} "]
    assert inside == []


def test_no_phrase_is_in_two_lists():
    lists = [phrases.ASSISTANT, phrases.STOCK, phrases.CONSENT, phrases.ACCESS]
    assert len({phrase for each in lists for phrase in each}) == sum(map(len, lists))
