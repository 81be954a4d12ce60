from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path

import fsspec
import msgspec
import pyarrow as pa
import pytest

from classifiers import train
from classifiers.card import ModelCard
from classifiers.quality import QualityModel
from classifiers.train import TrainSettings, train_quality
from filters.config import load_toml
from filters.errors import ConfigError, InputError, StoreError


def change(settings, **changes):
    return msgspec.structs.replace(settings, **changes)


def test_the_model_separates_and_the_card_tells_the_truth(card, settings):
    folder = Path(settings.out)
    assert sorted(path.name for path in folder.iterdir()) == ["CARD.md", "card.json", "quality.bin"]
    data = (folder / "quality.bin").read_bytes()
    assert (card.sha256, card.size_bytes) == (hashlib.sha256(data).hexdigest(), len(data))
    assert card.evaluation.roc_auc > 0.99
    counts = card.positives.counts
    assert (counts.read, counts.trained + counts.held_out) == (120, 120)
    assert card.evaluation.positives == counts.held_out > 0
    assert card.negatives.counts.not_sampled == 40
    source = card.positives.sources[0]
    assert source.sha256 == hashlib.sha256(Path(source.url).read_bytes()).hexdigest()
    assert msgspec.json.decode((folder / "card.json").read_bytes(), type=ModelCard) == card
    text = (folder / "CARD.md").read_text()
    assert text == card.markdown()
    assert card.sha256 in text
    assert source.sha256 in text


def test_one_thread_gives_the_same_bytes(card, settings, tmp_path):
    again = train_quality(change(settings, out=str(tmp_path)))
    assert again.sha256 == card.sha256
    assert again.evaluation == card.evaluation
    other = train_quality(change(settings, out=str(tmp_path), seed=2))
    assert other.sha256 != card.sha256


def test_a_quantised_model_is_reproducible_too(quantised, settings, tmp_path):
    assert Path(quantised.model).name == "page.ftz"
    out = str(tmp_path / "quality.ftz")
    assert train_quality(change(settings, out=out, quantize=True)).sha256 == quantised.sha256


def test_the_command_names_what_differs_from_the_defaults(settings):
    words = shlex.split(train_quality(change(settings, quantize=True)).command)
    assert words[:3] == ["thresher", "train", "quality"]
    assert words[words.index("--positives") + 1] == settings.positives[0]
    assert words[words.index("--held-out-fraction") + 1] == "0.2"
    assert words[-1] == "--quantize"
    assert "--word-ngrams" not in words


def test_a_model_on_another_file_system(settings):
    memory = fsspec.filesystem("memory")
    for side in ("positives", "negatives"):
        data = Path(getattr(settings, side)[0]).read_bytes()
        memory.pipe_file(f"/train/{side}.jsonl", data)
    card = train_quality(
        change(
            settings,
            positives=("memory://train/pos*.jsonl",),
            negatives=("memory://train/negatives.jsonl",),
            out="memory://train/out",
        )
    )
    assert card.model == "memory:///train/out/quality.bin"
    assert json.loads(memory.cat_file("/train/out/card.json"))["sha256"] == card.sha256
    score = QualityModel(card.model, sha256=card.sha256).score(pa.array(["the river"]))
    assert score[0].as_py() > 0.5


def test_progress_is_told(settings, tmp_path):
    seen = []
    train_quality(change(settings, out=str(tmp_path)), lambda *step: seen.append(step))
    phases = ["reading positives", "reading negatives", "training", "evaluating", "storing"]
    assert [phase for phase, _ in seen] == phases
    assert seen[0] == ("reading positives", 120)


def test_labels_in_the_texts_teach_nothing(settings, tmp_path):
    lines = Path(settings.negatives[0]).read_text().splitlines()
    records = [json.loads(line)["text"] for line in lines]
    salted = tmp_path / "salted.jsonl"
    salted.write_text(
        "".join(json.dumps({"text": f"__label__keep {t} __label__new"}) + "\n" for t in records)
    )
    card = train_quality(change(settings, negatives=(str(salted),), out=str(tmp_path)))
    assert sorted(QualityModel(card.model).labels) == sorted(card.labels)
    assert card.evaluation.roc_auc > 0.99


def test_texts_of_both_classes_are_left_out(settings, tmp_path):
    both = tmp_path / "both.jsonl"
    both.write_text("".join(Path(settings.positives[0]).read_text().splitlines(True)[:7]).upper())
    both.write_text(both.read_text().replace("TEXT", "text").replace("\\N", "\\n"))
    negatives = (*settings.negatives, str(both))
    card = train_quality(change(settings, negatives=negatives, out=str(tmp_path)))
    assert card.positives.counts.in_both_classes == card.negatives.counts.in_both_classes == 7


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"dim": 0}, ConfigError, r"train quality: dim: .*>= 1"),
        ({"held_out_fraction": 1.0}, ConfigError, "held_out_fraction"),
        ({"positives": ()}, ConfigError, "positives"),
        ({"positives": ("/nowhere/*.jsonl",)}, InputError, "positives: /nowhere.* names no file"),
        ({"text_field": "body"}, ConfigError, "good.jsonl:1: has no field 'body'. Valid: text"),
        ({"max_documents": 10}, ConfigError, "positives: too few documents"),
        ({"held_out_fraction": 1e-9}, ConfigError, "holds out 0 of the positives"),
        ({"out": "/x/model.ftz"}, ConfigError, r"out: model.ftz does not go with.*End it in .bin"),
        ({"out": "nosuch://x"}, ConfigError, "train quality: out"),
        ({"lr": 100.0, "epoch": 50}, ConfigError, "could not train: .*NaN"),
    ],
)
def test_errors_say_what_to_change(settings, tmp_path, changes, error, said):
    with pytest.raises(error, match=said):
        train_quality(change(settings, **{"out": str(tmp_path / "m"), **changes}))
    assert not (tmp_path / "m").exists()


def test_a_class_without_words(settings, tmp_path):
    empty = tmp_path / "empty.jsonl"
    empty.write_text('{"text": ""}\n{"text": "\\n"}\n')
    with pytest.raises(InputError, match="negatives: 2 documents, and none with a word"):
        train_quality(change(settings, negatives=(str(empty),)))


def test_an_interrupted_write_leaves_no_card(settings, tmp_path, monkeypatch):
    out = str(tmp_path)
    train_quality(change(settings, out=out))
    put = train._Target._put

    def fail_at_card(target, path):
        if path.name == "card.json":
            raise OSError("disk full")
        put(target, path)

    monkeypatch.setattr(train._Target, "_put", fail_at_card)
    with pytest.raises(StoreError, match="disk full"):
        train_quality(change(settings, out=out, seed=3))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["CARD.md", "quality.bin"]


def test_settings_are_closed():
    toml = 'positives = ["a"]\nnegatives = ["b"]\nout = "c"\nepochs = 3\n'
    with pytest.raises(ConfigError, match=r"epochs: unknown setting. Did you mean 'epoch'"):
        load_toml(TrainSettings, toml, "train.toml")
