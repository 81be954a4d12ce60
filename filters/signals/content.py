"""Signals of what a text holds and where it is from: personal data, URL, models."""

from __future__ import annotations

from thresher.filters.signals.kinds import Signal, count, make_family, share, text

_NO_URL = "the URL is missing"

PII = make_family(
    "pii",
    1,
    "What looks like personal data (`thresher.filters.kernels.rules.personal` has the patterns).",
    count("email_count", "addresses", "E-mail addresses."),
    count("ip_address_count", "addresses", "IPv4 and IPv6 addresses that are public."),
    count("phone_count", "numbers", "Phone numbers in international or North American notation."),
    count(
        "card_count",
        "numbers",
        "Numbers of 13 to 19 digits, alone or in groups, that begin with 3 to 6 and pass the "
        "Luhn check.",
    ),
)

URL_PARTS = make_family(
    "url_parts",
    1,
    "What the URL itself says (the column `url` holds it).",
    count("characters", "characters", "Length of the URL.", null_when=_NO_URL),
    count("path_depth", "segments", "Segments of the path that are not empty.", null_when=_NO_URL),
    count(
        "query_characters", "characters", "Length of the query, without its `?`.", null_when=_NO_URL
    ),
    count("digits", "digits", "Digits from 0 to 9, anywhere in the URL.", null_when=_NO_URL),
    text(
        "top_level_domain",
        "domain",
        "Public suffix of the host (`com`, `co.uk`), by tldextract's bundled list.",
        "the URL is missing or its host has no known suffix",
        "tldextract",
    ),
    text(
        "registered_domain",
        "domain",
        "The suffix and the label before it (`example.co.uk`), in lower case.",
        "the URL is missing or its host is no registered domain",
        "tldextract",
    ),
)

LANGUAGE = make_family(
    "language",
    2,
    "The language by fastText's lid.176, from six windows spread over the text.",
    text(
        "code",
        "code",
        "ISO 639 code of the likeliest language.",
        "there was nothing to classify",
        "lid.176",
    ),
    share("score", "Probability of that language.", "there was nothing to classify", "lid.176"),
    share(
        "mixed_share",
        "Windows that are surely in another language: half of the probability or more is its, and "
        "less than a tenth the text's own.",
        "fewer than two windows have words, as in a text of at most 200 bytes",
        "lid.176",
    ),
)

_NO_SCORE = "no model is configured, the text has no words, or its language is not the model's"

QUALITY = make_family(
    "quality",
    2,
    "A trained model's opinion on whether a text is worth learning from.",
    share("score", "Probability of the positive class, calibrated by the model's card.", _NO_SCORE),
    share("raw", "The same without calibration, as fastText gives it.", _NO_SCORE),
)

MACHINE_TEXT = make_family(
    "machine_text",
    1,
    "A trained model's opinion on whether a language model wrote a text: weak evidence on one "
    "page, strong as a mean over a site.",
    share("score", "Probability of machine text, calibrated by the model's card.", _NO_SCORE),
    share("raw", "The same without calibration, as fastText gives it.", _NO_SCORE),
)

STOPWORDS_LOCAL = make_family(
    "stopwords_local",
    1,
    "Eight function words of the document's own language, in any case.",
    Signal(
        "distinct_count",
        "int64",
        "words",
        "How many of the eight occur.",
        "the language is not known, or has no list",
        "FineWeb2, with lists of Thresher's own",
        (0, 8),
    ),
)

KERNEL_FAMILIES = (PII,)
OTHER_FAMILIES = (URL_PARTS, LANGUAGE, QUALITY, MACHINE_TEXT, STOPWORDS_LOCAL)
