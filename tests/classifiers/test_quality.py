from __future__ import annotations

import pyarrow as pa
import pytest

from thresher.classifiers.quality import QualityModel
from thresher.filters.errors import ModelError


@pytest.mark.parametrize("which", ["card", "quantised"])
def test_scores(request, which):
    card = request.getfixturevalue(which)
    model = QualityModel(card.model, sha256=card.sha256)
    texts = pa.array(["the river carries silt", "buy cheap\npills now", "", None])
    keep, drop, *others = model.score(texts).to_pylist()
    assert keep > 0.9
    assert drop < 0.1
    assert others == [None, None]
    assert model.score(texts).type == pa.float64()


def test_the_label_decides_what_the_score_means(card):
    texts = pa.array(["the river carries silt"])
    drop = QualityModel(card.model, positive_label="__label__drop").raw(texts)[0].as_py()
    keep = QualityModel(card.model).raw(texts)[0].as_py()
    assert keep + drop == pytest.approx(1, abs=1e-4)


def test_a_missing_label_names_those_there_are(card):
    with pytest.raises(ModelError, match=r"no label __label__hq.*__label__(keep|drop)"):
        QualityModel(card.model, positive_label="__label__hq")


def test_the_cap_is_a_setting(card):
    model = QualityModel(card.model, max_characters=9)
    first, second = model.score(pa.array(["the river", "the river buy cheap"])).to_pylist()
    assert first == second
