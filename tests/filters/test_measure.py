from __future__ import annotations

import gzip
import json
import math
import sys
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
import reference
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from thresher.filters.junk import model as junk_model
from thresher.filters.measure import MinHashSettings, content_hash, keyed_hash, measure
from thresher.filters.signals import KERNEL_FAMILIES, family_type, signal

# Pieces that meet the rules more often than random characters would.
_PIECES = r"""
the be to of and have The word Word don't DON'T can't cannot I'm we'll it's dog's dogs' ’tis
U.S. U.S.A. Mr. Dr. e.g. end. End.Start END. a.b A.B 3.14 1,000 $5 5$ 5km 10% 10pm 1-2 +1 1+ +
well-being a--b a---b a—b a–b x/y and/or a:b a=b a<b foo,bar 1,b hello, (hello) [12] [edit]
[citation needed] [1 ... .... . .. … …… ?! !!! " ' '' “quoted” ‘q’ http://a.b.com/x?y=1
www.foo.org foo@bar.com x@y@z.com a.com:80/p :-) :) <3 # ## #tag @me • - -- * & % { } _ ~ §
lorem ipsum JavaScript cookies cookie policy use of uses terms privacy as an ai language model
in conclusion delve into it’s important to note accept all log in or register $TSLA $tsla $AB1
NASDAQ: AAPL (NYSE:X) nasdaq: Nasdaq:MSFT 0700.HK VOD.L BRK.B. ABC.DE.F 日本語 ภาษาไทย กี่ 한국어
ａｂ １２ ² ½ Ⅳ é É ﬁ İ ß Ǆ ǅ 😀 ☺ ™ °C 5°C. é ९९ кот мм 5мм ।
"""
_PLAIN = """
SHOUTING ALL CAPS 12345 ٣٤ ² 12K likes 3 comments 1,234 views 7.5m followers, snake_case _ __a a_b
Ⓐ ΑΣ ǅ 參 half-½ Sentence one. two! JavaScript javascript: java-script Lorem Ipsum. x{y}
me@example.com a.b+c@mail.example.co.uk @b.com a@b a@b.c a@b.c1 a@b.1c a@-.co 8.8.8.8
10.0.0.1 256.1.1.1
1.2.3
192.168.0.1. 198.51.100.7 2001:4860:4860::8888 2001:db8::1 2a00:1450:: 2001:::1 3fff:1:2:3:4:5:6:7
2001:1:2:3:4:5:6:7:8 +1 212 555 0199 (212) 555-0199 212-555-0199 1-800-555-0199 1 (800) 555-0199
800.555.0199 +49 30 901820 (030) 123 +4930 4111 1111 1111 1111 4111111111111111 378282246310005
5500-0000-0000-0004 4111-1111 1111-1111 1234567890123456 ‣ ◀ ■ – “quoted.”
"""
PIECES = [*_PIECES.split(), "\u0301", "e\u0301", "\u200b", "\u00ad", "。", "、", "x" * 1001]
PIECES += _PLAIN.split()
PIECES += ["12K likes", "+1 212 555 0199", "(212) 555-0199", "4111 1111 1111 1111"]
PIECES += ["citation needed", "lorem ipsum", "as an AI language model"]
SPACES = [" ", "  ", "\n", "\n\n", "\n\n\n", "\r\n", "\r", "\t", "\v", "\x1c", "\x85", "\u2028"]
SPACES += ["\u00a0", "\u3000", "\r\n\r\n", " \n ", ""]

any_text = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from("aA .,'-\n\r\"!?…12$%")), max_size=60
)
pieced = st.lists(
    st.one_of(st.sampled_from(PIECES), st.sampled_from(SPACES), st.just(" ")), max_size=60
).map("".join)
few_words = st.lists(st.sampled_from(["a ", "b ", "c.", "\n", " "]), max_size=80).map("".join)
texts = st.one_of(any_text, pieced, few_words)

quick = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
thorough = settings(max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck))


def rows(values: list[str], minhash: MinHashSettings | None = None) -> list[dict]:
    return measure(pa.array(values, pa.string()), minhash).to_pylist()


