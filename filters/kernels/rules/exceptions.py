"""English words that the splitter cuts, or does not cut, against its rules.

Contractions with and without apostrophe, abbreviations that keep their full stop, clock times
and emoticons: the exceptions of spaCy's English rules, written as the few patterns they are.
A `|` marks a cut.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels.text.hashing import MULTIPLIER, SEED, python_point_hash

MASK = (1 << 64) - 1

LONGEST = 12
"""Characters of the longest exception."""

_SLOTS = 4096
SLOT_SHIFT = 52
"""A slot is the upper bits of a hash."""

_NOT_CONTRACTIONS = frozenset(
    "Ill ill Its its Hell hell Shell shell Shed shed were Were Well well Whore whore".split()
)
_PRONOUNS = "i you he she it we they".split()
_QUESTION_WORDS = "who what when where why how there that this these those".split()
_NEGATED = (
    "ca could do does did had may might must need ought sha should wo would "
    "ai are is was were have has dare"
).split()
_NEGATED_HAVE = _NEGATED[:15]
_MODALS = "could might must should would".split()
_G_DROPPED = "doin goin nothin nuthin ol somethin lovin havin".split()

_CUT = """
I|'m|a i|'m|a I|m|a i|m|a I|m i|m I|'m i|'m y'|all y|all how|'d|'y How|'d|'y not|'ve not|ve Not|'ve
Not|ve can|not Can|not gon|na Gon|na got|ta Got|ta let|'s Let|'s c'm|on C'm|on
"""

_WHOLE = """
'S 's ‘S ‘s and/or w/o 're 'Cause 'cause 'cos 'Cos 'coz 'Coz 'cuz 'Cuz 'bout ma'am Ma'am o'clock
O'clock em 'em ll 'll nuff 'nuff 'd ' '' C++ \\") <space>
Mt. Ak. Ala. Apr. Ariz. Ark. Aug. Calif. Colo. Conn. Dec. Del. Feb. Fla. Ga. Ia. Id. Ill. Ind.
Jan. Jul. Jun. Kan. Kans. Ky. La. Mar. Mass. Mich. Minn. Miss. N.C. N.D. N.H. N.J. N.M. N.Y.
Neb. Nebr. Nev. Nov. Oct. Okla. Ore. Pa. S.C. Sep. Sept. Tenn. Va. Wash. Wis.
a.m. Adm. Bros. co. Co. Corp. D.C. Dr. e.g. E.g. E.G. Gen. Gov. i.e. I.e. I.E. Inc. Jr. Ltd. Md.
Messrs. Mo. Mont. Mr. Mrs. Ms. p.m. Ph.D. Prof. Rep. Rev. Sen. St. vs. v.s.
a. b. c. d. e. f. g. h. i. j. k. l. m. n. o. p. q. r. s. t. u. v. w. x. y. z. ä. ö. ü.
:) :-) :)) :-)) :))) :-))) (: (-: =) (= :] :-] [: [-: [= =] :o) (o: :} :-} 8) 8-) (-8 ;) ;-) (;
(-; :( :-( :(( :-(( :((( :-((( ): )-: =( >:( :') :'-) :'( :'-( :/ :-/ =/ =| :| :-| ]= =[ :1 :P :-P
:p :-p :O :-O :o :-o :0 :-0 :() >:o :* :-* :3 :-3 =3 :> :-> :X :-X :x :-x :D :-D ;D ;-D =D xD XD
xDD XDD 8D 8-D ^_^ ^__^ ^___^ >.< >.> <.< ._. ;_; -_- -__- v.v V.V v_v V_V o_o o_O O_o O_O 0_o o_0
0_0 o.O O.o O.O o.o 0.0 o.0 0.o @_@ <3 <33 <333 </3 (^_^) (-_-) (._.) (>_<) (*_*)
"""


def exceptions() -> dict[str, tuple[int, ...]]:
    """Each exception with the positions of its cuts."""
    found: dict[str, tuple[int, ...]] = {}
    for pattern in _patterns():
        for apostrophe in "'’":
            parts = pattern.replace("'", apostrophe).split("|")
            ends = np.cumsum([len(part) for part in parts]).tolist()
            word = "".join(parts)
            if word not in _NOT_CONTRACTIONS:
                found[word] = tuple(ends[:-1])
    return found


def _both(words: list[str]) -> Iterator[str]:
    for word in words:
        yield word
        yield word.title()


def _patterns() -> Iterator[str]:
    for word in _both(_PRONOUNS + _QUESTION_WORDS):
        low = word.lower()
        endings = ["ll", "d", "ll|ve", "d|ve"]
        if low in ("i", "you", "we", "they"):
            endings.append("ve")
        if low in ("you", "we", "they"):
            endings.append("re")
        if low in ("he", "she", "it"):
            endings.append("s")
        if low in _QUESTION_WORDS:
            if low not in ("these", "those"):
                endings.append("s")
            if low not in ("that", "this"):
                endings += ["re", "ve"]
        for ending in endings:
            yield f"{word}|" + ending
            yield f"{word}|'" + ending.replace("|", "|'")
    for word in _both(_NEGATED):
        yield f"{word}|n't"
        yield f"{word}|nt"
        if word.lower() in _NEGATED_HAVE:
            yield f"{word}|n't|'ve"
            yield f"{word}|nt|ve"
    for word in _both(_MODALS):
        yield f"{word}|'ve"
        yield f"{word}|ve"
    for word in _both(_G_DROPPED):
        yield word
        yield word + "'"
    for hour in range(1, 13):
        for half in ("a.m.", "am", "p.m.", "pm"):
            yield f"{hour}|{half}"
    # A bar inside an emoticon is no cut; none of those with one has a suffix or prefix to lose.
    yield from (word for word in _WHOLE.split() if "|" not in word)
    yield from _CUT.split()


UNITS = frozenset(
    "km km² km³ m m² m³ dm dm² dm³ cm cm² cm³ mm mm² mm³ ha µm nm yd in ft kg g mg µg t lb oz m/s "
    "km/h kmh mph hPa Pa mbar mb MB kb KB gb GB tb TB T G M K % км км² км³ м м² м³ дм дм² дм³ см "
    "см² см³ мм мм² мм³ нм кг г мг м/с км/ч кПа Па мбар Кб КБ кб Мб МБ мб Гб ГБ гб Тб ТБ тб".split()
)
"""What is split off after a digit at the end of a chunk: `5km` is two words."""

LONGEST_UNIT = 4

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
"""Gopher's, as they are written: `The` is not one of them."""


EXCEPTION = 1 << 16
"""Flag of an exception's value; bit k below it: a cut before character k."""
UNIT = 1 << 17
STOP_SHIFT = 20
"""Bit STOP_SHIFT + k of a value: STOP_WORDS[k]."""

STOP_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
STOP_SLOT_SHIFT = np.uint64(58)


def _short_stop_words() -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    words = np.zeros(64, np.uint64)
    bits = np.zeros(64, np.int64)
    for k, word in enumerate(STOP_WORDS):
        key = int.from_bytes(word.encode(), "little")
        slot = (key * int(STOP_MULTIPLIER) & MASK) >> int(STOP_SLOT_SHIFT)
        assert words[slot] == 0, word
        words[slot] = key
        bits[slot] = k
    return words, bits


SHORT_STOP_WORDS, SHORT_STOP_BITS = _short_stop_words()
"""STOP_WORDS as the bytes of a word, zeros above, each in a slot of its own; and their bits."""

_FILTER_BITS = 1 << 14
FILTER_MASK = np.uint64(_FILTER_BITS - 1)

Words = npt.NDArray[np.uint64]
"""One open-addressing table: key, value, key, value ... Keys are `python_hash`; 0 is empty."""


Filter = npt.NDArray[np.uint64]
"""A bit for every exception, where the lower bits of its `hashing.hash_word` say."""


class Lexicon(NamedTuple):
    """Words that the splitter knows."""

    words: Words
    filter: Filter


def python_hash(text: str) -> int:
    """`hashing.fold` over the code points of a text, in Python."""
    h = int(SEED)
    for character in text:
        h = (h ^ ord(character)) * int(MULTIPLIER) & MASK
    return h


@functools.cache
def lexicon() -> Lexicon:
    """The tables, built at the first call."""
    bits = np.zeros(_FILTER_BITS // 64, np.uint64)
    for word in exceptions():
        place = python_point_hash(word) % _FILTER_BITS
        bits[place // 64] |= np.uint64(1 << place % 64)
    return Lexicon(_words(), bits)


def _words() -> Words:
    table = np.zeros(2 * _SLOTS, np.uint64)
    for word, positions in exceptions().items():
        assert len(word) <= LONGEST, word
        _enter(table, word, EXCEPTION | sum(1 << position for position in positions))
    for unit in UNITS:
        assert len(unit) <= LONGEST_UNIT, unit
        _enter(table, unit, UNIT)
    for k, word in enumerate(STOP_WORDS):
        _enter(table, word, 1 << STOP_SHIFT + k)
    return table


def _enter(table: Words, word: str, value: int) -> None:
    key = np.uint64(python_hash(word))
    slot = int(key) >> SLOT_SHIFT
    while table[2 * slot] not in (0, key):
        slot = (slot + 1) & (_SLOTS - 1)
    table[2 * slot] = key
    table[2 * slot + 1] |= np.uint64(value)
