"""The words of the glossary: each once, in plain text, and all that people met without knowing."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from thresher.jobs.docs.pages import pages
from thresher.jobs.docs.words import explained, meanings, words

ROOT = Path(__file__).resolve().parents[3]


def test_each_form_stands_once_and_the_words_in_order():
    forms = Counter(form for word in words() for form in (word.name, *word.forms))
    assert [form for form, times in forms.items() if times > 1] == []
    names = [word.name for word in words()]
    assert names == sorted(names)
    assert all(form == form.lower() for form in forms)


def test_meanings_are_plain_sentences():
    for word in words():
        assert word.meaning.endswith("."), word.name
        assert not re.search(r"[`*\[\]<>]", word.meaning), word.name
        assert len(word.meaning) < 250, word.name
        assert not re.search(rf"^(An? )?{word.name}\b", word.meaning, re.IGNORECASE), word.name


def test_the_words_of_the_architecture_have_an_entry():
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    listed = text.partition("\n## Words\n")[2].partition("\n## ")[0]
    listed = re.sub(r"\([^()]*\)", "", listed).strip().rstrip(".")
    found = [word.strip().lower() for word in listed.split("·")]
    assert len(found) > 10
    assert [word for word in found if word not in meanings()] == []


def test_what_newcomers_stumbled_over_has_an_entry():
    asked = (
        "gated, lake, materialize, receipt, emptied by transforms, quarantine, fingerprint, guests"
    )
    assert [word for word in asked.split(", ") if word not in meanings()] == []


def test_the_page_has_them_all():
    page = pages()["glossary.md"]
    assert re.findall(r"(?m)^## (.+)$", page) == [word.name for word in words()]
    for word in words():
        assert f"\n## {word.name}\n\n{word.meaning}" in page


def test_a_heading_shows_what_its_words_mean():
    kept, emptied = meanings()["kept"], meanings()["emptied by transforms"]
    assert explained("kept") == f'<abbr tabindex="0" title="{kept}">kept</abbr>'
    whole = f'<abbr tabindex="0" title="{emptied}">Emptied by transforms</abbr>'
    assert explained("Emptied by transforms") == whole
    assert explained("unkept, keptness") == "unkept, keptness"
    assert explained('<i title="x">') == "&lt;i title=&quot;x&quot;&gt;"
    assert re.sub(r"<[^>]*>", "", explained("documents measured")) == "documents measured"
    assert explained("documents measured").count("<abbr") == 2
