"""The kernel signals in plain Python, slow and by the book: what the kernels are held against.

`reference_words` splits words, `reference_plain` has the families that are not of Gopher, C4 or
FineWeb, `reference_junk` those of junk. The rest is datatrove's filters, with the words of here
instead of spaCy's.
"""

from __future__ import annotations

import re
from collections import Counter

import reference_junk as junk
import reference_plain as plain
from datatrove.utils.text import PUNCTUATION_SET, TERMINAL_PUNCTUATION
from reference_words import count_sentences, script, split_chunks, split_words

from thresher.filters.kernels.rules.exceptions import STOP_WORDS


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
