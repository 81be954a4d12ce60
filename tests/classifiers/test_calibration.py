from __future__ import annotations

import builtins

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.classifiers.calibration import Calibration, Isotonic, Platt, fit
from thresher.filters.errors import ConfigError

SCORES = st.lists(st.floats(0, 1), min_size=25, max_size=120)


def overlapping(seed=0, size=20_000):
    """Scores whose true probability is known: of a score s, the share s^2 is positive."""
    draw = np.random.default_rng(seed)
    scores = draw.random(size)
    hits = draw.random(size) < scores**2
    return scores[hits], scores[~hits], float(hits.mean())


@pytest.mark.parametrize(("method", "bound"), [("isotonic", 0.06), ("platt", 0.12)])
def test_the_probability_is_the_share_of_positives(method, bound):
    positives, negatives, share = overlapping()
    found = fit(positives, negatives, method, positive_share=share)
    raw = np.linspace(0.05, 0.95, 19)
    assert np.abs(found.apply(raw) - raw**2).max() < bound


def test_a_rarer_class_is_less_probable():
    positives, negatives, _ = overlapping()
    raw = np.linspace(0.1, 0.9, 9)
    for method in ("isotonic", "platt"):
        even = fit(positives, negatives, method).apply(raw)
        rare = fit(positives, negatives, method, positive_share=0.05).apply(raw)
        assert (rare < even).all()


@settings(max_examples=40, deadline=None)
@given(low=SCORES, high=SCORES, method=st.sampled_from(["isotonic", "platt"]))
def test_the_map_rises_strictly_and_stays_inside(low, high, method):
    try:
        found = fit(high, low, method)
    except ConfigError:
        return  # the scores fall with the class; see test_what_cannot_be_calibrated
    raw = np.linspace(1e-4, 1 - 1e-4, 400)
    values = found.apply(raw)
    assert ((values > 0) & (values < 1)).all()
    assert (np.diff(values) >= 0).all()
    if isinstance(found, Isotonic):
        assert (np.diff(values) > 0).all()
    ends = found.apply(np.array([0.0, 1.0, -3.0, 7.0]))
    assert ((ends >= 0) & (ends <= 1)).all()
    stored = msgspec.json.decode(msgspec.json.encode(found), type=Calibration)
    assert np.array_equal(stored.apply(raw), values)


def test_classes_apart_are_not_certain():
    for method in ("isotonic", "platt"):
        found = fit([0.9] * 100, [0.1] * 100, method)
        low, high = found.apply(np.array([0.1, 0.9]))
        assert 0 < low < 0.03
        assert 0.97 < high < 1


def test_a_few_clear_cases_at_the_end_lift_no_one_else():
    draw = np.random.default_rng(3)
    negatives = np.concatenate(([1e-4] * 4, draw.uniform(0.01, 0.6, 2000)))
    positives = np.concatenate(([0.999] * 4, draw.uniform(0.4, 0.99, 2000), [0.02] * 6))
    found = fit(positives, negatives)
    assert found.apply(np.array([0.3]))[0] < 0.02
    assert found.apply(np.array([0.7]))[0] > 0.98


def test_nan_stays_nan():
    assert np.isnan(Platt(1.0, 0.0).apply(np.array([np.nan]))).all()
    assert np.isnan(Isotonic((0.0, 1.0), (0.1, 0.9)).apply(np.array([np.nan]))).all()


def test_none_is_no_calibration():
    assert fit([], [], "none") is None


@pytest.mark.parametrize(
    ("positives", "negatives", "said"),
    [
        ([0.5] * 19, [0.5] * 30, "a class has 19 scores, and 20 are needed"),
        ([0.1] * 30, [0.9] * 30, "not higher than those of negatives"),
        ([0.5] * 30, [0.5] * 30, "not higher than those of negatives"),
    ],
)
@pytest.mark.parametrize("method", ["isotonic", "platt"])
def test_what_cannot_be_calibrated(positives, negatives, said, method):
    with pytest.raises(ConfigError, match=said):
        fit(positives, negatives, method)


def test_without_scikit_learn_the_error_says_what_to_install(monkeypatch):
    plain = builtins.__import__

    def refuse(name, *arguments, **named):
        if name.startswith("sklearn"):
            raise ImportError(f"No module named '{name}'")
        return plain(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ConfigError, match=r"pip install scikit-learn matplotlib"):
        fit([0.9] * 30, [0.1] * 30)


@pytest.mark.parametrize(
    "card",
    [
        '{"method":"isotonic","log_odds":[0,1],"probability":[0.9,0.1]}',
        '{"method":"isotonic","log_odds":[0,0],"probability":[0.1,0.9]}',
        '{"method":"isotonic","log_odds":[0],"probability":[0.1]}',
        '{"method":"isotonic","log_odds":[0,1],"probability":[0.1,1.5]}',
        '{"method":"platt","slope":-1,"intercept":0}',
        '{"method":"platt","slope":1e999,"intercept":0}',
        '{"method":"magic"}',
    ],
)
def test_a_damaged_calibration_is_refused(card):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(card, type=Calibration)
