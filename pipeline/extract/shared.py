"""The extraction processes that a program keeps, for all its pages: one for each kind of settings.

To start one takes about a second, so it stays until the program ends. Threads take turns. A fork
starts its own: two processes on one pipe would read each other's answers.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence

from thresher.pipeline.extract.extractor import Extractor
from thresher.pipeline.extract.settings import Extracted, ExtractSettings
from thresher.pipeline.read.records import Page, Rejected

MOST = 4
"""Processes kept; the one that was not used for longest ends first."""


class _Kept:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.extractors: OrderedDict[ExtractSettings, Extractor] = OrderedDict()

    def extract(
        self, pages: Sequence[Page], settings: ExtractSettings
    ) -> list[Extracted | Rejected]:
        with self.lock:
            extractor = self.extractors.pop(settings, None) or Extractor(settings)
            self.extractors[settings] = extractor
            while len(self.extractors) > MOST:
                _, oldest = self.extractors.popitem(last=False)
                oldest.close()
            return extractor.extract(pages)

    def close(self) -> None:
        while self.extractors:
            self.extractors.popitem()[1].close()


_generations = [_Kept()]
"""That of this process comes last. Those before it, of the processes it was forked from, are held
so that nothing of them is closed here."""


def extract_pages(pages: Sequence[Page], settings: ExtractSettings) -> list[Extracted | Rejected]:
    """Extract pages by the process that is kept for the settings; see `Extractor.extract`."""
    return _generations[-1].extract(pages, settings)


def _forked() -> None:
    _generations.append(_Kept())


os.register_at_fork(after_in_child=_forked)
atexit.register(lambda: _generations[-1].close())
