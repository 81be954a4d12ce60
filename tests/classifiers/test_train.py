from __future__ import annotations

import hashlib
import json
from pathlib import Path

import fsspec
import msgspec
import pyarrow as pa
import pytest

from thresher.classifiers import target
from thresher.classifiers.bundles import CARD_JSON
from thresher.classifiers.card import ModelCard
from thresher.classifiers.card_text import markdown
from thresher.classifiers.fasttext_model import FastTextModel
from thresher.classifiers.settings import (
    CalibrationSettings,
    InputSettings,
    SearchSettings,
    TrainSettings,
)
from thresher.classifiers.train import role_of, train
from thresher.filters.config import load_toml
from thresher.filters.errors import ConfigError, InputError, StoreError

FILES = ["CARD.md", "calibration.png", "card.json"]


def change(settings, **changes):
    return msgspec.structs.replace(settings, **changes)


def with_input(settings, side, **changes):
    only = getattr(settings, side)[0]
    return change(settings, **{side: (change(only, **changes),)})


def texts_of(settings, side):
    lines = Path(getattr(settings, side)[0].files[0]).read_text().splitlines()
    return [json.loads(line)["text"] for line in lines]


def write(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return str(path)


def test_the_model_separates_and_the_card_tells_the_truth(card):
    facts = card.card
    assert sorted(path.name for path in card.folder.iterdir()) == [*FILES, "quality.bin"]
    data = Path(card.model).read_bytes()
    assert (facts.sha256, facts.size_bytes) == (hashlib.sha256(data).hexdigest(), len(data))
    assert facts.evaluation.roc_auc > 0.99
    counts = facts.positives.counts
    assert (counts.read, counts.trained + counts.tuned + counts.held_out) == (200, 200)
    assert facts.evaluation.positives == counts.held_out > 0
    assert facts.negatives.counts.not_sampled > 0
    source = facts.positives.sources[0]
    assert source.sha256 == hashlib.sha256(Path(source.url).read_bytes()).hexdigest()
    assert source.licence == "CC0"
    assert msgspec.json.decode((card.folder / CARD_JSON).read_bytes(), type=ModelCard) == facts
    text = (card.folder / "CARD.md").read_text()
    assert text == markdown(facts)
    assert "**False positives: at the threshold" in text
    for said in (facts.sha256, source.sha256, "CC0", "quality@1", facts.command):
        assert said in text
    assert (card.folder / "calibration.png").read_bytes().startswith(b"\x89PNG")


def test_one_thread_gives_the_same_bytes(card, settings, tmp_path):
    again = train("quality", settings, str(tmp_path), card.card.command)
    assert again == card.card
    for name in [*FILES, "quality.bin"]:
        assert (tmp_path / name).read_bytes() == (card.folder / name).read_bytes()
    other = train("quality", change(settings, seed=2), str(tmp_path))
    assert other.sha256 != card.sha256


def test_a_quantised_model_is_reproducible_too(quantised, settings, tmp_path):
    assert Path(quantised.model).name == "quality.ftz"
    small = change(settings, quantize=True)
    assert train("quality", small, str(tmp_path)).sha256 == quantised.sha256


def test_the_calibration_of_the_card_is_that_of_its_figures(card):
    facts = card.card
    model = FastTextModel(card.model)
    raw = model.probability(
        pa.array(["the river carries silt", "buy cheap pills"]), "__label__keep"
    )
    keep, drop = facts.calibration.apply(raw.to_numpy())
    assert keep > 0.9 > 0.1 > drop
    assert sum(row.texts for row in facts.evaluation.calibration) == (
        facts.evaluation.positives + facts.evaluation.negatives
    )


def test_a_model_on_another_file_system(settings):
    memory = fsspec.filesystem("memory")
    for side in ("positives", "negatives"):
        data = Path(getattr(settings, side)[0].files[0]).read_bytes()
        memory.pipe_file(f"/train/{side}.jsonl", data)
    moved = change(
        settings,
        positives=(InputSettings(files=("memory://train/pos*.jsonl",)),),
        negatives=(InputSettings(files=("memory://train/negatives.jsonl",)),),
    )
    card = train("quality", moved, "memory://train/out")
    assert card.model == "quality.bin"
    assert json.loads(memory.cat_file("/train/out/card.json"))["sha256"] == card.sha256
    assert FastTextModel("memory:///train/out/quality.bin", card.sha256).labels


def test_progress_is_told(settings, tmp_path):
    seen = []
    searched = change(settings, search=SearchSettings(epoch=(1, 5)))
    train("q", searched, str(tmp_path), progress=lambda *step: seen.append(step))
    phases = ["reading positives", "reading negatives", "splitting", "search 1 of 2"]
    phases += ["search 2 of 2", "training", "evaluating", "storing"]
    assert [phase for phase, _ in seen] == phases
    assert seen[0] == ("reading positives", 200)


def test_the_search_takes_the_best_and_tells_all(settings, tmp_path):
    tried = SearchSettings(lr=(1e-4, 0.5), epoch=(1, 10), metric="roc_auc")
    card = train("quality", change(settings, search=tried), str(tmp_path))
    assert [trial.settings for trial in card.trials] == [
        {"lr": lr, "epoch": epoch} for lr in (1e-4, 0.5) for epoch in (1, 10)
    ]
    best = max(card.trials, key=lambda trial: trial.roc_auc)
    chosen = {name: getattr(card.settings, name) for name in best.settings}
    assert chosen == best.settings
    assert "lr 0.0001, epoch 1" in markdown(card)


def test_labels_in_the_texts_teach_nothing(settings, tmp_path):
    texts = texts_of(settings, "negatives")
    salted = write(
        tmp_path / "salted.jsonl", [{"text": f"__label__keep {t} __label__new"} for t in texts]
    )
    card = train("q", with_input(settings, "negatives", files=(salted,)), str(tmp_path / "m"))
    model = FastTextModel(str(tmp_path / "m" / "q.bin"))
    assert sorted(model.labels) == sorted(card.labels)
    assert card.evaluation.roc_auc > 0.99


def test_near_copies_in_both_classes_are_left_out(settings, tmp_path):
    shared = [f"{text} Oh." for text in texts_of(settings, "positives")[:7]]
    both = write(tmp_path / "both.jsonl", [{"text": text.upper()} for text in shared])
    more = change(settings, negatives=(*settings.negatives, InputSettings(files=(both,))))
    card = train("q", more, str(tmp_path))
    assert card.positives.counts.in_both_classes == card.negatives.counts.in_both_classes == 7


def test_unseen_sources_are_what_is_reported(settings, tmp_path):
    texts = texts_of(settings, "positives")
    records = [
        {"text": t, "from": "new" if i < 30 else "old", "url": f"http://www.s{i}.org/x"}
        for i, t in enumerate(texts)
    ]
    file = write(tmp_path / "sources.jsonl", records)
    changed = with_input(
        settings, "positives", files=(file,), source_fields=("from",), held_out=("n*",)
    )
    card = train("q", changed, str(tmp_path / "m"))
    assert card.evaluation.positives == 30
    rows = {row.source: row for row in card.breakdown.sources if row.positive}
    assert rows["new"].unseen
    assert rows["new"].texts == 30
    assert not rows["old"].unseen
    assert sum(row.texts for row in rows.values()) == card.positives.counts.held_out


def test_without_calibration_the_score_is_raw(settings, tmp_path):
    raw = change(settings, calibration=CalibrationSettings(method="none"), mistakes=0)
    card = train("q", raw, str(tmp_path))
    assert card.calibration is None
    assert "it is not calibrated" in markdown(card)
    assert card.breakdown.mistakes == ()


def test_windows_and_balance_by_repetition(settings, tmp_path):
    cut = change(settings, window_bytes=60, windows=2, balance="repeat", preparation="bare")
    card = train("q", cut, str(tmp_path))
    assert card.evaluation.roc_auc > 0.99
    assert card.positives.counts.not_sampled == card.negatives.counts.not_sampled == 0


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"dim": 0}, ConfigError, r"train: dim: must be a whole number, at least 1"),
        ({"held_out_fraction": 1.0}, ConfigError, "held_out_fraction"),
        ({"positives": ()}, ConfigError, "positives"),
        ({"positives": (InputSettings(),)}, ConfigError, r"positives\[0\]: needs either files or"),
        (
            {"positives": (InputSettings(files=("/nowhere/*.jsonl",)),)},
            InputError,
            r"positives\[0\]: /nowhere.* names no file",
        ),
        ({"max_documents": 10}, ConfigError, "positives: too few documents"),
        ({"held_out_fraction": 1e-9}, ConfigError, "sets 0 of the positives aside"),
        ({"held_out_fraction": 0.95}, ConfigError, "leaves nothing to train on"),
        ({"labels": ("keep", "keep")}, ConfigError, "two different words"),
        ({"lr": 100.0, "epoch": 50}, ConfigError, "could not train: .*NaN"),
        ({"tuning_fraction": 0.05}, ConfigError, "20 are needed. Give more texts"),
    ],
)
def test_errors_say_what_to_change(settings, tmp_path, changes, error, said):
    with pytest.raises(error, match=said):
        train("q", change(settings, **changes), str(tmp_path / "m"))
    assert not (tmp_path / "m").exists()


