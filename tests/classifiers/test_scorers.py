"""What becomes of texts that a scorer fails on."""

from __future__ import annotations

import decimal
import math

import numpy as np
import pytest

from thresher.classifiers import scorers
from thresher.classifiers.scorers import Scorer, ScorerSettings, Unscored, scores_of
from thresher.filters.tolerance import tolerated


@pytest.fixture
def scored(monkeypatch):
    """Scores texts by a function, and notes the batches that it is shown."""

    def by(function, texts, is_passing=lambda _: False, **settings):
        batches = []

        def noting(batch):
            batches.append(list(batch))
            return function(batch)

        monkeypatch.setattr(scorers, "_loaded", lambda _: noting)
        chosen = ScorerSettings(name="mine", meaning="Mine.", callable="a:b", **settings)
        return scores_of(Scorer(chosen, None, ""), texts, is_passing), batches

    return by


def lengths(texts):
    return [len(text) for text in texts]


def refuses_b(texts):
    if "b" in texts:
        raise ValueError("no b")
    return lengths(texts)


def problem(answer):
    assert isinstance(answer, Unscored)
    return answer.problem


def test_a_batch_that_fails_is_asked_text_by_text(scored):
    texts = ["a", "b", " ", "cc", "ddd", "eeee"]
    found, batches = scored(refuses_b, texts, batch_texts=3)
    assert problem(found[1]) == "ValueError: no b"
    assert [each for each in found if not isinstance(each, Unscored)] == [1, None, 2, 3, 4]
    assert batches == [["a", "b", "cc"], ["a"], ["b"], ["cc"], ["ddd", "eeee"]]


def test_a_text_that_stands_alone_is_asked_once(scored):
    found, batches = scored(refuses_b, ["b"])
    assert problem(found[0]) == "ValueError: no b"
    assert batches == [["b"]]


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda texts: lengths(texts)[1:], "gave 0 scores for 1 text"),
        (lambda texts: [*lengths(texts), 1, 2], "gave 3 scores for 1 text"),
        (lambda _: 3.5, "TypeError: 'float' object is not iterable"),
        (lambda _: None, "TypeError: 'NoneType' object is not iterable"),
    ],
)
def test_another_number_of_scores(scored, function, said):
    found, batches = scored(function, ["a", "b"])
    assert [problem(each) for each in found] == [said, said]
    assert len(batches) == 3


def test_too_few_scores_for_some_texts_spare_the_others(scored):
    found, _ = scored(lambda texts: [len(text) for text in texts if text != "b"], ["a", "b", "cc"])
    assert found[::2] == [1, 2]
    assert problem(found[1]) == "gave 0 scores for 1 text"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (math.nan, "gave nan, which is no score; None is, where there is none"),
        (-math.inf, "gave -inf, which is no score"),
        ("0.5", "gave a value of type str, which is no score"),
        (b"1", "gave a value of type bytes, which is no score"),
        ([1.0], "gave a value of type list, which is no score"),
        (10**400, "gave a value of type int, which is no score"),
        (2.0, "gave 2.0, outside [0, 1]"),
    ],
)
def test_a_value_that_is_no_score_spares_its_batch(scored, value, said):
    found, batches = scored(lambda _: [value, 0.5, None], ["a", "b", "c"], range=(0.0, 1.0))
    assert problem(found[0]).startswith(said)
    assert found[1:] == [0.5, None]
    assert len(batches) == 1


def test_what_counts_as_a_number(scored):
    values = [np.float32(0.5), True, 0, decimal.Decimal("0.25"), np.bool_(False), -0.0]
    found, _ = scored(lambda _: values, ["x"] * 6)
    assert found == [0.5, 1.0, 0.0, 0.25, 0.0, 0.0]
    assert all(type(each) is float for each in found)
    assert math.copysign(1, found[-1]) == 1
    assert scored(lambda texts: np.ones(len(texts)), ["x"] * 2)[0] == [1.0, 1.0]


class MuteError(Exception):
    def __str__(self):
        raise RuntimeError("cannot even say it")


def test_an_exception_that_cannot_speak_and_one_that_speaks_at_length(scored):
    def mute(_):
        raise MuteError

    def long(_):
        raise ValueError("line\n" * 100_000)

    assert "MuteError: <exception str() failed>" in problem(scored(mute, ["a"])[0][0])
    said = problem(scored(long, ["a"])[0][0])
    assert "\n" not in said
    assert len(said) <= 10_000


def test_what_is_of_no_text_is_raised(scored):
    def broken(_):
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        scored(broken, ["a"], is_passing=lambda error: isinstance(error, ConnectionError))

    def stopped(_):
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as signal:
            raise RuntimeError("a library made this of it") from signal

    with pytest.raises(RuntimeError):
        scored(stopped, ["a", "b"])


def test_what_a_scorer_does_to_its_list_stays_there(scored):
    def empties(texts):
        texts.clear()
        raise ValueError("empty")

    found, batches = scored(empties, ["a", "b"])
    assert len(found) == 2
    assert batches == [["a", "b"], ["a"], ["b"]]


@pytest.mark.parametrize(
    ("share", "of", "most"),
    [(0, 1000, 0), (0.01, 5, 1), (0.01, 199, 1), (0.01, 200, 2), (0.29, 100, 29), (1, 7, 7)],
)
def test_what_is_tolerated(share, of, most):
    assert tolerated(share, of) == most
