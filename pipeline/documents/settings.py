"""What decides the texts of a run, and what decides the signals of each text."""

from __future__ import annotations

import msgspec

from thresher.classifiers.registry import Model
from thresher.filters.measure import MinHashSettings
from thresher.pipeline.decontamination import EvaluationRef
from thresher.pipeline.extract import ExtractSettings
from thresher.pipeline.gate.gating import GateSettings
from thresher.pipeline.guests import GuestSettings
from thresher.pipeline.read.inputs import InputSettings


class QualitySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fastText model behind `quality.score`."""

    model: str = "quality-en@1"
    """`name@version` of the registry (`thresher models list`), or the path or URL of a model file,
    also as hf://REPO/FILE, or of the folder that `thresher train quality` has made; empty leaves
    the score NULL."""
    positive_label: str = ""
    """Label whose probability is the score; by default the one the model declares."""
    sha256: str = ""
    """Hash the model must have; by default what the registry, its card or its first fetch says."""


class MachineTextSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fastText model behind `machine_text.score`. Shipped policies use its mean over a site."""

    model: str = "machine-text-en@1"
    """As `quality.model`."""
    positive_label: str = ""
    """As `quality.positive_label`."""
    sha256: str = ""
    """As `quality.sha256`."""


class TextSettings(msgspec.Struct, frozen=True):
    """All that decides which texts there are, apart from the input itself."""

    input: InputSettings
    gates: GateSettings = GateSettings()
    extract: ExtractSettings = ExtractSettings()


class SignalSettings(msgspec.Struct, frozen=True):
    """All that decides the signals of a text by itself."""

    minhash: MinHashSettings = MinHashSettings()
    quality: Model | None = None
    machine_text: Model | None = None
    guests: tuple[GuestSettings, ...] = ()
    evaluation: EvaluationRef | None = None
