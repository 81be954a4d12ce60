"""The kernel signals in plain Python, slow and by the book: what the kernels are held against.

`reference_words` splits words, `reference_plain` has the families that are not of Gopher, C4 or
FineWeb, `reference_junk` those of junk. The rest is datatrove's filters, with the words of here
instead of spaCy's.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

import reference_junk as junk
import reference_plain as plain
from datatrove.utils.text import PUNCTUATION_SET, TERMINAL_PUNCTUATION
from reference_words import count_sentences, script, split_chunks, split_words

from thresher.filters.kernels.rules.exceptions import STOP_WORDS
from thresher.filters.kernels.text.tables import QUOTE_MARKS


def duplicates(elements: list[str]) -> tuple[int, int]:
    seen: set[str] = set()
    count = characters = 0
    for element in elements:
        if element in seen:
            count += 1
            characters += len(element)
        seen.add(element)
    return count, characters


def repetition(text: str, words: list[str]) -> dict[str, object]:
    keys = [f"top_{n}gram_character_fraction" for n in (2, 3, 4)]
    result: dict[str, object] = dict.fromkeys(keys)
    if not text:
        return result
    paragraphs = re.split(r"\n{2,}", text.strip())
    lines = re.split(r"\n+", text)
    for name, elements in (("line", lines), ("paragraph", paragraphs)):
        count, characters = duplicates(elements)
        result[f"duplicate_{name}_fraction"] = count / len(elements)
        result[f"duplicate_{name}_character_fraction"] = characters / len(text)
    for n in (2, 3, 4):
        grams = [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]
        if grams:
            gram, count = Counter(grams).most_common(1)[0]
            result[f"top_{n}gram_character_fraction"] = len(gram) * count / len(text)
    for n in range(5, 11):
        seen: set[tuple[str, ...]] = set()
        characters = i = 0
        while i < len(words) - n + 1:
            key = tuple(words[i : i + n])
            repeated = key in seen
            characters += sum(map(len, key)) if repeated else 0
            seen.add(key)
            i += n if repeated else 1
        result[f"duplicate_{n}gram_character_fraction"] = characters / len(text)
    return result


def fineweb(text: str, words: list[str]) -> dict[str, object]:
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        return {}
    return {
        "terminal_mark_line_fraction": sum(x[-1] in TERMINAL_PUNCTUATION for x in lines)
        / len(lines),
        "short_line_fraction": sum(len(x) <= 30 for x in lines) / len(lines),
        "duplicate_line_character_fraction": duplicates(lines)[1] / len(text.replace("\n", "")),
        "newline_word_ratio": text.count("\n") / len(words),
    }


CLOSING = set(")]}>*^_`~\u2020\u2021\u00a7\u00b6\u203b\u2042\u2039\u203a\u301d\u301e\u301f")
CLOSING |= set("\uff02\uff07\uff3d\uff5d\uff60\uff63\u20e3") | set(QUOTE_MARKS)
CLOSING |= {chr(c) for c in [*range(0xFE00, 0xFE10), *range(0x1F3FB, 0x1F400)]}
CLOSING |= {chr(c) for c in [*range(0xE0020, 0xE0080), *range(0x200B, 0x2010)]}
CLOSING |= {chr(c) for c in [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]}


def ends_sentence(line: str) -> bool:
    """Whether a terminal mark ends a line, or stands before what may follow it."""
    while line:
        last, rest = line[-1], line[:-1]
        if last in TERMINAL_PUNCTUATION:
            return True
        if last in ")]":
            opening = "(" if last == ")" else "["
            place = max(rest.rfind(opening), rest.rfind(last))
            note = rest[place + 1 :] if place >= 0 and rest[place] == opening else None
            if note is not None and len(note.encode()) < 40:
                number = set(note) <= set("0123456789 ,-") or len(note.encode()) == 1
                sentence = note[-1:] in TERMINAL_PUNCTUATION and note.strip(".")
                if (last == "]" or number) and not (note and sentence):
                    rest = rest[:place]
        elif last in "0123456789":
            place = len(line)
            while place and (line[place - 1] in "0123456789,-–"):
                place -= 1
            if not place or len(line[place:].encode()) > 8:
                return False
            rest = line[:place]
            cited = rest.removesuffix(" ")
            if cited.endswith("]:"):
                rest = cited[:-1]
            elif rest[-1] in QUOTE_MARKS or rest[-1] == ")":
                pass
            elif rest[-1] not in TERMINAL_PUNCTUATION:
                return False
            elif rest[-1] == ".":
                before = rest[-2:-1]
                if before not in (")", *QUOTE_MARKS):
                    return len(rest) > 2 and all(
                        c.isalpha() and (c.islower() or not c.isupper()) for c in rest[-3:-1]
                    )
        elif last not in CLOSING and not last.isspace():
            category = unicodedata.category(last)
            if category not in ("So", "No", "Nl"):
                return False
        line = rest
    return False


def ascii_lower(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


POLICY = ["terms of use", "privacy policy", "cookie policy"]
POLICY += ["uses cookies", "use of cookies", "use cookies"]


def c4(text: str) -> dict[str, object]:
    counts: Counter[str] = Counter()
    flags = {
        f"has_{what}{end}": False
        for what in ("lorem_ipsum", "curly_brace")
        for end in ("", "_any_end")
    }
    for raw in text.splitlines():
        stripped = raw.strip()
        if not stripped:
            continue
        white = split_chunks(stripped)
        line = re.sub(r"\[\d*]|\[edit]|\[citation needed]", "", stripped)
        low = ascii_lower(line)
        terminal = line.endswith((".", "?", "!", '"', "'")) and not line.endswith("...")
        for end in ("", "_any_end"):
            note = counts if not end else Counter()
            if any(len(word) > 1000 for word in white):
                note["long_word_lines"] += 1
            elif not end and not terminal:
                note["no_terminal_mark_lines"] += 1
            elif len(white) < 3:
                note["few_word_lines"] += 1
            elif "lorem ipsum" in low:
                flags["has_lorem_ipsum" + end] = True
            elif "javascript" in low:
                note["javascript_lines"] += 1
            elif "{" in line:
                flags["has_curly_brace" + end] = True
            elif any(phrase in low for phrase in POLICY):
                note["policy_lines"] += 1
            else:
                counts["lines_kept" + end] += 1
                spoken = count_sentences(split_words(line))
                counts["sentences_kept" + end] += spoken or min(len(line), 1)
    names = ["javascript", "policy", "long_word", "no_terminal_mark", "few_word"]
    keys = [f"{name}_lines" for name in names]
    keys += [f"{what}_kept{end}" for what in ("sentences", "lines") for end in ("", "_any_end")]
    return {**{key: counts[key] for key in keys}, **flags}


def measure(text: str) -> dict[str, dict[str, object]]:
    """All kernel families of a text; a missing key is NULL."""
    words = split_words(text)
    letters = sum(script(word[0]) for word in words)
    spaceless = 2 * letters > len(words)
    nonsymbol = [w for w in words if any(c not in PUNCTUATION_SET for c in w)]
    lines = text.splitlines()
    solid = [line for line in lines if line.strip()]
    line_words = [split_words(line) for line in solid]

    def per_word(count: int) -> float | None:
        return count / len(words) if words else None

    def share(flags: list[bool]) -> float | None:
        return sum(flags) / len(flags) if flags else None

    alphabetic = [any(c.isalpha() for c in w) for w in words]
    stop_words = [w for w in words if w in STOP_WORDS]
    return {
        "length": {
            "characters": len(text),
            "bytes": len(text.encode()),
            "words": len(words),
            "nonsymbol_words": len(nonsymbol),
            "mean_word_characters": sum(map(len, nonsymbol)) / len(nonsymbol)
            if nonsymbol and not spaceless
            else None,
            "lines": len(solid),
            "paragraphs": len(re.split(r"\n{2,}", text.strip())) if solid else 0,
            "sentences": sum(count_sentences(each) for each in line_words),
            "spaceless_word_fraction": per_word(letters),
        },
        "symbols": {
            "hash_word_ratio": per_word(text.count("#")),
            "ellipsis_word_ratio": per_word(text.count("...") + text.count("…")),
            "alphabetic_word_fraction": share(alphabetic),
        },
        "lines": {
            "bullet_fraction": share([x.lstrip().startswith(("•", "-")) for x in lines]),
            "ellipsis_fraction": share([x.rstrip().endswith(("...", "…")) for x in lines]),
            "sentence_end_fraction": share([ends_sentence(x.rstrip()) for x in solid]),
        },
        "stopwords": {
            "distinct_count": None if spaceless else len(set(stop_words)),
            "occurrence_count": None if spaceless else len(stop_words),
        },
        "repetition": repetition(text, words),
        "repetition_union": plain.repetition_union(words),
        "entropy": plain.entropies(text, words),
        "dclm": plain.dclm(text, spaceless),
        "redpajama": plain.redpajama(text, spaceless),
        "pii": plain.pii(text),
        "fineweb": fineweb(text, words),
        "c4": c4(text),
        **junk.measure(text),
    }
