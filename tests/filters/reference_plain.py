"""Families beyond Gopher, C4 and FineWeb in plain Python: what the kernels are held against."""

from __future__ import annotations

import ipaddress
import math
import re
import string
import unicodedata
from collections import Counter
from itertools import pairwise

from thresher.filters.stop_words import ENGLISH

BULLETS = "\u2022\u2023\u25b6\u25c0\u25e6\u25a0\u25a1\u25aa\u25ab\u2013"
SOCIAL = (
    r"^\W*\d(?:,|\.|\d)*[kmb]?\s+(?:likes|shares|comments|retweets|reposts|quotes|bookmarks"
    r"|upvotes|downvotes|downloads|views|followers)\W*$"
)
WORDPUNCT = re.compile(r"\w+|[^\w\s]+")


def low(c: str) -> str:
    return c.lower() if len(c.lower()) == 1 else c


def nfd(word: str) -> str:
    """What a word's length is taken of, code point by code point."""
    return "".join(unicodedata.normalize("NFD", c.lower()) for c in word)


def normal_words(text: str) -> list[str]:
    """Normal words before lower case and NFD."""
    return text.translate(str.maketrans("", "", string.punctuation)).split()


def entropy(items: list) -> float:
    counts = Counter(items).values()
    return max(0.0, -sum(c / len(items) * math.log2(c / len(items)) for c in counts))


def top_gram(words: list, lengths: list[int], n: int) -> float | None:
    """Share of the most frequent n-gram; 0 if none occurs twice."""
    grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    if not grams:
        return None
    gram, count = Counter(grams).most_common(1)[0]
    start = grams.index(gram)
    return sum(lengths[start : start + n]) * count / sum(lengths) if count > 1 else 0.0


def covered(words: list, lengths: list[int], n: int) -> float | None:
    if not words:
        return None
    grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    counts = Counter(grams)
    inside = {i + k for i, gram in enumerate(grams) if counts[gram] > 1 for k in range(n)}
    return sum(lengths[i] for i in inside) / sum(lengths)


def repetition_union(words: list[str]) -> dict[str, object]:
    lengths = [len(word) for word in words]
    return {f"top_{n}gram_character_fraction": top_gram(words, lengths, n) for n in (2, 3, 4)} | {
        f"duplicate_{n}gram_character_fraction": covered(words, lengths, n) for n in range(5, 11)
    }


def entropies(text: str, words: list[str]) -> dict[str, object]:
    result: dict[str, object] = {}
    if text:
        data = text.encode()
        result["compression_ratio"] = min(compressed_size(data) / len(data), 1)
    if not words:
        return result
    result["unigram_bits"] = entropy(words)
    result["root_type_token_ratio"] = len(set(words)) / math.sqrt(len(words))
    for n in (1, 2, 3):
        grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
        if grams:
            result[f"distinct_{n}_fraction"] = len(set(grams)) / len(grams)
            if n == 2:
                result["bigram_bits"] = entropy(grams)
    return result


def compressed_size(data: bytes) -> int:
    """Greedy LZ77 with one remembered place for each hash of 4 bytes, in LZ4's block format."""
    last: dict[int, int] = {}
    size = anchor = i = 0

    def extra(length: int) -> int:
        return 0 if length < 15 else 1 + (length - 15) // 255

    while i + 4 <= len(data):
        slot = (int.from_bytes(data[i : i + 4], "little") * 2654435761 % 2**32) >> 20
        place = last.get(slot)
        last[slot] = i
        if place is None or i - place > 65535 or data[place : place + 4] != data[i : i + 4]:
            i += 1
            continue
        length = 4
        while i + length < len(data) and data[i + length] == data[place + length]:
            length += 1
        size += 3 + (i - anchor) + extra(i - anchor) + extra(length - 4)
        i += length
        anchor = i
    left = len(data) - anchor
    return size + (1 + left + extra(left) if left else 0)


def dclm(text: str, spaceless: bool) -> dict[str, object]:
    counts: Counter[str] = Counter()
    for line in text.split("\n"):
        if not line:
            continue
        words = line.split()
        hits = {
            "uppercase": sum(c.isupper() for c in line) / len(line) > 0.5,
            "numeric": sum(c.isdigit() for c in line) / len(line) > 0.999999,
            "counter": re.search(SOCIAL, "".join(map(low, line))) is not None,
            "short": len(words) < 2,
        }
        hits["removed"] = any(hits.values())
        for name, hit in hits.items():
            counts[f"{name}_lines"] += hit
            counts[f"{name}_words"] += hit * len(words)
            counts[f"{name}_characters"] += hit * len(line)
    names = ("uppercase", "numeric", "counter", "short", "removed")
    result: dict[str, object] = {
        f"{name}_{unit}": counts[f"{name}_{unit}"]
        for name in names
        for unit in ("lines", "words", "characters")
        if not spaceless or name not in ("short", "removed")
    }
    if text.split() and not spaceless:
        result["removed_word_fraction"] = counts["removed_words"] / len(text.split())
    return result


