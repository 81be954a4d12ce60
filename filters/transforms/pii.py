"""Redaction of personal data: e-mail addresses, public IP addresses, phone numbers.

The kinds and the "public addresses only" rule are those of datatrove's PIIFormatter, the patterns
are our own: its e-mail pattern takes quadratic time (3.7 s for 40 kB of "a.a.a.a"), its
IP pattern matches inside longer numbers, and it rotates its replacements, so that its output
depends on the order of documents. Every pattern here starts only at a character that nothing
of its kind precedes and never backtracks over more than a few characters, hence linear time.

The placeholders hold no digit, "@" or separator, so redacting twice changes nothing.
"""

from __future__ import annotations

import ipaddress
import re

EMAIL = "<EMAIL>"
IP_ADDRESS = "<IP_ADDRESS>"
PHONE = "<PHONE>"

NEEDS_REDACTION = r"@|[0-9][^0-9]{0,3}[0-9][^0-9]{0,3}[0-9][^0-9]{0,3}[0-9]|[23][0-9A-Fa-f]{3}:"
"""RE2: a text that does not match is left as it is by `redact`."""

# No group is possessive as a whole: before Python 3.11.5 it keeps what its last, failed turn read.
_LOCAL = r"A-Za-z0-9!#$%&'*+=?^_`{|}~.-"
_EMAIL = re.compile(
    rf"(?<![{_LOCAL}])(?<!{EMAIL})" + r"([!#$%&'*+=?^`{|}~.-]*+)" + rf"[A-Za-z0-9_][{_LOCAL}]*+"
    r"@([A-Za-z0-9-]++(?:\.[A-Za-z0-9-]++)+)"
)

# Each pattern starts with the characters it can start with, which `re` scans for quickly, and
# looks behind them afterwards: ten times as fast as a look-behind at every position.
_IPV4 = re.compile(
    r"[0-9](?<![\w.][0-9])(?<!ersion [0-9])[0-9]{0,2}(?:\.[0-9]{1,3}){3}(?!\w|\.[0-9])"
)
_IPV6 = re.compile(
    r"[23](?<![\w:.][23])[0-9A-Fa-f]{3}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])"
)  # global unicast addresses only
_NOT_BEFORE = r"[\w.,+\-/$€£#=]"
_NOT_AFTER = r"(?![\w%]|[-.,/:][0-9])"
_AREA = r"[2-9][0-9]{2}"
_AMERICAN = re.compile(
    rf"(?:\({_AREA}\)[ -]?"
    rf"|[1-9](?<!{_NOT_BEFORE}[1-9])"
    rf"(?:(?<=1)[-. ](?:\({_AREA}\)[ -]?|{_AREA}[-. ])|(?<!1)[0-9]{{2}}[-.]))"
    rf"{_AREA}[-. ][0-9]{{4}}{_NOT_AFTER}"
)
_INTERNATIONAL = re.compile(
    rf"\+(?<!{_NOT_BEFORE}\+)[1-9][0-9]{{0,2}}"
    r"(?:(?: ?\([0-9]{1,4}\))?(?:(?: - |[ -])?[0-9]++){1,6}|(?:\.[0-9]{2,4}){2,5})"
    rf"{_NOT_AFTER}"
)
_ANY_NUMBER = re.compile(
    rf"[(0-9](?<!{_NOT_BEFORE}[(0-9])(?:[ .\-()]{{0,2}}[0-9]){{6,15}}{_NOT_AFTER}"
)
_LABEL = re.compile(
    r"(?<!\w)(?:(?:tele)?phone|tel|fax|mobile|cell|whatsapp|call|hotline)"
    r"(?: (?:us|me|now|today|no|number|toll-free)){0,3}[.:]?(?: (?:at|on|is))?:? {0,3}\Z",
    re.IGNORECASE,
)
_LABEL_REACH = 50
_DATE = re.compile(
    r"(?:19|20)[0-9][0-9]([-. ])[0-9]{1,2}\1[0-9]{1,2}"
    r"|[0-9]{1,2}([-. ])[0-9]{1,2}\2(?:19|20)[0-9][0-9]"
    r"|(?:19|20)[0-9][0-9][- ]{1,2}(?:19|20)[0-9][0-9]|(?:19|20)[0-9]{6}"
)
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+\.[0-9]+")
_DIGIT = re.compile(r"[0-9]")
_DIGITS = re.compile(r"[0-9]+")


def redact(text: str) -> str:
    """The text with every e-mail address, public IP address and phone number replaced."""
    if "@" in text:
        text = _EMAIL.sub(_redact_email, text)
    if _DIGIT.search(text) is None:
        return text
    text = _IPV4.sub(_redact_ip, text)
    text = _IPV6.sub(_redact_ip, text)
    text = _INTERNATIONAL.sub(_redact_international, text)
    text = _AMERICAN.sub(_redact_american, text)
    return _ANY_NUMBER.sub(_redact_labelled, text)


def _redact_email(match: re.Match[str]) -> str:
    """A last label that starts with a digit is a version (`react@18.2.0`), not a domain."""
    before, domain = match.groups()
    last = domain.rpartition(".")[2]
    return before + EMAIL if last[0].isalpha() and len(last) > 1 else match.group()


def _redact_ip(match: re.Match[str]) -> str:
    """Private and reserved addresses identify nobody; what does not parse is no address."""
    try:
        address = ipaddress.ip_address(match.group())
    except ValueError:
        return match.group()
    return IP_ADDRESS if address.is_global else match.group()


def _redact_american(match: re.Match[str]) -> str:
    return match.group() if _is_book_number(match) else PHONE


def _redact_international(match: re.Match[str]) -> str:
    groups = _DIGITS.findall(match.group())
    is_number = 9 <= sum(map(len, groups)) <= 15 and max(map(len, groups[1:] or groups)) > 1
    return PHONE if is_number else match.group()


def _redact_labelled(match: re.Match[str]) -> str:
    """Any other run of digits is a phone number only where a word right before it says so."""
    number = match.group()
    groups = _DIGITS.findall(number)
    is_number = (
        7 <= sum(map(len, groups)) <= 15
        and max(map(len, groups)) >= (3 if len(groups) < 4 else 2)
        and not _DATE.fullmatch(number)
        and not _THOUSANDS.fullmatch(number)
    )
    if not is_number:
        return number
    before = match.string[max(0, match.start() - _LABEL_REACH) : match.start()]
    return PHONE if _LABEL.search(before) else number


def _is_book_number(match: re.Match[str]) -> bool:
    """An ISBN or ISSN may look like a phone number; its name stands right before it."""
    before = match.string[max(0, match.start() - 12) : match.start()].upper()
    return "ISBN" in before or "ISSN" in before
