"""`add`: put a model into the user's registry, as a bundle of its file, card and description."""

from __future__ import annotations

import re
from typing import Any

import fsspec
import msgspec

from thresher.classifiers import registry
from thresher.classifiers.bundles import (
    CARD_JSON,
    CARD_PLOT,
    CARD_TEXT,
    LANGUAGE,
    Role,
    read_card,
)
from thresher.classifiers.fasttext_model import label_list, load
from thresher.classifiers.model_files import obtain
from thresher.filters.config import converted
from thresher.filters.errors import ConfigError, ModelError, StoreError

_NAME = re.compile(f"{registry.NAME[:-1]}@{registry.VERSION[1:]}")


def add(
    source: str,
    name: str = "",
    positive_label: str = "",
    licence: str = "",
    summary: str = "",
    role: str = "",
) -> registry.Model:
    """Copy a model into the user's registry, under a name that is free.

    Args:
        source: address of the file, or of the folder that holds it and its card; a `card.json`,
            `CARD.md` and plot beside a local file come along.
        name: `name@version`; by default what the card says.
        positive_label: label whose probability is the score, where no card says it.
        licence: of the model, where no card says it.
        summary: one sentence, where no card says it.
        role: what it is for, where no card says it.

    Raises:
        ConfigError: where the name is no name or taken, or the role no role.
        ModelError: where the file is not a sound model or has no such label.
        StoreError: where it cannot be written.
    """
    found = registry.find(source)
    beside = found.url.rpartition("/")[0]
    card = read_card(f"{beside}/{CARD_JSON}" if beside else CARD_JSON) if found.sha256 else None
    if not name and card and card.name and card.version:
        name = f"{card.name}@{card.version}"
    if not name:
        raise ConfigError("--name", "is missing, and no card says it.", "Like my-model@1.")
    if not _NAME.fullmatch(name):
        raise ConfigError("--name", f"'{name}' is no name@version.", "Like my-model@1.")
    if name in {model.name for model in registry.entries()}:
        hint = "A changed model has a new version: --name."
        raise ConfigError("--name", f"{name} is taken.", hint)
    if role:
        converted(Role, role, "--role")
    file = obtain(found.url, found.sha256 or None)
    labels, _ = load(file.path, source)
    positive = positive_label or found.positive_label
    if not positive and len(labels) <= 2:
        hint = f"Set --positive-label to one of {label_list(labels)}."
        raise ModelError(source, "does not say which label is positive.", hint)
    if positive and positive not in labels:
        raise ModelError(source, f"has no label {positive}.", f"It has: {label_list(labels)}.")
    file_name = name.split("@")[0] + (".ftz" if found.url.lower().endswith(".ftz") else ".bin")
    facts: dict[str, Any] = {
        "sha256": file.sha256,
        "labels": sorted(labels, key=lambda label: label != positive),
        "role": role or ("quality" if positive else LANGUAGE),
        "licence": licence or found.licence,
        "source": source,
        "summary": summary or found.summary,
    }
    others: dict[str, bytes] = {}
    if card:
        facts = msgspec.json.decode(_read(f"{beside}/{CARD_JSON}" if beside else CARD_JSON))
        others = {
            each: data
            for each in (CARD_TEXT, CARD_PLOT)
            if (data := _read(f"{beside}/{each}" if beside else each))
        }
    written = msgspec.json.format(msgspec.json.encode(facts | {"model": file_name}), indent=2)
    folder = f"{registry.user_folder()}/{name}"
    try:
        filesystem, path = fsspec.core.url_to_fs(folder)
        filesystem.makedirs(path, exist_ok=True)
        filesystem.put_file(str(file.path), f"{path}/{file_name}")
        for each, data in others.items():
            filesystem.pipe_file(f"{path}/{each}", data)
        # Last: a folder without a card is no bundle.
        filesystem.pipe_file(f"{path}/{CARD_JSON}", written + b"\n")
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written: {error}.") from error
    return registry.find(name)


def _read(url: str) -> bytes:
    try:
        with fsspec.open(url, "rb") as file:
            data: bytes = file.read()
            return data
    except FileNotFoundError:
        return b""