def test_a_name_and_a_place_that_cannot_be(settings, tmp_path):
    with pytest.raises(ConfigError, match=r"'\.\./q': must be lower-case"):
        train("../q", settings, str(tmp_path))
    with pytest.raises(ConfigError, match="train: out"):
        train("q", settings, "nosuch://x")


def test_a_class_without_words(settings, tmp_path):
    empty = write(tmp_path / "empty.jsonl", [{"text": ""}, {"text": "\n"}])
    with pytest.raises(InputError, match="negatives: 2 documents, and none with a word"):
        train("q", with_input(settings, "negatives", files=(empty,)), str(tmp_path / "m"))


def test_a_class_of_which_nothing_is_left(settings, tmp_path):
    none = with_input(
        settings, "negatives", leave_out={"text": tuple(texts_of(settings, "negatives"))}
    )
    with pytest.raises(InputError, match="negatives: no document is left"):
        train("q", none, str(tmp_path / "m"))


def test_of_a_class_that_cannot_be_used_the_first_is_told(settings, tmp_path):
    bad = write(tmp_path / "bad.jsonl", [{"body": "a"}])
    with pytest.raises(InputError) as caught:
        train("q", with_input(settings, "negatives", files=(bad,)), str(tmp_path / "m"))
    assert str(caught.value) == (
        "train: negatives: no document is left of the inputs. One that cannot be used: "
        f"{bad}:1: has no field 'text'; its fields are body."
    )


