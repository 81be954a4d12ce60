"""How much may fail before what goes on is no longer worth it."""

from __future__ import annotations

import math

HOPELESS = 100
"""Where so many in a row from the start fail, a setting or the code is wrong, and not the data."""


def tolerated(share: float, of: int) -> int:
    """How many of so many may fail: their share, but one at least; none where the share is 0.

    One bad text of a small set is no share of anything.
    """
    return max(1, math.floor(share * of + 1e-9)) if share else 0
