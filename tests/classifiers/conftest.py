from __future__ import annotations

import json
import random
from pathlib import Path

import msgspec
import pytest

from classifiers.card import ModelCard
from classifiers.settings import TrainSettings
from classifiers.train import train_quality

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


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THRESHER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def settings(tmp_path_factory) -> TrainSettings:
    folder = tmp_path_factory.mktemp("train")
    return TrainSettings(
        positives=(write_jsonl(folder / "good.jsonl", make_texts(GOOD, 120, 1)),),
        negatives=(write_jsonl(folder / "bad.jsonl", make_texts(BAD, 160, 2)),),
        out=str(folder / "model"),
        held_out_fraction=0.2,
        dim=8,
        epoch=10,
        lr=0.5,
        bucket=2000,
    )


@pytest.fixture(scope="session")
def card(settings) -> ModelCard:
    return train_quality(settings)


@pytest.fixture(scope="session")
def quantised(settings) -> ModelCard:
    out = settings.out + "-small/page.ftz"
    return train_quality(msgspec.structs.replace(settings, out=out, quantize=True))