def agrees_with_reference(values: list[str]) -> None:
    for text, row in zip(values, rows(values), strict=True):
        expected = reference.measure(text)
        # The model's own questions of what was measured: of two values a rounding apart, one may
        # be above a threshold.
        expected["junk"] |= reference.junk.model_scores(row)
        for family in KERNEL_FAMILIES:
            for each in family.signals:
                name = each.name.split(".")[1]
                mine, theirs = row[family.name][name], expected[family.name].get(name)
                if theirs is None or mine is None or each.type != "double":
                    assert mine == theirs, (each.name, text)
                else:
                    assert math.isclose(mine, theirs, rel_tol=1e-12, abs_tol=1e-12), (
                        each.name,
                        text,
                    )


@quick
@given(st.lists(texts, max_size=4))
def test_every_signal_equals_the_plain_python_reference(values):
    agrees_with_reference(values)


term = st.sampled_from([term for term, _, _ in junk_model.terms() if "#" not in term])
number = st.sampled_from(["7", "1999", "2024", "19", "3.5"])


@quick
@given(st.lists(st.one_of(term, number), max_size=80).map(" ".join))
def test_terms_of_the_junk_model_equal_the_reference(text):
    agrees_with_reference([text, text.title(), text.replace(" ", "\n")])


@pytest.mark.slow
@pytest.mark.timeout(900)
@thorough
@given(st.lists(texts, max_size=4))
def test_every_signal_equals_the_reference_on_many_texts(values):
    agrees_with_reference(values)


@pytest.mark.parametrize("piece", PIECES)
def test_each_piece_alone_and_between_marks(piece):
    agrees_with_reference(
        [piece, f"({piece})", f"{piece}.", f"“{piece},”\n{piece}...", f"a{piece}b"]
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n",
        "\n\n",
        "a",
        "a\n",
        "\na",
        "\r\n",
        "a\r",
        "a\r\n\r\nb",
        "\x85",
        "a\x1c\x1d",
        "🦀",
        "**\n* a\n**b",
    ],
)
def test_edges(text):
    agrees_with_reference([text])


@quick
@given(st.lists(texts, max_size=4))
def test_values_keep_to_their_range_and_are_never_nan(values):
    for row in rows(values):
        for family in KERNEL_FAMILIES:
            for each in family.signals:
                value = row[family.name][each.name.split(".")[1]]
                if value is None or each.range is None:
                    continue
                low, high = each.range
                assert math.isfinite(value)
                assert low is None or value >= low, each.name
                assert high is None or value <= high, each.name


@quick
@given(st.lists(texts, min_size=1, max_size=5))
def test_a_batch_equals_its_documents_one_by_one(values):
    minhash = MinHashSettings(permutations=8, ngram=2)
    together = rows(values, minhash)
    assert together == [rows([value], minhash)[0] for value in values]


@quick
@given(st.lists(texts, min_size=3, max_size=6))
def test_slices_chunks_and_large_strings_are_all_the_same(values):
    minhash = MinHashSettings(permutations=4, ngram=1)
    whole = measure(pa.array(values, pa.string()), minhash)
    large = pa.array(values, pa.large_string())
    chunked = pa.chunked_array([large.slice(0, 1), large.slice(1, 0), large.slice(1)])
    assert measure(large, minhash).equals(whole)
    assert measure(chunked, minhash).equals(whole)
    assert measure(pa.array(values, pa.string()).slice(1), minhash).equals(whole.slice(1))
    assert content_hash(chunked).equals(content_hash(large))
    assert keyed_hash(chunked, 5).equals(keyed_hash(pa.array(values, pa.string()), 5))


def test_the_batch_has_the_registered_columns_and_types():
    batch = measure(pa.array([], pa.string()), None)
    assert batch.num_rows == 0
    assert batch.schema.names == [family.name for family in KERNEL_FAMILIES] + ["minhash"]
    for family in KERNEL_FAMILIES:
        assert batch.schema.field(family.name).type == family_type(family.name)
    assert batch.schema.field("minhash").type == pa.binary(4 * 112)


def test_words_of_scripts_without_spaces_are_letters():
    row = rows(["日本語のテスト。"])[0]
    assert row["length"]["words"] == 8
    assert row["length"]["sentences"] == 1


def test_what_is_not_text_is_refused():
    with pytest.raises(TypeError, match="string"):
        measure(pa.array([1]), None)
    with pytest.raises(ValueError, match="nulls"):
        measure(pa.array(["a", None]), None)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 3_000_000,
        "! " * 1_500_000,
        "!" * 3_000_000,
        "\n" * 3_000_000,
        "[1" * 1_500_000,
        "http://" * 400_000,
        "日" * 1_000_000,
        "a b c d e f g h i j " * 150_000,
        "." * 3_000_000,
        "a.a@" * 700_000,
        "1:A" * 900_000,
        "\u0301" * 1_500_000,
    ],
    ids=lambda text: repr(text[:8]),
)
@pytest.mark.timeout(20)
def test_hostile_texts_take_linear_time(text):
    row = measure(pa.array([text]), MinHashSettings())
    assert row["length"][0].as_py()["characters"] == len(text)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("text", ["word " * 10_000_000, "\n" * 10_000_000, "x" * 50_000_000])
