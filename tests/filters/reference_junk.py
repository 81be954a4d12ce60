"""The junk families in plain Python, word by word and line by line."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

from reference_junk_phrases import count_tickers, found_phrases, phrase_words, pseudo
from reference_junk_words import (
    capital,
    change,
    closer,
    dated,
    digit,
    encoded,
    ends,
    letter,
    listed,
    lowercase,
    markup,
    money,
    number,
    part,
    score,
    script,
    split_lines,
    terminal,
)

from thresher.filters.junk import families as junk
from thresher.filters.junk import model as junk_model
from thresher.filters.junk import phrases
from thresher.filters.kernels.junk.terms import TERM_WORDS
from thresher.filters.signals.junk import TARGETS


def term_words(text: str) -> list[str]:
    """Words of terms: those of phrases, numbers as such."""
    words = [word for word, _ in phrase_words(text) if word != "["][:TERM_WORDS]
    return [
        word if not all(map(digit, word)) else "####" if re.fullmatch("(19|20)..", word) else "#"
        for word in words
    ]


def term_scores(text: str) -> dict[str, float]:
    """The junk model's score of terms, by target."""
    words = term_words(text)
    held = {*words, *(f"{a} {b}" for a, b in pairwise(words))}
    listed = [(square, weights) for term, square, weights in junk_model.terms() if term in held]
    length = math.sqrt(max(sum(square for square, _ in listed) / 100, 1.0))
    return {
        f"{target}_term_score": sum(weights[k] for _, weights in listed) / (100 * length)
        for k, target in enumerate(TARGETS)
    }