def test_what_could_not_be_used_is_in_the_card(settings, tmp_path):
    lines = [{"text": text} for text in texts_of(settings, "positives")]
    file = write(tmp_path / "<b>.jsonl", [*lines[:50], {"text": "a\0b"}, *lines[50:]])
    card = train("q", with_input(settings, "positives", files=(file,)), str(tmp_path / "m"))
    (source,) = card.positives.sources
    assert (source.documents, source.unusable) == (200, 1)
    assert source.first_unusable == f"{file}:51: 'text' holds a NUL."
    text = markdown(card)
    assert "Records that could not be used, in " in text
    assert "<b>" not in text
    assert "could not be used" not in markdown(train("q", settings, str(tmp_path / "m")))


@pytest.mark.parametrize(
    ("name", "languages", "role"),
    [
        ("quality", (), "quality"),
        ("quality-en", ("en",), "quality"),
        ("machine-text-en", ("en", "de"), "machine_text"),
        ("machine-text.de", ("en", "de"), "machine_text"),
        ("all-or", (), "all_or"),
        ("en", ("en",), "en"),
        ("4k", (), "quality"),
        ("language", (), "quality"),
    ],
)
def test_what_a_model_is_for_by_its_name(name, languages, role):
    assert role_of(name, languages) == role


def test_a_role_that_is_declared(settings, tmp_path):
    card = train("q", change(settings, role="helpful"), str(tmp_path / "m"))
    assert card.role == json.loads((tmp_path / "m" / "card.json").read_text())["role"] == "helpful"
    assert "Its role is `helpful`." in markdown(card)
    for role, said in (("language", "whose labels are languages"), ("A b", "must be text")):
        with pytest.raises(ConfigError, match=f"train: role: .*{said}"):
            train("q", change(settings, role=role), str(tmp_path / "n"))


