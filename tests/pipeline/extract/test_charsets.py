"""Pages re-encoded in many charsets, with right, wrong and missing declarations.

The texts are articles of the Universal Declaration of Human Rights, in `declaration.toml`.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from thresher.pipeline.read.charset import decode_html

TEXTS = tomllib.loads(Path(__file__).with_name("declaration.toml").read_text(encoding="utf-8"))

CHARSETS = {
    "German": "cp1252 iso8859-15 utf-8",
    "French": "cp1252 iso8859-15",
    "Spanish": "cp1252",
    "Swedish": "cp1252",
    "Polish": "iso8859-2 cp1250 utf-8",
    "Czech": "iso8859-2 cp1250",
    "Hungarian": "iso8859-2 cp1250",
    "Russian": "cp1251 koi8-r iso8859-5 utf-8",
    "Ukrainian": "cp1251 koi8-u",
    "Bulgarian": "cp1251",
    "Greek": "iso8859-7 cp1253",
    "Turkish": "cp1254",
    "Hebrew": "cp1255",
    "Arabic": "cp1256",
    "Lithuanian": "cp1257",
    "Japanese": "shift_jis euc_jp iso2022_jp utf-8",
    "Simplified Chinese": "gb18030 utf-8",
    "Traditional Chinese": "big5",
    "Korean": "euc_kr",
    "Thai": "cp874",
}
PARTS = {"two articles": slice(0, 2), "three others": slice(2, 5), "all five": slice(0, 5)}
"""Of each text: detection needs some."""

CASES = ("http", "meta", "none", "wrong_utf8", "wrong_latin1", "wrong_http_right_meta")


def samples():
    for language, charsets in CHARSETS.items():
        articles = TEXTS[language].strip().splitlines()
        for charset in charsets.split():
            for name, part in PARTS.items():
                text = "\n".join(articles[part])
                assert text.encode(charset).decode(charset) == text
                yield language, charset, name, text


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


UNTOLD = {
    "Polish": {"iso8859-2", "cp1250"},
    "Czech": {"iso8859-2", "cp1250"},
    "Hungarian": {"iso8859-2", "cp1250"},
    "Turkish": {"cp1254"},
    "Lithuanian": {"cp1257"},
}
"""Latin script of another charset under the label of ISO-8859-1: nothing shows that it is wrong."""


@pytest.mark.parametrize("case", CASES)
def test_pages_in_many_charsets(case):
    lost = {}
    for language, charset, part, text in samples():
        if not outcome(case, charset, text):
            lost.setdefault(language, {}).setdefault(charset, []).append(part)
    expected = UNTOLD if case == "wrong_latin1" else {}
    assert {language: set(charsets) for language, charsets in lost.items()} == expected, lost
