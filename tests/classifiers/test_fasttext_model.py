from __future__ import annotations

import contextlib
import os
import pickle
import random
import struct
from pathlib import Path

import fsspec
import pyarrow as pa
import pytest
from fasttext import FastText
from hypothesis import given
from hypothesis import strategies as st

from thresher.classifiers import fasttext_format, model_files, probe
from thresher.classifiers.fasttext_model import FastTextModel, load, predict, to_line
from thresher.classifiers.language import model_path
from thresher.filters.errors import ModelError

# Offsets in a model file: magic, version, twelve ints and a double, then the dictionary's counts.
DIM, NGRAMS, MODEL, BUCKET = 8, 28, 36, 40
WORDS, LABELS, PRUNED = 68, 72, 84


@pytest.fixture(scope="session")
def model(card):
    return FastTextModel(card.model)


def test_predicts_labels_and_probabilities(model, card):
    assert model.sha256 == card.sha256
    assert sorted(model.labels) == ["__label__drop", "__label__keep"]
    found = model.predict(
        pa.array(["the river\nand the valley", "buy cheap pills", None])
    ).to_pylist()
    assert [row and row["label"] for row in found] == ["__label__keep", "__label__drop", None]
    assert all(0 <= row["probability"] <= 1 for row in found[:2])


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_any_string_column(model, kind):
    texts = pa.array(["", "the river", "buy", None], kind)
    sliced = model.predict(texts.slice(1))
    assert sliced.to_pylist() == model.predict(texts).to_pylist()[1:]
    assert model.predict(texts.slice(0, 0)).to_pylist() == []


@pytest.mark.parametrize("text", ["", " ", "\n\t\r\f\v", "\0\0", "\u00a0\u2003", "</s>", " </s>\n"])
def test_a_text_of_no_words_is_null(model, text):
    assert model.predict(pa.array([text])).to_pylist() == [None]
    assert model.probability(pa.array([text]), "__label__keep").to_pylist() == [None]


def test_newlines_and_end_marks_do_not_hide_what_follows(model):
    texts = pa.array(
        ["buy cheap the river", "buy\ncheap\r\nthe\0river", "buy </s> cheap the river"]
    )
    first, *others = model.probability(texts, "__label__keep").to_pylist()
    assert others == [first, pytest.approx(first)]


def test_label_words_in_a_text_do_not_count(model):
    plain, salted = model.probability(
        pa.array(["buy cheap", "buy __label__keep cheap __label__x"]), "__label__keep"
    ).to_pylist()
    assert salted == plain


def test_bytes_that_are_no_utf8_are_judged(model):
    broken = pa.array([b"the river \xff\xfe valley", b"\xff", b"\xe4" * 50]).view(pa.string())
    scores = model.probability(broken, "__label__keep", max_characters=10).to_pylist()
    assert all(score is not None and 0 <= score <= 1 for score in scores)


def test_only_the_first_characters_count(model):
    texts = pa.array(["日本 the river buy cheap", "日本 the river"])
    first, second = model.probability(texts, "__label__keep", max_characters=12).to_pylist()
    assert first == second
    assert to_line("日本語".encode(), 2) == "日本".encode()


def test_probabilities_never_exceed_one():
    model = FastTextModel(str(model_path()))
    raw = FastText._FastText(model_path=str(model_path())).f.predict(
        "Das ist ein Haus\n", 1, 0.0, "replace"
    )
    assert raw[0][0] > 1
    assert model.predict(pa.array(["Das ist ein Haus"]))[0]["probability"].as_py() == 1.0


@given(st.lists(st.text(max_size=60), max_size=12))
def test_a_document_alone_scores_as_in_its_batch(card, texts):
    model = FastTextModel(card.model)
    batch = model.probability(pa.array(texts, pa.string()), "__label__keep").to_pylist()
    alone = [model.probability(pa.array([text]), "__label__keep")[0].as_py() for text in texts]
    assert batch == alone


def test_batches_longer_than_one_call(model):
    texts = ["the river", "", "buy cheap"] * 300
    assert model.predict(pa.array(texts)).to_pylist() == 300 * (
        model.predict(pa.array(texts[:3])).to_pylist()
    )


