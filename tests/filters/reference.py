"""The kernel signals in plain Python, slow and by the book: what the kernels are held against.

`reference_plain` has the families that are not of Gopher, C4 or FineWeb, `reference_junk` those of
junk.

Words follow spaCy's English rules as `thresher.filters.kernels.rules.affixes` states them; the rest
is datatrove's filters, with the words of here instead of spaCy's.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache
from itertools import pairwise

import reference_junk as junk
import reference_plain as plain
from datatrove.utils.text import PUNCTUATION_SET, TERMINAL_PUNCTUATION

from thresher.filters.kernels.rules.exceptions import STOP_WORDS, UNITS, exceptions
from thresher.filters.kernels.text.tables import CURRENCIES, PUNCT_MARKS, QUOTE_MARKS, SCRIPT_RANGES

EXCEPTIONS = exceptions()
HOST = re.compile(
    r"(?:(?![_-])(?:[^\W_]|[\u00a1-\U0010ffff_-])+(?<![_-])\.)+(?P<top>(?:[^\W_]|[\u00a1-\U0010ffff])"
    r"(?:[^\W_]|[\u00a1-\U0010ffff_-])+)(?::[0-9]{2,5})?(?:[/?#].*)?",
    re.DOTALL,
)


@cache
def category(c: str) -> str:
    return unicodedata.category(c)


def lower(c: str) -> bool:
    return c.isalpha() and not c.isupper()


def upper(c: str) -> bool:
    return c.isalpha() and not c.islower()


def digit(c: str) -> bool:
    return "0" <= c <= "9"


@cache
def icon(c: str) -> bool:
    return category(c) == "So"


@cache
def script(c: str) -> bool:
    solid = c.isalpha() or (category(c)[0] == "N" and category(c) != "Nd")
    return solid and any(start <= ord(c) <= end for start, end in SCRIPT_RANGES)


def prefix_length(s: str) -> int:
    if s[0] in PUNCT_MARKS + QUOTE_MARKS + CURRENCIES + "§%=—–" or icon(s[0]):
        return 1
    if match := re.match(r"\.\.+|\+(?![0-9])|[AC]\$|US\$", s):
        return match.end()
    return 0


def suffix_length(s: str) -> int:
    if not s:
        return 0
    if match := re.search(r"(\.\.+|…+|['’][sS])$", s):
        return min(match.end() - match.start(), 2) if s[-1] == "…" else len(match[0])
    if s[-1] in PUNCT_MARKS + QUOTE_MARKS + "—–" or icon(s[-1]):
        return 1
    before = s[-2] if len(s) > 1 else " "
    if s[-1] == ".":
        after = lower(before) or digit(before) or before in "%²-+|" + PUNCT_MARKS + QUOTE_MARKS
        return int(after or (len(s) > 2 and upper(before) and upper(s[-3])))
    if s[-1] in CURRENCIES + "+" or category(s[-1]) == "Sc":
        return int(digit(before))
    match = re.search(r"[0-9]([^0-9]{1,4})$", s)
    return len(match[1]) if match and match[1] in UNITS else 0


def is_host(s: str) -> bool:
    match = HOST.fullmatch(s)
    return bool(match) and all(lower(c) for c in match["top"])


def is_address(s: str) -> bool:
    if "." not in s:
        return False
    starts = [0]
    if "://" in s[2:]:
        starts.append(s.index("://", 2) + 3)
    if "@" in s[1:]:
        starts += [s.index("@", 1) + 1, s.rindex("@") + 1]
    return any(is_host(s[start:]) for start in starts)


def infix_length(s: str, i: int) -> int:
    if match := re.compile(r"\.\.+|…").match(s, i):
        return match.end() - i
    if icon(s[i]):
        return 1
    if i == 0 or i + 1 >= len(s):
        return 0
    left, right = s[i - 1], s[i + 1]
    if s[i] == ".":
        quotes = QUOTE_MARKS
        return int((lower(left) or left in quotes) and (upper(right) or right in quotes))
    if s[i] in "+-*^" and digit(left) and (digit(right) or right == "-"):
        return 1
    if s[i] == ",":
        return int(left.isalpha() and right.isalpha())
    if not (left.isalpha() or digit(left)):
        return 0
    if match := re.compile(r"[:<>=/–~]|-{1,3}|—{1,2}").match(s, i):
        end = match.end()
        return end - i if end < len(s) and s[end].isalpha() else 0
    return 0


def split_exception(s: str) -> list[str]:
    edges = [0, *EXCEPTIONS[s], len(s)]
    return [s[a:b] for a, b in pairwise(edges)]


def split_chunk(s: str) -> list[str]:
    """spaCy's loop over the affixes of a chunk."""
    before: list[str] = []
    after: list[str] = []
    while s and s not in EXCEPTIONS:
        prefix = prefix_length(s)
        if prefix and s[prefix:] in EXCEPTIONS:
            before.append(s[:prefix])
            s = s[prefix:]
            break
        suffix = suffix_length(s[prefix:])
        if suffix and s[:-suffix] in EXCEPTIONS:
            after.append(s[-suffix:])
            s = s[:-suffix]
            break
        if not prefix and not suffix:
            break
        if prefix:
            before.append(s[:prefix])
        if suffix:
            after.append(s[-suffix:])
        s = s[prefix : len(s) - suffix]
    if s in EXCEPTIONS:
        middle = split_exception(s)
    elif not s or is_address(s):
        middle = [s]
    else:
        middle = split_infixes(s)
    return [word for word in [*before, *middle, *reversed(after)] if word]


def split_infixes(s: str) -> list[str]:
    pieces, start, i = [], 0, 0
    while i < len(s):
        length = infix_length(s, i)
        if not length:
            i += 1
            continue
        if i:
            pieces += [s[start:i], s[i : i + length]]
            start = i + length
        i += length
    return [*pieces, s[start:]]


def split_chunks(text: str) -> list[str]:
    """Stretches between white space, and letters of scripts without spaces with their marks."""
    found: list[str] = []
    for chunk in text.split():
        start = k = 0
        while k < len(chunk):
            if not script(chunk[k]):
                k += 1
                continue
            found += [chunk[start:k]] if k > start else []
            start = k
            k += 1
            while k < len(chunk) and category(chunk[k])[0] == "M":
                k += 1
            found.append(chunk[start:k])
            start = k
        found += [chunk[start:]] if start < len(chunk) else []
    return found


def split_words(text: str) -> list[str]:
    found: list[str] = []
    for chunk in split_chunks(text):
        found += [chunk] if script(chunk[0]) else split_chunk(chunk)
    return found


def count_sentences(words: list[str]) -> int:
    count, ended = 0, False
    for k, word in enumerate(words):
        terminal = word in TERMINAL_PUNCTUATION
        marks = all(category(c)[0] == "P" for c in word)
        if k == 0 or (ended and not terminal and not marks):
            count += 1
            ended = False
        if terminal:
            ended = True
    return count


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
