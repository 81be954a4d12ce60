from __future__ import annotations

import codecs

import pytest

from thresher.pipeline.read.charset import decode_html, decode_text, python_codec

GERMAN = "<p>Die Größe der Bäume über dem Fluß, schöne Grüße aus München.</p>" * 3
RUSSIAN = "<p>Привет, мир! Как дела? Сегодня хорошая погода и мы идём гулять.</p>" * 3
JAPANESE = "<p>これは日本語の文章です。文字コードの検出を試験します。</p>" * 3
CHINESE = "<p>这是一个中文网页，用来测试字符编码的检测。</p>" * 3


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("utf-8", "utf-8"),
        ("UTF8", "utf-8"),
        (' "Latin1" ', "cp1252"),
        ("ISO-8859-1", "cp1252"),
        ("us-ascii", "cp1252"),
        ("iso-8859-9", "cp1254"),
        ("x-sjis", "cp932"),
        ("gb2312", "gb18030"),
        ("ks_c_5601-1987", "cp949"),
        ("big5", "big5hkscs"),
        ("tis-620", "cp874"),
        ("utf-7", ""),
        ("bogus", ""),
        ("", ""),
    ],
)
def test_labels_are_read_as_browsers_read_them(label, codec):
    assert python_codec(label) == codec


@pytest.mark.parametrize(
    ("data", "header", "text", "charset", "source"),
    [
        (GERMAN.encode(), "utf-8", GERMAN, "utf-8", "http"),
        (GERMAN.encode("latin-1"), "ISO-8859-1", GERMAN, "cp1252", "http"),
        (RUSSIAN.encode("koi8-r"), "koi8-r", RUSSIAN, "koi8-r", "http"),
        (codecs.BOM_UTF8 + GERMAN.encode(), "latin1", GERMAN, "utf-8", "bom"),
        (GERMAN.encode("utf-16"), "", GERMAN, "utf-16-le", "bom"),
        (GERMAN.encode("utf-16-be"), "utf-16be", GERMAN, "utf-16-be", "http"),
        (JAPANESE.encode("iso2022_jp"), "iso-2022-jp", JAPANESE, "iso2022_jp", "http"),
        # Without a header, the bytes decide.
        (RUSSIAN.encode("cp1251"), "", RUSSIAN, "cp1251", "detected"),
        (JAPANESE.encode("cp932"), "", JAPANESE, "cp932", "detected"),
        (JAPANESE.encode("euc_jp"), "bogus", JAPANESE, "euc_jp", "detected"),
        (GERMAN.encode(), "", GERMAN, "utf-8", "detected"),
        # A wrong header does not win over the bytes.
        (GERMAN.encode(), "ISO-8859-1", GERMAN, "utf-8", "detected"),
        (CHINESE.encode(), "gb2312", CHINESE, "utf-8", "detected"),
        (GERMAN.encode("latin-1"), "utf-8", GERMAN, "cp1252", "detected"),
        (JAPANESE.encode("cp932"), "utf-8", JAPANESE, "cp932", "detected"),
        (b"<p>plain words</p>", "utf-16", "<p>plain words</p>", "utf-8", "detected"),
    ],
)
def test_charsets(data, header, text, charset, source):
    decoded = decode_html(data, header)
    assert decoded is not None
    assert (decoded.text, decoded.charset, decoded.source) == (text, charset, source)


@pytest.mark.parametrize(
    "tag",
    [
        '<meta charset="gbk">',
        "<META http-equiv=Content-Type content='text/html; charset=GB2312'>",
        '<?xml version="1.0" encoding="gb18030"?>',
    ],
)
def test_meta_tags(tag):
    decoded = decode_html((tag + CHINESE).encode("gb18030"), "")
    assert decoded is not None
    assert (decoded.text, decoded.charset, decoded.source) == (tag + CHINESE, "gb18030", "meta")


def test_a_few_bad_bytes_cost_only_themselves():
    data = (GERMAN * 20).encode() + b"\xff\xfe" + GERMAN.encode() + "ü".encode()[:1]
    decoded = decode_html(data, "utf-8")
    assert decoded is not None
    assert (decoded.charset, decoded.text.count("\ufffd")) == ("utf-8", 3)


@pytest.mark.parametrize(
    "data",
    [b"\x00\x01\x02\x03" * 100, bytes(range(256)) * 10, b"MZ" + bytes(1000)],
)
def test_binary_is_undecodable(data):
    assert decode_html(data, "utf-8") is None
    assert decode_html(data, "") is None


def test_nothing_that_arrow_cannot_hold_comes_out():
    decoded = decode_html(b"<p>a\x00b &#xD800; c</p>" + b"words " * 50, "utf-8")
    assert decoded is not None
    assert "\x00" not in decoded.text
    decoded.text.encode()
    broken = decode_html(
        "<p>wide text \ud800 here</p>".encode("utf-16-le", "surrogatepass"), "utf-16"
    )
    if broken is not None:
        broken.text.encode()


def test_text_that_should_be_utf8():
    assert decode_text(codecs.BOM_UTF8 + b"a\0b") == "ab"
    assert decode_text(b"x" * 1000 + b"\xff") == "x" * 1000 + "\ufffd"
    assert decode_text(GERMAN.encode("latin-1")) is None


HUMAN_RIGHTS = {
    "uk": "Всі люди народжуються вільними і рівними у своїй гідності та "
    "правах. Вони наділені розумом і совістю і повинні діяти у "
    "відношенні один до одного в дусі братерства.",
    "ru": "Все люди рождаются свободными и равными в своем достоинстве и "
    "правах. Они наделены разумом и совестью и должны поступать в "
    "отношении друг друга в духе братства.",
    "ko": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. "
    "인간은 천부적으로 이성과 양심을 부여받았으며 서로 형제애의 정신으로 행동하여야 한다.",
    "ja": "すべての人間は、生れながらにして自由であり、かつ、"
    "尊厳と権利とについて平等である。人間は、理性と良心とを授けられており、"
    "互いに同胞の精神をもって行動しなければならない。",
    "zh": "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。",
    "el": "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην "
    "αξιοπρέπεια και τα δικαιώματα. Είναι προικισμένοι με λογική "
    "και συνείδηση, και οφείλουν να συμπεριφέρονται μεταξύ τους με "
    "πνεύμα αδελφοσύνης.",
}
"""Article 1 of the Universal Declaration of Human Rights."""


@pytest.mark.parametrize(
    ("language", "codec", "charset"),
    [
        ("uk", "koi8-u", "koi8-u"),
        ("uk", "cp1251", "cp1251"),
        ("uk", "iso8859-5", "iso8859-5"),
        ("ru", "koi8-r", "koi8-r"),
        ("ru", "cp1251", "cp1251"),
        ("ru", "iso8859-5", "iso8859-5"),
        ("ru", "cp866", "cp866"),
        ("ko", "cp949", "cp949"),
        ("ja", "shift_jis", "cp932"),
        ("ja", "euc_jp", "euc_jp"),
        ("ja", "iso2022_jp", "iso2022_jp"),
        ("zh", "gb18030", "gb18030"),
        ("el", "iso8859-7", "iso8859-7"),
        ("el", "cp1253", "iso8859-7"),
    ],
)
def test_the_bytes_of_a_page_tell_its_charset(language, codec, charset):
    page = f"<html><head><title>x</title></head><body><p>{HUMAN_RIGHTS[language]}</p></body></html>"
    decoded = decode_html(page.encode(codec), "")
    assert decoded is not None
    assert (decoded.text, decoded.charset, decoded.source) == (page, charset, "detected")