def redpajama(text: str, spaceless: bool) -> dict[str, object]:
    lines = re.findall(r"[^\n]*\n|[^\n]+$", text)
    raw = WORDPUNCT.findall(text)
    plain = normal_words(text)
    words = ["".join(map(low, word)) for word in plain]
    lengths = [len(nfd(word)) for word in plain]
    result: dict[str, object] = {
        "ccnet_length": len(text),
        "ccnet_nlines": len(lines),
        "sentence_count": len(re.findall(r"\b[^.!?]+[.!?]*", text)),
        "javascript_words": words.count("javascript"),
    }
    if text:
        result["curly_bracket_ratio"] = (text.count("{") + text.count("}")) / len(text)
    if lines:
        stripped = [line.strip() for line in lines]
        result["ellipsis_line_fraction"] = mean([x.endswith(("...", "…")) for x in stripped])
        result["terminal_mark_line_fraction"] = mean([x.endswith(tuple(".!?”")) for x in stripped])
        result["bullet_line_fraction"] = mean([x.startswith(tuple(BULLETS)) for x in stripped])
        result["line_uppercase_character_fraction"] = mean(
            [sum(c.isupper() for c in line) / len(line) for line in lines]
        )
        result["line_numeric_character_fraction"] = mean([numeric_share(line) for line in lines])
        if not spaceless:
            result["line_words"] = mean([len(normal_words(line)) for line in lines])
    if spaceless:
        return result
    result["word_count"] = len(words)
    if raw:
        symbols = text.count("#") + text.count("...") + text.count("…")
        result["all_caps_word_fraction"] = mean([word.isupper() for word in raw])
        result["no_alphabetic_word_fraction"] = mean([not re.search("[a-zA-Z]", w) for w in raw])
        result["stop_word_fraction"] = mean([word in ENGLISH for word in raw])
        result["symbol_word_ratio"] = symbols / len(raw)
    if not words:
        return result
    result["mean_word_characters"] = sum(lengths) / len(words)
    pairs = list(pairwise(words))
    total = sum(lengths) + len(words) - 1
    result["lorem_ipsum_ratio"] = pairs.count(("lorem", "ipsum")) / total
    result["unique_word_fraction"] = len(set(words)) / len(words)
    result["unigram_entropy_nats"] = entropy(words) * math.log(2)
    for n in (2, 3, 4):
        result[f"top_{n}gram_character_fraction"] = top_gram(words, lengths, n) or 0.0
    for n in range(5, 11):
        result[f"duplicate_{n}gram_character_fraction"] = covered(words, lengths, n)
    return result


def mean(values: list) -> float:
    return sum(values) / len(values)


def numeric_share(line: str) -> float:
    normal = " ".join(map(nfd, normal_words(line)))
    return sum(map(str.isnumeric, normal)) / len(normal) if normal else 0.0


LETTER = r"0-9A-Za-z\x80-\U0010ffff"
EMAIL = re.compile(r"[A-Za-z0-9_+%-]@")
IPV6 = re.compile(rf"(?<![{LETTER}:._])[23][0-9A-Fa-f]{{3}}:[0-9A-Fa-f:]*+(?![{LETTER}_])")
NUMBER = re.compile(
    rf"(?<![{LETTER}#$_+,./:=-])(?P<lead>[+(]?)[0-9]+(?:(?: \(|\)[ -]|[ .)-])[0-9]+)*"
)
NANP = re.compile(
    r"(?:1 \(|\()[2-9][0-9]{2}\)[ -]?[0-9]{3}[ .-][0-9]{4}"
    r"|(?:1[ .-])?[2-9][0-9]{2}[.-][0-9]{3}[ .-][0-9]{4}"
)
_RESERVED = """
0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
192.0.2.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4
2001:db8::/32
"""
RESERVED = [ipaddress.ip_network(network) for network in _RESERVED.split()]


def is_public(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return not any(parsed in network for network in RESERVED if network.version == parsed.version)


def luhn(digits: str) -> bool:
    total = 0
    for k, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + k % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def pii(text: str) -> dict[str, object]:
    emails = 0
    for match in EMAIL.finditer(text):
        domain = re.match(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", text[match.end() :][:253])
        label = domain[0].rpartition(".")[2] if domain else ""
        emails += len(label) > 1 and label[0].isalpha()
    addresses = 0
    for match in IPV6.finditer(text):
        try:
            addresses += is_public(match[0])
        except ValueError:
            continue
    phones = cards = 0
    for match in NUMBER.finditer(text):
        after = text[match.end() : match.end() + 1]
        number = match[0]
        groups = re.findall("[0-9]+", number)
        if re.match(rf"[{LETTER}_%]", after) or len(groups) > 8:
            continue
        digits = "".join(groups)
        if number[0] == "(" and not re.match(r"\([0-9]+\)", text[match.start() :]):
            number = number[1:]
        if number[0] == "+":
            phones += 9 <= len(digits) <= 15 and digits[0] != "0"
        elif re.fullmatch(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", number) and max(map(int, groups)) < 256:
            addresses += is_public(".".join(str(int(group)) for group in groups))
        elif NANP.fullmatch(number):
            phones += 1
        elif 13 <= len(digits) <= 19 and is_card(number, groups) and luhn(digits):
            cards += 1
    return {
        "email_count": emails,
        "ip_address_count": addresses,
        "phone_count": phones,
        "card_count": cards,
    }


def is_card(number: str, groups: list[str]) -> bool:
    joined = any(number == mark.join(groups) for mark in (" ", "-"))
    return number[0] in "3456" and joined and all(4 <= len(group) <= 6 for group in groups[:-1])