def lines_as_read(measured: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    """The signals with lines that end like a sentence for readers counted as C4 counts others."""
    c4 = dict(measured["c4"])
    lines, share = measured["length"]["lines"], measured["lines"]["sentence_end_fraction"]
    ended = round((share or 0) * lines)
    unmarked = c4["no_terminal_mark_lines"]
    moved = min(max(ended - (lines - unmarked), 0), unmarked)
    if moved:
        c4["no_terminal_mark_lines"] -= moved
        for what in ("lines", "sentences"):
            other = c4[f"{what}_kept_any_end"] - c4[f"{what}_kept"]
            c4[f"{what}_kept"] += other * moved / unmarked
    changed = {**measured, "c4": c4}
    for family, every in (("fineweb", lines), ("redpajama", measured["redpajama"]["ccnet_nlines"])):
        published = measured[family]["terminal_mark_line_fraction"]
        if published is not None and every:
            own = min(1, ended / every)
            larger = {"terminal_mark_line_fraction": max(published, own)}
            changed[family] = {**measured[family], **larger}
    return changed


def model_scores(measured: dict[str, dict[str, object]]) -> dict[str, float]:
    """The junk model's scores from every other signal, question by question."""
    text = (Path(junk.__file__).parent / "model.json").read_text(encoding="utf-8")
    measured = lines_as_read(measured)
    scores = {}
    for target, model in json.loads(text).items():
        questions = list(zip(model["features"], model["thresholds"], strict=True))
        depth = len(questions) // len(model["leaves"])
        total = model["base"]
        for tree, leaves in enumerate(model["leaves"]):
            leaf = ""
            for name, threshold in questions[tree * depth : (tree + 1) * depth]:
                family, _, signal = name.partition(".")
                value = measured[family][signal]
                leaf += "1" if value is not None and value > threshold else "0"
            total += leaves[int(leaf, 2)]
        step = max(-800, min(800, total // 10))
        scores[f"{target}_score"] = round(65536 / (1 + math.exp(-step / 100))) / 65536
    return scores


# Tickers.


FURNITURE = ("consent", "access", "error", "forum", "navigation", "copyright")
SELLING = ("shop", "coupon", "listing")


def measure(text: str) -> dict[str, dict[str, object]]:
    """The junk families of a text; a missing key is NULL."""
    words = phrase_words(text)
    hits = found_phrases(words)
    kinds = Counter(kind for kind, _, _ in hits if kind != phrases.MODEL)
    total: Counter[str] = Counter()
    lengths: list[int] = []
    content: list[str] = []
    opening: list[str] = []
    open_words, commas = 0, []  # of the sentence; places of words that a comma follows
    place = -1  # of the word, in the document
    seen_lines = 0
    for line, start, stop in split_lines(text):
        here = [
            word for word, end in words if start < end <= stop or (word == "[" and end == start)
        ]
        here = [word for word in here if word != "["]
        for word in here:
            if not any(map(digit, word)) and len(word) > 2 and word not in junk.FUNCTION_WORDS:
                # A word of digits alone is none either; one with other numbers may be.
                content.append(word)
                if seen_lines == 0 and word not in opening:
                    opening.append(word)
        months: str = ""
        numbers = dates = prices = 0
        chunks = line.split()
        plain = [w for w in chunks if any(letter(c) or digit(c) for c in w)]
        for chunk in chunks:
            if chunk not in plain:
                if any(map(money, chunk)):
                    prices += 1
                    total["money"] += 1
                continue
            place += 1
            open_words += 1
            spoken_here = [w for w, _ in phrase_words(chunk)]
            digits, letters = sum(map(digit, chunk)), sum(map(letter, chunk))
            numbers += number(chunk)
            formula = set(chunk) & set(";<>{}=\\^_`~")
            if digits and any(money(c) or c == "%" for c in chunk) and not formula:
                total["money"] += 1
                prices += any(map(money, chunk)) and letters <= 3
            total["changes"] += change(chunk)
            day = dated(chunk)
            if set(spoken_here) & junk.MONTHS:
                day |= months == "number"
                months = "" if months == "number" else "month"
            elif 0 < digits <= 4 and letters <= 2:
                day |= months == "month"
                months = "number"
            else:
                months = ""
            dates += day
            total["scores"] += score(chunk) and not day
            total["parts"] += part(chunk)
            total["encoded"] += len(chunk) if encoded(chunk) else 0
            if set(spoken_here) & junk.JOINS and commas[-1:] == [place - 1] and len(commas) > 1:
                total["triples"] += commas[-2] >= place - 6
            if chunk[-1] == ",":
                commas.append(place)
            letters_up = sum(map(capital, chunk))
            if ends(chunk) and (letters > letters_up or digits):
                lengths.append(open_words)
                open_words, commas = 0, []
        solid = "".join(chunks)
        prose = False
        if solid:
            seen_lines += 1
            count = len(plain)
            alphabetic = sum(any(map(letter, w)) for w in plain)
            lower = sum(map(lowercase, plain))
            function = sum(word in junk.FUNCTION_WORDS for word in here)
            ended = ends(chunks[-1])
            if 3 * numbers <= count and (2 * lower >= alphabetic or 4 * function >= count):
                prose = alphabetic >= 6 and 8 * function >= count and function >= 2
                prose |= ended and alphabetic >= 4 and function >= 1
            marks = sum(c in ";<>{}=\\^_`~" for c in solid)
            if marks >= 2 and 12 * marks >= len(solid) and not (prose and count >= 12):
                total["code_lines"] += 1
                prose = False
            inside = {kind for kind, _, end in hits if start < end <= stop}
            sells = bool(inside & set(SELLING))
            total["lines"] += 1
            total["solid"] += len(solid)
            total["words"] += count
            total["numbers"] += numbers
            total["dates"] += dates
            total["function"] += function
            if prose:
                total["prose_lines"] += 1
                total["prose_words"] += count
            else:
                total["quote_lines"] += numbers >= 2 and alphabetic <= 5
                total["figure_lines"] += numbers > 0 and alphabetic == 0
                total["date_lines"] += dates > 0 and count <= 8
                total["price_lines"] += (prices > 0 or sells) and count <= 15
                if count >= 10 and 20 * function <= count and 3 * numbers <= count:
                    total["keyword_words"] += count
            last = solid[-1]
            total["menu_lines"] += count <= 4 and not terminal(last) and not closer(last)
            total["list_lines"] += listed(chunks[0])
            total["markup_lines"] += markup(chunks[0])
            total["hit_lines"] += bool(inside & set(FURNITURE))
            years = any(pseudo(w) == "####" for w in here)
            total["templates"] += bool(set(here) & junk.BEST) and years and count <= 14
        if not prose:
            open_words, commas = 0, []
    letters = sum(map(letter, text))
    spaceless = 2 * sum(map(script, text)) > letters
    content = content[:8192]
    return _report(text, kinds, hits, total, lengths, content, opening[:16], spaceless)


def _report(text, kinds, hits, total, lengths, content, opening, spaceless):
    words, lines = total["words"], total["lines"]

    def of_words(value: float) -> float | None:
        return value / words if words and not spaceless else None

    def rate(*names: str) -> float | None:
        return of_words(1000 * sum(kinds[name] for name in names))

    def of_lines(name: str, any_script: bool = False) -> float | None:
        return total[name] / lines if lines and (any_script or not spaceless) else None

    pairs = list(pairwise(content))
    triples = list(zip(content, content[1:], content[2:], strict=False))
    last: dict[tuple[str, ...], int] = {}
    distant = 0
    for k, triple in enumerate(triples):
        distant += triple in last and k - last[triple] >= 200
        last[triple] = k
    enough = len(content) >= 20 and not spaceless
    mean = sum(lengths) / len(lengths) if lengths else 0
    spread = None
    if len(lengths) >= 5 and not spaceless:
        spread = math.sqrt(sum((x - mean) ** 2 for x in lengths) / len(lengths)) / mean
    tickers = count_tickers(text)
    weights = sum(weight for kind, weight, _ in hits if kind == phrases.MODEL)
    mojibake = len(
        re.findall("\ufffd|(?<=[\xc2\xc3])[\x80-\xbf]|(?<=\xe2)[\x80\u20ac\u201e]", text)
    )
    solid = total["solid"]
    return {
        "prose": {
            "word_count": None if spaceless else total["prose_words"],
            "word_fraction": of_words(total["prose_words"]),
            "line_fraction": of_lines("prose_lines"),
            "function_word_fraction": of_words(min(total["function"], words)),
            "distant_repeat_fraction": distant / (len(content) - 2) if enough else None,
        },
        "market": {
            "ticker_count": tickers,
            "ticker_word_fraction": of_words(min(tickers, words)),
            "numeric_word_fraction": of_words(total["numbers"]),
            "money_word_fraction": of_words(min(total["money"], words)),
            "change_word_fraction": of_words(total["changes"]),
            "date_word_fraction": of_words(total["dates"]),
            "score_word_fraction": of_words(total["scores"]),
            "part_word_fraction": of_words(total["parts"]),
            "quote_line_fraction": of_lines("quote_lines"),
            "figure_line_fraction": of_lines("figure_lines"),
            "quote_term_count": kinds["quote_term"],
            "table_term_count": kinds["table_term"],
        },
        "commerce": {
            **{f"{kind}_phrase_count": kinds[kind] for kind in SELLING},
            "phrases_per_1000_words": rate(*SELLING),
            "price_line_fraction": of_lines("price_lines"),
        },
        "seo": {
            **{f"{k}_phrase_count": kinds[k] for k in ("call", "affiliate", "doorway")},
            "phrases_per_1000_words": rate("call", "affiliate", "doorway"),
            "year_template_count": total["templates"],
            "top_word_fraction": max(Counter(content).values()) / len(content) if enough else None,
            "top_phrase_fraction": max(Counter(pairs).values()) / len(pairs) if enough else None,
            "opening_word_fraction": sum(w in opening for w in content) / len(content)
            if enough
            else None,
            "keyword_word_fraction": of_words(total["keyword_words"]),
        },
        "slop": {
            "assistant_phrase_count": kinds["assistant"],
            "prompt_phrase_count": kinds["prompt"],
            "placeholder_count": kinds["placeholder"],
            "stock_phrase_count": kinds["stock"],
            "opening_phrase_count": kinds["opening"],
            "phrases_per_1000_words": rate("assistant", "stock", "opening"),
            "model_phrase_score": of_words(weights / 100),
            "sentence_length_variation": spread,
            "triples_per_sentence": total["triples"] / len(lengths)
            if lengths and not spaceless
            else None,
            "em_dashes_per_1000_words": of_words(1000 * text.count("—")),
            "list_line_fraction": of_lines("list_lines", True),
            "markup_line_fraction": of_lines("markup_lines", True),
        },
        "furniture": {
            **{f"{kind}_phrase_count": kinds[kind] for kind in FURNITURE},
            "lorem_word_fraction": of_words(
                min(sum(w in junk.LOREM for w, _ in phrase_words(text)), words)
            ),
            "phrases_per_1000_words": rate(*FURNITURE),
            "phrase_line_fraction": of_lines("hit_lines", True),
            "menu_line_fraction": of_lines("menu_lines"),
            "date_line_fraction": of_lines("date_lines"),
            "code_line_fraction": of_lines("code_lines", True),
            "encoded_character_fraction": total["encoded"] / solid if solid else None,
            "mojibake_per_1000_characters": 1000 * mojibake / solid if solid else None,
        },
        "junk": term_scores(text),
    }
