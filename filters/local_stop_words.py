"""Stop words by language: how many of a language's eight commonest function words a text holds.

Gopher counts eight words of English. Here every listed language has eight of its own, looked up
by the language of the document, in any case, as whole words; Chinese, Japanese and Thai write no
spaces, so theirs are particles found anywhere.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from thresher.filters.buffers import text_buffer
from thresher.filters.kernels.rules.stop_words import count_words, hash_words
from thresher.filters.kernels.text.tables import tables
from thresher.filters.signals import family_type

FAMILY = "stopwords_local"

_UNSPACED = frozenset({"ja", "th", "zh"})

_LISTS = {
    "ar": "في من على أن إلى عن التي هذا",
    "bg": "на да се за от не са като",
    "ca": "de la que els en per una amb",
    "cs": "se na je že do pro jako nebo",
    "da": "og det at en er til af ikke",
    "de": "der die und das ist nicht mit ein",
    "el": "και το να του την είναι για με",
    "en": "the be to of and that have with",
    "es": "de la que el en los por con",
    "et": "ja on ei et see kui aga mis",
    "fa": "و در به از که این را است",
    "fi": "ja on ei että se oli kun mutta",
    "fr": "de la les et des est que dans",
    "he": "של את על לא הוא עם זה כי",
    "hi": "के में है की और से का को",
    "hr": "je se na da za od su kao",
    "hu": "az és hogy nem egy is ez meg",
    "id": "yang dan di untuk dengan dari ini tidak",
    "it": "di che la il per non una con",
    "ja": "の に は を が た で と",
    "ko": "수 그 이 있는 있다 것은 것이 및",
    "lt": "ir kad yra su bet kaip tai iš",
    "lv": "un ir no ar kas par ka uz",
    "nl": "de het een van en dat niet met",
    "no": "og det er som på en til ikke",
    "pl": "nie się na jest że do jak to",
    "pt": "de que não para uma com os do",
    "ro": "și de la în cu nu pe care",
    "ru": "и в не на что с как это",
    "sk": "sa na je že pre ako alebo do",
    "sl": "je in da se na za so ki",
    "sr": "је и да се на за су од",
    "sv": "och att det är som en på inte",
    "th": "ที่ และ ใน การ ของ เป็น มี ไม่",
    "tr": "ve bir bu da için ile de çok",
    "uk": "і на що не до та як це",
    "ur": "کے میں ہے کی اور سے کا کو",
    "vi": "và của là có không cho trong được",
    "zh": "的 是 了 在 不 有 和 一",
}

STOP_WORDS = {language: tuple(words.split()) for language, words in _LISTS.items()}
"""Eight words by language code; a language that is not here has no count."""


def count_stop_words(texts: pa.Array, languages: pa.Array) -> pa.StructArray:
    """The family `stopwords_local` of each text.

    Args:
        texts: strings without nulls.
        languages: the code of each text's language, NULL where it is not known.
    """
    counts = np.zeros(len(texts), np.int64)
    lists = _list_of_each(languages)
    data, offsets = text_buffer(texts)
    count_words(data, offsets, _hashes(), np.where(lists < _SPACED, lists, -1), tables(), counts)
    for place in range(_SPACED, len(_ORDER)):
        rows = lists == place
        if not rows.any():
            continue
        chosen = texts.filter(pa.array(rows))
        for word in STOP_WORDS[_ORDER[place]]:
            found = pc.match_substring(chosen, word)
            counts[rows] += found.to_numpy(zero_copy_only=False)
    column = pa.array(counts, pa.int64(), mask=lists < 0)
    return pa.StructArray.from_arrays([column], fields=list(family_type(FAMILY)))


_ORDER = (*sorted(STOP_WORDS.keys() - _UNSPACED), *sorted(_UNSPACED))
_SPACED = len(_ORDER) - len(_UNSPACED)


def _list_of_each(languages: pa.Array) -> npt.NDArray[np.int64]:
    """The place of each text's list, -1 where there is none."""
    places = pc.index_in(languages, pa.array(_ORDER))
    return np.asarray(pc.fill_null(places, -1), np.int64)


@functools.cache
def _hashes() -> npt.NDArray[np.uint64]:
    rows = []
    for language in _ORDER[:_SPACED]:
        data, offsets = text_buffer(pa.array(STOP_WORDS[language]))
        rows.append(np.empty(len(offsets) - 1, np.uint64))
        hash_words(data, offsets, tables(), rows[-1])
    return np.stack(rows)
