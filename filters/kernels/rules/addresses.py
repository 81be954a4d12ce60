"""Addresses, which no rule cuts: URLs, bare hosts and e-mail addresses.

Simpler than spaCy's: an address is a host with a lower-case last label (no bare IP addresses).
"""

from __future__ import annotations

from thresher.filters.kernels import inner
from thresher.filters.kernels.rules.chunk_points import Points, code, flags_of, is_digit
from thresher.filters.kernels.text.tables import ALPHA, LOWER, NUMBER


@inner
def _host(p: Points, lo: int, hi: int) -> bool:
    """Whether `p[lo:hi]` is host[:port][/path] with a lower-case last label."""
    label = lo
    labels = 0
    i = lo
    joiner = True  # the character before is no part of a label's inside
    while i < hi:
        cp = code(p[i])
        if cp == 46:
            if joiner:
                return False
            labels += 1
            label = i + 1
            joiner = True
        elif cp == 45 or cp == 95:
            if i == label:
                return False
            joiner = True
        elif flags_of(p[i]) & (ALPHA | NUMBER) or cp >= 0xA1:
            joiner = False
        else:
            break
        i += 1
    if labels == 0 or i - label < 2:
        return False
    for k in range(label, i):
        if not flags_of(p[k]) & LOWER:
            return False
    if i < hi and code(p[i]) == 58:
        port = i + 1
        i = port
        while i < hi and is_digit(p[i]):
            i += 1
        if i - port < 2 or i - port > 5:
            return False
    if i == hi:
        return True
    cp = code(p[i])
    return cp == 47 or cp == 63 or cp == 35


@inner
def is_address(p: Points, lo: int, hi: int) -> bool:
    """Whether `p[lo:hi]` is a URL, a bare host or an e-mail address."""
    dot = False
    first_at = -1
    last_at = -1
    scheme = -1
    for i in range(lo, hi):
        cp = code(p[i])
        if cp == 46:
            dot = True
        elif cp == 64 and i > lo:
            if first_at < 0:
                first_at = i
            last_at = i
        elif cp == 58 and scheme < 0 and i - lo >= 2 and i + 2 < hi:
            if code(p[i + 1]) == 47 and code(p[i + 2]) == 47:
                scheme = i
    if not dot:
        return False
    if _host(p, lo, hi):
        return True
    if scheme >= 0 and _host(p, scheme + 3, hi):
        return True
    if first_at >= 0 and _host(p, first_at + 1, hi):
        return True
    return last_at > first_at and _host(p, last_at + 1, hi)
