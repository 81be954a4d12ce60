"""Extraction: HTML pages to text, in a child process that a hostile page may kill."""

from pipeline.extract.extractor import ExtractionStartError, Extractor
from pipeline.extract.settings import Extracted, ExtractSettings

__all__ = ["ExtractSettings", "Extracted", "ExtractionStartError", "Extractor"]
