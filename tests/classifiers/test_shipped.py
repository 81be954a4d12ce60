"""The models that come with Thresher: small, whole, traceable, and without anyone's text."""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest

from thresher.classifiers import registry
from thresher.classifiers.card import ModelCard
from thresher.classifiers.card_text import markdown
from thresher.classifiers.quality import QualityModel
from thresher.classifiers.settings import TrainSettings
from thresher.filters.config import load_toml

FOLDER = Path(str(resources.files("thresher.classifiers"))) / "models"
NAMES = ("quality-en", "machine-text-en")

TEXTBOOK = (
    "The cell membrane separates the interior of a cell from its surroundings. It consists of two "
    "layers of lipids, in which proteins are embedded that carry substances across. Water moves "
    "through it by osmosis, from the side with the lower concentration of solutes to the other."
)
SHOP = (
    "Free shipping on all orders! Click here to add to cart and save 40% off today only. Login or "
    "sign up for our newsletter to get the best deals. Customers also bought: phone case, charger, "
    "cable. Share on Facebook. Leave a reply. Your email address will not be published."
)


def card_of(name):
    return msgspec.json.decode((FOLDER / f"{name}@1" / "card.json").read_bytes(), type=ModelCard)


@pytest.mark.parametrize("name", NAMES)
def test_a_bundle_is_whole_and_says_how_it_was_made(name):
    card = card_of(name)
    file = FOLDER / f"{name}@1" / card.model
    data = file.read_bytes()
    assert (hashlib.sha256(data).hexdigest(), len(data)) == (card.sha256, card.size_bytes)
    assert (FOLDER / f"{name}@1" / "CARD.md").read_text() == markdown(card)
    wanted = load_toml(TrainSettings, (FOLDER / f"{name}.toml").read_text(), name)
    assert card.settings == wanted
    assert card.settings.threads == 1
    found = registry.find(f"{name}@1")
    assert (found.origin, found.languages, found.text) == ("shipped", ("en",), "bare")
    sources = (*card.positives.sources, *card.negatives.sources)
    assert all(source.licence for source in sources)


def test_together_they_are_small():
    assert sum(card_of(name).size_bytes for name in NAMES) < 5_000_000


@pytest.mark.parametrize("name", NAMES)
def test_no_text_of_the_training_data_is_in_a_card(name):
    card = card_of(name)
    assert card.breakdown.mistakes == ()
    lines = (FOLDER / f"{name}@1" / "card.json").read_text().splitlines()
    longest = max(len(line) for line in lines)
    assert longest < 700
    assert not any(str(source.url).startswith("/") for source in card.positives.sources)


def test_the_figures_that_are_asked_of_the_models():
    quality = card_of("quality-en")
    assert quality.evaluation.roc_auc >= 0.95
    kept = {row.source: row for row in quality.breakdown.sources if row.positive and row.unseen}
    at_40 = -1  # where 40% of the crawl is kept
    books = [row for name, row in kept.items() if name.startswith("osbooks")]
    pages = sum(row.texts for row in books)
    assert sum(row.texts * row.kept[at_40] for row in books) / pages >= 0.97
    for name in ("wikitext2-valid", "abc-rural", "brown-cb"):
        assert kept[name].kept[at_40] >= 0.97
    machine = card_of("machine-text-en")
    assert machine.evaluation.rates[0].rate == 0.01
    assert machine.breakdown.sites.roc_auc > machine.evaluation.roc_auc


def test_scores_and_other_languages():
    model = QualityModel("quality-en@1")
    texts = pa.array([TEXTBOOK, SHOP, TEXTBOOK, "...", TEXTBOOK])
    codes = pa.array(["en", "en", "de", "en", None])
    scores = model.scores(texts, codes)
    score, raw = scores.field("score").to_pylist(), scores.field("raw").to_pylist()
    assert score[0] > 0.5 > 0.1 > score[1]
    assert raw[0] > raw[1]
    assert score[2:] == raw[2:] == [None, None, None]


def test_the_card_of_a_bundle_is_json_that_the_registry_reads():
    facts = json.loads((FOLDER / "quality-en@1" / "card.json").read_text())
    assert registry.find("quality-en@1").calibration == card_of("quality-en").calibration
    assert facts["calibration"]["method"] == "isotonic"
