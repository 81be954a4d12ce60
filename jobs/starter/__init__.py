"""What `thresher init` writes: a recipe with every setting in it, and what it says of the input."""

from __future__ import annotations

from thresher.jobs.starter.fields import row_settings
from thresher.jobs.starter.text import starter_text

__all__ = ["row_settings", "starter_text"]
