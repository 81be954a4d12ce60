"""What is an address or a number, at the bounds: one step within, one step without."""

from __future__ import annotations

import pytest

from thresher.filters.transforms.pii import redact


def kinds(text):
    """The text with each placeholder as its first letter."""
    left = redact(text)
    for name in ("EMAIL", "IP_ADDRESS", "PHONE"):
        left = left.replace(f"<{name}>", name[0])
    return left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a@b.co", "E"),
        ("a@b.c", "a@b.c"),
        ("a@b.c.de", "E"),
        ("a@b.1a", "a@b.1a"),
        ("a@b.a1", "E"),
        ("a@b", "a@b"),
        ("a@b..co", "a@b..co"),
        ("@b.co", "@b.co"),
        ("!a@b.co", "!E"),
        ("..'a@b.co", "..'E"),
        ("_a@b.co", "E"),
        ("a.@b.co", "E"),
        ("ä@b.co", "ä@b.co"),
        ("(a@b.co)", "(E)"),
        ("a@b-c.d-e.co,x@y.zz", "E,E"),
        ("<EMAIL>a@b.co", "<EMAIL>a@b.co".replace("<EMAIL>", "E")),
    ],
)
def test_mail(text, left):
    assert kinds(text) == left


@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        ("8.8.8.8", True), ("1.0.0.1", True), ("223.255.255.254", True), ("172.15.0.1", True),
        ("172.32.0.1", True), ("192.169.0.1", True), ("100.63.0.1", True), ("100.128.0.1", True),
        ("169.253.0.1", True), ("11.0.0.1", True), ("126.0.0.1", True),
        ("10.0.0.1", False), ("172.16.0.1", False), ("172.31.255.255", False),
        ("192.168.0.1", False), ("127.0.0.1", False), ("169.254.1.1", False),
        ("100.64.0.1", False), ("0.0.0.0", False), ("192.0.2.1", False), ("198.51.100.7", False),
        ("203.0.113.9", False), ("240.0.0.1", False), ("255.255.255.255", False),
        ("256.1.1.1", False), ("1.1.1.256", False), ("8.8.8.08", False), ("8.8.8", False),
        ("2001:4860:4860::8888", True), ("2606:4700:4700:0:0:0:0:1111", True), ("2a00::1", True),
        ("3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", True), ("2001:db8::1", False),
        ("2001::1", False), ("4001:4860::1", False), ("fe80::1", False), ("fd00::1", False),
        ("1001:4860::1", False), ("2001:4860:4860::88888", False),
        ("2001:4860:4860:0:0:0:0:0:8888", False), ("2001:4860", False),
    ],
)  # fmt: skip
def test_only_public_addresses_are_somebodys(address, is_public):
    assert kinds(f"from {address} at noon") == f"from {'I' if is_public else address} at noon"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("x 8.8.8.8, y", "x I, y"),
        ("8.8.8.8.", "I."),
        ("8.8.8.8.8", "8.8.8.8.8"),
        ("18.8.8.8", "I"),
        ("1118.8.8.8", "1118.8.8.8"),
        ("v8.8.8.8", "v8.8.8.8"),
        (".8.8.8.8", ".8.8.8.8"),
        ("Version 8.8.8.8", "Version 8.8.8.8"),
        ("Version: 8.8.8.8", "Version: I"),
        ("8.8.8.8a", "8.8.8.8a"),
        ("8.8.8.8:80", "I:80"),
        ("[2a00::1]:80", "[I]:80"),
        (":2a00::1", ":2a00::1"),
        ("x2a00::1", "x2a00::1"),
        ("2a00::1x", "2a00::1x"),
    ],
)
def test_an_address_stands_by_itself(text, left):
    assert kinds(text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("212-555-0123", "P"), ("212.555.0123", "P"), ("212 555 0123", "212 555 0123"),
        ("(212) 555-0123", "P"), ("(212)555-0123", "P"), ("(212)-555-0123", "P"),
        ("(112) 555-0123", "(112) 555-0123"), ("(202) 155-0123", "(202) 155-0123"),
        ("112-555-0123", "112-555-0123"), ("202-155-0123", "202-155-0123"),
        ("202-255-0123", "P"), ("999-999-9999", "P"),
        ("1-212-555-0123", "P"), ("1 212 555 0123", "P"), ("1 (212) 555-0123", "P"),
        ("1.212.555.0123", "P"), ("2-212-555-0123", "2-212-555-0123"),
        ("212-555-012", "212-555-012"), ("212-555-01234", "212-555-01234"),
        ("212-555-0123%", "212-555-0123%"), ("212-555-0123-4", "212-555-0123-4"),
        ("212-555-0123.4", "212-555-0123.4"), ("212-555-0123.", "P."), ("212-555-0123, 4", "P, 4"),
        ("a212-555-0123", "a212-555-0123"), ("$212-555-0123", "$212-555-0123"),
        ("#212-555-0123", "#212-555-0123"), ("=212-555-0123", "=212-555-0123"),
        (":212-555-0123", ":P"), ("ISBN 212-555-0123", "ISBN 212-555-0123"),
        ("isbn: 212-555-0123", "isbn: 212-555-0123"), ("ISSN 212-555-0123", "ISSN 212-555-0123"),
        ("ISBN        212-555-0123", "ISBN        212-555-0123"),
        ("ISBN         212-555-0123", "ISBN         P"),
    ],
)  # fmt: skip
def test_american_numbers(text, left):
    assert kinds(text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("+49 1234567", "P"), ("+49 123456", "+49 123456"),  # 9 digits and 8
        ("+4912345678901 23", "P"), ("+4912345678901 234", "+4912345678901 234"),  # 15 and 16
        ("+049 1234567", "+049 1234567"), ("+1234567890", "P"),
        ("+1 2 3 4 5 6 7", "+1 2 3 4 5 6 7"),
        ("+49 1 2 3 4 5 67890", "P"), ("+49 (0)30 1234567", "P"), ("+49 (0301) 234567", "P"),
        ("+49 (03011) 234567", "+49 (03011) 234567"), ("+49-30-1234567", "P"),
        ("+49 - 30 - 1234567", "P"), ("+49.30.12.34.56.78", "P"), ("+49.301.234.567", "P"),
        ("+49.3.12345678", "+49.3.12345678"), ("+49.30.12", "+49.30.12"),
        ("a+49 1234567", "a+49 1234567"), ("++49 1234567", "++49 1234567"),
        ("+49 1234567%", "+49 1234567%"), ("+49 1234567.8", "+49 1234567.8"),
        ("+49 1234567.", "P."),
    ],
)  # fmt: skip
def test_international_numbers(text, left):
    assert kinds(text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("tel 1234567", "tel P"), ("tel 123456", "tel 123456"),  # 7 digits and 6
        ("tel 123456789012345", "tel P"),
        ("tel 1234567890123456", "tel 1234567890123456"),  # 15 and 16
        ("tel 12 34 567", "tel P"), ("tel 12 34 56 7", "tel P"), ("tel 12 34 56", "tel 12 34 56"),
        ("tel 1 2 3 4 5 6 7", "tel 1 2 3 4 5 6 7"), ("tel 12 34 5 67", "tel P"),
        ("tel (030) 1234567", "tel P"), ("tel 030.123.4567", "tel P"),
        ("tel 1.234.567", "tel 1.234.567"), ("tel 1234.5678", "tel 1234.5678"),
        ("tel 2019-05-12", "tel 2019-05-12"), ("tel 12.05.2019", "tel 12.05.2019"),
        ("tel 20190512", "tel 20190512"), ("tel 30190512", "tel P"),
        ("tel 2010- 2015", "tel 2010- 2015"), ("tel 2010- 2115", "tel P"),
        ("tel 2019-05.12", "tel P"), ("tel 1234567%", "tel 1234567%"),
        ("tel 1234567, 89", "tel P, 89"), ("tel 1234567,89", "tel 1234567,89"),
        ("1234567", "1234567"), ("hotel 1234567", "hotel 1234567"), ("no 1234567", "no 1234567"),
        ("the order 1234567", "the order 1234567"),
    ],
)  # fmt: skip
def test_other_numbers_where_a_word_says_so(text, left):
    assert kinds(text) == left


@pytest.mark.parametrize(
    ("before", "says_so"),
    [
        ("phone ", True), ("Telephone: ", True), ("TEL. ", True), ("fax:", True),
        ("mobile at ", True),
        ("cell is: ", True), ("WhatsApp us now on ", True), ("call me ", True),
        ("call us today toll-free ", True), ("hotline no. ", True), ("phone number: ", True),
        ("call us me now today ", False), ("phone    ", False), ("phone   ", True),
        ("phones ", False), ("microphone ", False), ("phone x ", False), ("phone.. ", False),
        ("phone\n", False),
        ("phone" + " no" * 3 + ": ", True),
    ],
)  # fmt: skip
def test_words_that_announce_a_number(before, says_so):
    assert kinds(f"{before}0301234567") == before + ("P" if says_so else "0301234567")


def test_an_announcement_is_looked_for_in_what_stands_right_before():
    assert kinds("tel " + " " * 2 + "1234567") == "tel   P"
    assert kinds("x" * 60 + " phone 1234567") == "x" * 60 + " phone P"
