"""Pages re-encoded in many charsets, with right, wrong and missing declarations.

The texts are the Universal Declaration of Human Rights; set THRESHER_TEST_DATA to run it.
"""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from thresher.pipeline.read.charset import decode_html

DATA = Path(os.environ.get("THRESHER_TEST_DATA", "")) / "language" / "udhr" / "udhr.jsonl.gz"

CHARSETS = {
    "deu_1996": "cp1252 iso8859-15 utf-8",
    "fra": "cp1252 iso8859-15",
    "spa": "cp1252",
    "swe": "cp1252",
    "pol": "iso8859-2 cp1250 utf-8",
    "ces": "iso8859-2 cp1250",
    "hun": "iso8859-2 cp1250",
    "rus": "cp1251 koi8-r iso8859-5 utf-8",
    "ukr": "cp1251 koi8-u",
    "bul": "cp1251",
    "ell_monotonic": "iso8859-7 cp1253",
    "tur": "cp1254",
    "heb": "cp1255",
    "arb": "cp1256",
    "lit": "cp1257",
    "jpn": "shift_jis euc_jp iso2022_jp utf-8",
    "cmn_hans": "gb18030 utf-8",
    "cmn_hant": "big5",
    "kor": "euc_kr",
    "tha": "cp874",
}
WINDOWS = (300, 1000, 4000)
"""Characters of a page: detection needs some."""

CASES = ("http", "meta", "none", "wrong_utf8", "wrong_latin1", "wrong_http_right_meta")


def samples():
    with gzip.open(DATA, "rt") as lines:
        texts = {row["lang"]: row["text"] for row in map(json.loads, lines)}
    for language, charsets in CHARSETS.items():
        for charset in charsets.split():
            for size in WINDOWS:
                for start in (400, 2500):
                    text = texts[language][start : start + size]
                    text = text.encode(charset, "ignore").decode(charset)
                    yield language, charset, size, text


def declare(case, charset):
    label = {"cp874": "windows-874", "gb18030": "gbk", "euc_kr": "euc-kr"}.get(charset, charset)
    label = (
        label.replace("cp125", "windows-125")
        .replace("iso8859", "iso-8859")
        .replace("iso2022", "iso-2022")
        .replace("_", "-")
    )
    header = {"http": label, "wrong_latin1": "iso-8859-1"}.get(case, "")
    header = "utf-8" if case.startswith(("wrong_utf8", "wrong_http")) else header
    meta = f'<meta charset="{label}">' if case in ("meta", "wrong_http_right_meta") else ""
    return header, meta


def outcome(case, charset, text):
    header, meta = declare(case, charset)
    decoded = decode_html(f"<html><head>{meta}<body><p>{text}</p>".encode(charset), header)
    return decoded is not None and text in decoded.text


def measure():
    right, all_ = Counter(), Counter()
    lost = defaultdict(Counter)
    for language, charset, size, text in samples():
        for case in CASES:
            key = case, size
            all_[key] += 1
            if outcome(case, charset, text):
                right[key] += 1
            else:
                lost[case][f"{language} {charset}"] += 1
    return {key: right[key] / all_[key] for key in all_}, lost


LEAST = dict.fromkeys(CASES, 1.0) | {"wrong_latin1": 0.75}
"""Share of pages that decode without a wrong character. What is lost is Latin script of another
charset under the label of ISO-8859-1: nothing shows that the label is wrong."""


@pytest.mark.skipif(not DATA.is_file(), reason="THRESHER_TEST_DATA names no folder with UDHR")
def test_pages_in_many_charsets():
    shares, lost = measure()
    for (case, size), share in shares.items():
        print(f"{case:22} {size:5} {share:.3f} {dict(lost[case]) if size == WINDOWS[-1] else ''}")
    for (case, size), share in shares.items():
        assert share >= LEAST[case], (case, size, lost[case])