def test_a_huge_text_is_measured(text):
    row = rows([text], MinHashSettings())[0]
    assert row["length"]["bytes"] == len(text)


def test_of_a_huge_text_the_first_words_are_measured():
    row = rows(["a b c d e f g h i j " * 120_000 + "".join(f"x{i} " for i in range(100_000))])[0]
    assert row["length"]["words"] == 1_300_000
    for family in ("repetition_union", "redpajama"):
        assert row[family]["duplicate_10gram_character_fraction"] == 1
    assert math.isclose(row["entropy"]["distinct_1_fraction"], 10 / 1_048_576)
    share = row["repetition"]["duplicate_10gram_character_fraction"]
    assert 0 < share < 1


def test_content_hash_sees_no_difference_between_normal_forms():
    words = ["café déjà vu", "Ångström K Ω", "한국어 각", "שָׁלוֹם", "नी ड़", "q̣̇ q̣̇", "plain", "豈"]
    forms = [[unicodedata.normalize(form, word) for word in words] for form in ("NFC", "NFD")]
    assert forms[0] != forms[1]
    hashes = [content_hash(pa.array(each)).to_pylist() for each in [words, *forms]]
    assert hashes[0] == hashes[1] == hashes[2]
    assert len(set(hashes[0])) == len({unicodedata.normalize("NFC", word) for word in words})


@given(st.lists(st.sampled_from("aeẹ́̇́कि़ᄀ가ᅡᆨÅΩ豈ְָ ߠ"), max_size=6).map("".join))
@quick
def test_content_hash_is_that_of_the_normal_form(text):
    both = content_hash(pa.array([text, unicodedata.normalize("NFC", text)])).to_pylist()
    assert both[0] == both[1]


def test_every_character_that_nfc_changes_is_looked_at():
    every = [chr(c) for c in range(sys.maxunicode) if not 0xD800 <= c < 0xE000]
    for before in ("", "a", "ᄀ", "가", "क"):
        texts = [before + c for c in every]
        changed = [t for t in texts if not unicodedata.is_normalized("NFC", t)]
        normal = [unicodedata.normalize("NFC", t) for t in changed]
        assert content_hash(pa.array(changed)).equals(content_hash(pa.array(normal)))


def test_content_hash_ignores_case_and_white_space_only():
    same = content_hash(pa.array(["Hello  World\n", " hello\tworld", "HELLO\u00a0WORLD"]))
    assert len(set(same.to_pylist())) == 1
    other = content_hash(pa.array(["hello world", "helloworld", "hello world.", "", "héllo world"]))
    assert len(set(other.to_pylist())) == 5
    assert same[0] == other[0]
    # Stored as identity: a changed value breaks every lake.
    assert other[0].as_py().hex() == "bfe209bb4addc21fd053c09302a43758"


def test_keyed_hash_is_stable_keyed_and_well_spread():
    ids = pa.array([str(i) for i in range(20_000)])
    one, two = keyed_hash(ids, 1).to_numpy(), keyed_hash(ids, 2).to_numpy()
    assert len(np.unique(one)) == len(np.unique(two)) == 20_000
    assert abs(np.corrcoef(one.astype(float), two.astype(float))[0, 1]) < 0.03
    for bit in range(64):
        assert abs((one >> np.uint64(bit) & np.uint64(1)).mean() - 0.5) < 0.02
    # Stored order and samples follow it.
    assert keyed_hash(pa.array(["thresher"]), 1)[0].as_py() == 5346155451827736542


def test_the_registry_names_what_is_measured():
    assert signal("length.words").unit == "words"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_real_documents_equal_the_reference(real_data):
    values: list[str] = []
    for path in sorted((real_data / "text").glob("*.jsonl.gz")):
        with gzip.open(path, "rt") as file:
            lines = file.readlines()
        values += [json.loads(line)["text"][:20_000] for line in lines[:: len(lines) // 280]]
    assert len(values) >= 2000
    agrees_with_reference(values)
