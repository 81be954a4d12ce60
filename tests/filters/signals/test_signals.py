from __future__ import annotations

import re

import pyarrow as pa
import pytest

from thresher.filters.junk import families as junk
from thresher.filters.junk import phrases
from thresher.filters.kernels.junk import columns as junk_columns
from thresher.filters.kernels.junk import fill as junk_fill
from thresher.filters.kernels.rules import columns
from thresher.filters.signals import FAMILIES, KERNEL_FAMILIES, family, family_type, names, signal
from thresher.filters.signals.junk import TARGETS


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
    listed = []
    for module in (columns, junk_columns):
        constants = {name: value for name, value in vars(module).items() if name.isupper()}
        assert constants.pop("COLUMNS") == len(constants)
        listed += sorted(constants, key=constants.__getitem__)
    assert listed == expected[: -len(TARGETS)]  # the model's scores are no kernel's


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


def test_a_score_has_the_name_of_its_scorer():
    assert signal("scores.mine").name == "scores.mine"
    for name in ("scores.", "scores.not a name", "mine"):
        with pytest.raises(KeyError):
            signal(name)


def listed_phrases():
    return [(kind, phrase) for kind, each in phrases.phrases().items() for phrase in each]


def test_phrases_are_of_the_kinds_of_the_kernel():
    assert {*phrases.phrases(), phrases.MODEL} == set(phrases.KINDS)
    assert len(phrases.KINDS) == junk_fill.KINDS
    for place, kind in enumerate(phrases.KINDS):
        assert getattr(junk_fill, kind.upper()) == place


def test_phrases_are_plain_words_and_each_is_of_one_kind():
    plain = [" ".join(junk.phrase_words(phrase)) for _, phrase in listed_phrases()]
    assert sorted(set(plain)) == sorted(plain)
    for _, phrase in listed_phrases():
        written = phrase.replace("'", "").replace("[ ", "[")
        assert "".join(junk.phrase_words(phrase)) == written.replace(" ", "")
        assert phrase == phrase.lower()


def test_few_phrases_hold_a_number():
    """A number that some phrase holds is no `#` in any other."""
    held = {word for _, phrase in listed_phrases() for word in junk.phrase_words(phrase)}
    assert {word for word in held if word.isdigit()} == {"403", "404"}


@pytest.mark.parametrize("kind", [kind for kind in phrases.KINDS if kind != phrases.MODEL])
def test_no_phrase_lies_within_another_of_its_kind(kind):
    plain = [" ".join(junk.phrase_words(phrase)) for phrase in phrases.phrases()[kind]]
    inside = [(a, b) for a in plain for b in plain if a != b and f" {a} " in f" {b} "]
    assert inside == []
