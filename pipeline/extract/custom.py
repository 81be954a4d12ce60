"""A recipe's own extractor, tried before any work starts."""

from __future__ import annotations

import msgspec

from thresher.filters.errors import ConfigError
from thresher.filters.user_function import load_function
from thresher.pipeline.extract.extractor import ExtractionStartError, Extractor
from thresher.pipeline.extract.settings import ExtractSettings
from thresher.pipeline.read.records import Page

_PAGE = (
    "<html><head><title>The mill</title></head><body><h1>The mill</h1><p>The old mill stands by "
    "the river, where it was built in the spring of 1850.</p><p>People come to see it in summer."
    "</p></body></html>"
)


def checked(settings: ExtractSettings, where: str) -> ExtractSettings:
    """The settings with the hash of the custom function's source; the function reads a plain page.

    It does so in an extraction process like that of a run, with its limits.

    Args:
        settings: as the recipe has them.
        where: what errors call them.

    Raises:
        ConfigError: for a function that is not there, has another hash than the declared one, or
            fails on the page.
    """
    if not settings.custom:
        return settings
    where = f"{where}.custom"
    _, source = load_function(settings.custom, where)
    if settings.custom_sha256 and settings.custom_sha256 != source:
        raise ConfigError(f"{where}_sha256", f"the source of {settings.custom} has {source}.")
    settings = msgspec.structs.replace(settings, custom_sha256=source)
    page = Page("", "https://example.com/mill", "", _PAGE.encode(), True, "utf-8")
    try:
        answer = Extractor(settings).try_page(page)
    except ExtractionStartError as error:
        hint = "It is imported there as well: put it on PYTHONPATH, or name its file."
        raise ConfigError(where, f"{error}", hint) from error
    if answer.reason:
        problem = f"{settings.custom} fails on a plain page: {answer.reason}: {answer.detail}."
        raise ConfigError(where, problem)
    return settings
