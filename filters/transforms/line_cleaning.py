"""Cleaning of lines in the spirit of C4, gentler: furniture goes, prose that mentions it stays.

C4 drops every line with "javascript" or "privacy policy" in it, an article's paragraph about
privacy too. Here a line goes only when it *is* the notice: it must talk like one (to a visitor,
about this site) and be short, or be a menu of legal links. Lines are joined as
they were, so paragraphs stay paragraphs.
"""

from __future__ import annotations

import re

NEEDS_CLEANING = (
    r"(?i)cookie|javascript|privacy (?:policy|policies|notice|statement)|terms "
    r"(?:of use|of service|and conditions|& conditions)"
    r"|\[(?:\d{1,3}|edit|citation needed)\]|[!-~]{200}"
)
"""RE2: a text that does not match is left as it is by `clean`."""

_LONG_WORD = re.compile(r"(?<![!-~])[!-~]{1001}")
"""ASCII only: a paragraph of Chinese has no spaces either."""

_CITATION = re.compile(
    r" ?\[(?:[1-9]\d{0,2}|edit|citation needed)\](?! ?[=+*/<-]|[\w(])", re.IGNORECASE
)
"""Not what looks like an index in code: `x[1] = 2`, `f[1](y)`."""

_NESTED = re.compile(r"\[[^\[\]]*+\[")
_TERMINAL = (".", "!", "?", '."', '!"', '?"', ".'", ".”", "!”", "?”", "。", "！", "？")

_NOTICE_WORDS = 60
"""A line of more words is prose, whatever it mentions."""

_MENU_WORDS = 8
"""A line of more words, or one that ends like a sentence, is no menu of legal links."""

_LEGAL = re.compile(
    r"(?:privacy|cookie|cookies) (?:policy|policies|notice|statement)"
    r"|terms of (?:use|service)|terms (?:and|&) conditions"
)
_SUBJECTS = re.compile(rf"cookies?\b|javascript|{_LEGAL.pattern}")
_SCRIPT_NOTICE = re.compile(
    r"(?:enable|activate|turn on|switch on|requires?|needs?|without|allow) (?:your )?"
    r"(?:browser'?s? )?javascript"
    r"|javascript (?:is|has been|must be|seems to be|appears to be|to be)"
    r" (?:currently )?(?:disabled|not enabled|turned off|switched off|enabled|required|blocked)"
    r"|javascript (?:disabled|required)"
)
_CONSENT_NOTICE = re.compile(
    r"(?:\bwe|site|website|page|service|app|our partners) (?:also )?(?:may )?"
    r"(?:uses?|using|places?|stores?|sets?) (?:[a-z-]+ ){0,4}cookies"
    r"|(?:use|usage|accept|reject|decline|manage|consent to|agree to|storing|allow all|disable)"
    r" (?:of |all |our |the |these |its |optional |necessary |such ){1,3}cookies"
    r"|accept cookies|consent to use cookies|cookies? (?:settings|preferences|consent|banner)"
    r"|\bby (?:continuing|using|clicking|browsing|signing|subscribing|submitting|registering"
    r"|closing|visiting|entering|posting|participating|accessing|staying|viewing)\b"
    r"|\bif you (?:continue|use|click|browse)\b"
    r"|you (?:agree|accept|consent|acknowledge)|\bi (?:agree|accept)"
    r"|(?:read|see|view|review|updated|accept|agree to|check) our"
)


def clean(text: str) -> str:
    """The text without consent, cookie and JavaScript notices, citation marks and endless words.

    Applying it twice changes nothing more.
    """
    out: list[str] = []
    dropped = False
    for line in text.split("\n"):
        kept = _clean_line(line)
        if kept is None:
            dropped = True
        elif dropped and not kept.strip() and (not out or not out[-1].strip()):
            continue  # the break after a dropped line; the one before it is enough
        else:
            out.append(kept)
            dropped = dropped and not kept.strip()
    if dropped:
        while out and not out[-1].strip():
            out.pop()
    return "\n".join(out)


def _clean_line(line: str) -> str | None:
    """The line as it stays, or None."""
    if "]" in line and not _NESTED.search(line):
        stripped = _CITATION.sub("", line)
        if stripped != line:
            line = stripped.rstrip()
            if not line:
                return None
    if len(line) > 1000 and _LONG_WORD.search(line):
        return None
    return None if _is_notice(line) else line


def _is_notice(line: str) -> bool:
    lower = line.lower()
    subject = _SUBJECTS.search(lower)
    if subject is None or len(lower) > 12 * _NOTICE_WORDS:
        return False
    words = len(lower.split())
    if words > _NOTICE_WORDS:
        return False
    if _SCRIPT_NOTICE.search(lower):
        return words <= _NOTICE_WORDS // 2
    if _CONSENT_NOTICE.search(lower):
        return True
    is_menu = words <= _MENU_WORDS and not lower.rstrip().endswith(_TERMINAL)
    return is_menu and _LEGAL.search(lower) is not None
