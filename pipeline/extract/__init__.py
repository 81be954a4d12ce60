"""Extraction: HTML pages to text, in a child process that a hostile page may kill."""

from thresher.pipeline.extract.extractor import ExtractionStartError, Extractor
from thresher.pipeline.extract.settings import PROFILE_VERSIONS, Extracted, ExtractSettings, Facts

__all__ = [
    "PROFILE_VERSIONS",
    "ExtractSettings",
    "Extracted",
    "ExtractionStartError",
    "Extractor",
    "Facts",
]