def test_missing_packages_are_named_before_anything_is_read(settings, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match=r"not installed.*pip install scikit-learn matplotlib"):
        train("q", settings, str(tmp_path / "m"))


def test_an_interrupted_write_leaves_no_card(settings, tmp_path, monkeypatch):
    train("quality", settings, str(tmp_path))
    put = target.Target.put

    def fail_at_card(self, path):
        if path.name == "card.json":
            raise OSError("disk full")
        put(self, path)

    monkeypatch.setattr(target.Target, "put", fail_at_card)
    with pytest.raises(StoreError, match="disk full"):
        train("quality", change(settings, seed=3), str(tmp_path))
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["CARD.md", "calibration.png", "quality.bin"]


def test_settings_are_closed():
    toml = '[[positives]]\nfiles = ["a"]\n[[negatives]]\nfile = ["b"]\n'
    with pytest.raises(ConfigError, match=r"negatives\[0\].file: unknown setting.*'files'"):
        load_toml(TrainSettings, toml, "train.toml")


def test_hostile_text_cannot_act_in_the_card(settings, tmp_path):
    hostile = "buy <img src=x onerror=alert(1)> [x](javascript:1) | pipe \u202e `code`"
    texts = [f"{hostile} {text}" for text in texts_of(settings, "negatives")]
    negatives = write(tmp_path / "negatives.jsonl", [{"text": text} for text in texts[:200]])
    wrong = write(tmp_path / "wrong.jsonl", [{"text": text} for text in texts[200:]])
    confused = with_input(settings, "positives", files=(settings.positives[0].files[0], wrong))
    confused = with_input(confused, "negatives", files=(negatives,))
    card = train("q", change(confused, mistakes=5), str(tmp_path / "m"))
    assert card.breakdown.mistakes
    text = markdown(card)
    shown = text[text.index("### Most confident") :]
    assert "<img" not in shown
    assert "](javascript" not in shown
    assert "\u202e" not in shown


def test_scores_of_the_figures_are_those_of_the_stored_file(settings, tmp_path):
    # The last bad texts stand among the good ones, so that the model is wrong now and then.
    good, bad = (texts_of(settings, side) for side in ("positives", "negatives"))
    negatives = write(tmp_path / "negatives.jsonl", [{"text": text} for text in bad[:200]])
    wrong = write(tmp_path / "wrong.jsonl", [{"text": text} for text in bad[200:]])
    confused = with_input(settings, "positives", files=(settings.positives[0].files[0], wrong))
    confused = with_input(confused, "negatives", files=(negatives,))
    card = train("q", change(confused, quantize=True, mistakes=50), str(tmp_path / "m"))
    stored = FastTextModel(str(tmp_path / "m" / "q.ftz"))
    every = [" ".join(text.split()) for text in (*good, *bad)]
    raw = stored.probability(pa.array(every), "__label__keep").to_numpy()
    scores = dict(zip(every, card.calibration.apply(raw), strict=True))
    told = [
        (mistake.score, [score for text, score in scores.items() if text.startswith(mistake.text)])
        for mistake in card.breakdown.mistakes
    ]
    assert len(told) > 5
    for score, found in told:
        assert any(score == pytest.approx(each, abs=1e-9) for each in found)
    assert len({round(score, 6) for score, _ in told}) > 5
    assert sum(row.texts for row in card.breakdown.sources) == (
        card.evaluation.positives + card.evaluation.negatives
    )
