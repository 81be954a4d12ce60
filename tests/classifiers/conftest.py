from __future__ import annotations

import json
import random
from pathlib import Path

import msgspec
import pytest

from thresher.classifiers.card import ModelCard
from thresher.classifiers.settings import InputSettings, TrainSettings
from thresher.classifiers.train import train

GOOD = "the river carries silt because its current slows where the valley widens and settles"
BAD = "buy cheap pills now click here best price offer discount order today free shipping"


def make_texts(words: str, count: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    return [
        f"{' '.join(draw.choices(words.split(), k=30))} {seed}x{i}.\nEnd." for i in range(count)
    ]


def write_jsonl(path: Path, texts: list[str]) -> str:
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return str(path)


class Trained(msgspec.Struct, frozen=True):
    """A card and where its model is."""

    card: ModelCard
    folder: Path

    @property
    def model(self) -> str:
        return str(self.folder / self.card.model)

    def json(self) -> bytes:
        return self.card.json()

    @property
    def sha256(self) -> str:
        return self.card.sha256


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THRESHER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def settings(tmp_path_factory) -> TrainSettings:
    folder = tmp_path_factory.mktemp("train")
    good = write_jsonl(folder / "good.jsonl", make_texts(GOOD, 200, 1))
    bad = write_jsonl(folder / "bad.jsonl", make_texts(BAD, 260, 2))
    return TrainSettings(
        positives=(InputSettings(files=(good,), licence="CC0"),),
        negatives=(InputSettings(files=(bad,)),),
        held_out_fraction=0.2,
        tuning_fraction=0.2,
        dim=8,
        epoch=10,
        lr=0.5,
        bucket=2000,
    )


@pytest.fixture(scope="session")
def card(settings, tmp_path_factory) -> Trained:
    folder = tmp_path_factory.mktemp("model")
    return Trained(train("quality", settings, str(folder), "thresher train quality"), folder)


@pytest.fixture(scope="session")
def quantised(settings, tmp_path_factory) -> Trained:
    folder = tmp_path_factory.mktemp("quantised")
    small = msgspec.structs.replace(settings, quantize=True)
    return Trained(train("quality", small, str(folder)), folder)