def test_an_unknown_label_names_those_there_are(model):
    with pytest.raises(ModelError, match=r"no label x.*__label__"):
        model.probability(pa.array(["a"]), "x")


def test_nothing_is_printed(card, capfd):
    FastTextModel(card.model).predict(pa.array(["the river"]))
    assert capfd.readouterr() == ("", "")


# Where models come from


def test_a_remote_model_is_downloaded_once_when_its_hash_is_declared(card, monkeypatch, tmp_path):
    monkeypatch.setenv("THRESHER_CACHE", str(tmp_path))
    url = "memory://models/quality.bin"
    fsspec.filesystem("memory").pipe_file("/models/quality.bin", Path(card.model).read_bytes())
    assert FastTextModel(url).sha256 == card.sha256
    fsspec.filesystem("memory").rm_file("/models/quality.bin")
    assert FastTextModel(url, card.sha256.upper()).sha256 == card.sha256
    (tmp_path / "models" / card.sha256).write_bytes(b"damaged")
    with pytest.raises(ModelError, match="no such model file"):
        FastTextModel(url, card.sha256)
    assert not list(tmp_path.glob("models/.*"))


def test_a_changed_model_is_refused(card):
    with pytest.raises(ModelError, match="was declared"):
        FastTextModel(card.model, "0" * 64)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("/nowhere/model.bin", "no such model file"),
        ("memory://nowhere/model.bin", "no such model file"),
        ("nosuch://model.bin", "cannot be read"),
        ("/", "cannot be read"),
    ],
)
def test_a_missing_model(url, said):
    with pytest.raises(ModelError, match=said) as caught:
        FastTextModel(url)
    assert caught.value.where == url
    assert caught.value.hint
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_an_unwritable_cache_only_costs_time(card, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("THRESHER_CACHE", str(tmp_path / "file"))
    assert FastTextModel(card.model).sha256 == card.sha256


def test_a_model_is_tried_once(card, monkeypatch):
    FastTextModel(card.model)
    monkeypatch.setattr(model_files.subprocess, "run", None)
    FastTextModel(card.model)


@pytest.mark.parametrize("source", ["raise SystemExit(70)", "import os; os.abort()"])
def test_a_model_that_ends_its_process(card, monkeypatch, tmp_path, source):
    monkeypatch.setenv("THRESHER_CACHE", str(tmp_path))
    monkeypatch.setattr(model_files, "_PROBE", ("-c", source))
    with pytest.raises(ModelError, match="ends the process"):
        FastTextModel(card.model)


def test_a_model_that_never_loads(card, monkeypatch, tmp_path):
    monkeypatch.setenv("THRESHER_CACHE", str(tmp_path))
    monkeypatch.setattr(model_files, "_PROBE", ("-c", "import time; time.sleep(60)"))
    monkeypatch.setattr(model_files, "_PROBE_SECONDS", 0.2)
    with pytest.raises(ModelError, match="did not load within"):
        FastTextModel(card.model)


# Corrupt and hostile files


def patched(data: bytes, *changes: tuple[int, str, float]) -> bytes:
    out = bytearray(data)
    for offset, code, value in changes:
        struct.pack_into("<" + code, out, offset, value)
    return bytes(out)


HOSTILE = {
    "empty": lambda _: b"",
    "random": lambda _: random.Random(1).randbytes(5000),
    "html": lambda _: b"<html>404 not found</html>" * 20,
    "cut_in_half": lambda data: data[: len(data) // 2],
    "cut_in_the_header": lambda data: data[:50],
    "cut_in_the_dictionary": lambda data: data[:150],
    "last_byte_lost": lambda data: data[:-1],
    "a_byte_more": lambda data: data + b"\0",
    "future_version": lambda data: patched(data, (4, "i", 99)),
    "word_vectors": lambda data: patched(data, (MODEL, "i", 2)),
    "huge_header": lambda data: patched(
        data, (64, "i", 2**31 - 1), (WORDS, "i", 2**31 - 3), (LABELS, "i", 2)
    ),
    "huge_bucket": lambda data: patched(data, (BUCKET, "i", 2**31 - 1)),
    "no_bucket": lambda data: patched(data, (BUCKET, "i", 0)),
    "huge_dim": lambda data: patched(data, (DIM, "i", 2**31 - 1)),
    "negative_dim": lambda data: patched(data, (DIM, "i", -1)),
    "huge_ngrams": lambda data: patched(data, (NGRAMS, "i", 2**31 - 1)),
    "huge_pruning": lambda data: patched(data, (PRUNED, "q", 2**62)),
    "words_are_labels": lambda data: patched(
        data, (WORDS, "i", 0), (LABELS, "i", struct.unpack_from("<i", data, 64)[0])
    ),
}


@pytest.mark.parametrize("damage", HOSTILE)
def test_a_hostile_file_is_refused_before_fasttext_sees_it(card, tmp_path, damage):
    bad = tmp_path / "bad.bin"
    bad.write_bytes(HOSTILE[damage](Path(card.model).read_bytes()))
    with pytest.raises(fasttext_format.FormatError):
        fasttext_format.read(bad)
    assert probe.main(bad)


def test_a_hostile_file_is_an_error_and_not_a_crash(card, tmp_path):
    bad = tmp_path / "bad.bin"
    bad.write_bytes(HOSTILE["huge_header"](Path(card.model).read_bytes()))
    with pytest.raises(ModelError, match="not a usable model: its header promises") as caught:
        FastTextModel(str(bad))
    assert caught.value.where == str(bad)


@pytest.mark.parametrize("which", ["card", "quantised"])
def test_sound_models_pass_and_no_cut_of_them_does(request, which, tmp_path):
    path = Path(request.getfixturevalue(which).model)
    fasttext_format.read(path)
    data = path.read_bytes()
    cut = tmp_path / "cut"
    for size in range(0, len(data), len(data) // 60):
        cut.write_bytes(data[:size])
        with pytest.raises(fasttext_format.FormatError):
            fasttext_format.read(cut)


def test_damage_anywhere_in_the_header_or_dictionary_never_ends_the_check(card, tmp_path):
    data = Path(card.model).read_bytes()
    draw = random.Random(3)
    bad = tmp_path / "bad"
    for _ in range(300):
        at = draw.randrange(0, 2000)
        bad.write_bytes(data[:at] + draw.randbytes(draw.randrange(1, 9)) + data[at + 8 :])
        with contextlib.suppress(fasttext_format.FormatError):
            fasttext_format.read(bad)


@pytest.mark.parametrize("which", ["card", "quantised"])
def test_bits_flipped_anywhere_give_an_error_or_scores(request, which, tmp_path):
    data = Path(request.getfixturevalue(which).model).read_bytes()
    draw = random.Random(7)
    bad = tmp_path / "bad"
    texts = pa.array(["the river carries silt " * 20, "buy \U0001f600", ""])
    for _ in range(150):
        flipped = bytearray(data)
        for _ in range(draw.randrange(1, 4)):
            flipped[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        bad.write_bytes(flipped)
        with contextlib.suppress(ModelError):
            _, model = load(bad, "bad")
            labels, scores = predict(model, texts)
            assert labels[2] == -1
            assert (scores[labels >= 0] >= 0).all()
            assert (scores <= 1).all()


@pytest.mark.parametrize("weight", ["nan", "inf"])
def test_weights_that_are_no_numbers(card, tmp_path, weight):
    bad = tmp_path / "bad.bin"
    data = Path(card.model).read_bytes()
    bad.write_bytes(data[:-4] + struct.pack("<f", float(weight)))
    with pytest.raises(ModelError, match=r"NaN|no numbers"):
        FastTextModel(str(bad)).predict(pa.array(["the river buy"]))


def test_pruned_quantised_model_passes():
    fasttext_format.read(model_path())


def test_the_cache_folder_follows_the_environment(monkeypatch):
    monkeypatch.delenv("THRESHER_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert model_files.cache_folder() == Path("/x/thresher")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setitem(os.environ, "HOME", "/home/me")
    assert model_files.cache_folder() == Path("/home/me/.cache/thresher")
