"""Good texts are kept however their lines end, and damaged ones once they are mended."""

from __future__ import annotations

import hashlib
import json
import unicodedata

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import thresher
from thresher.filters.measure import raw_hash

SENTENCES = """
{who} rebuilt the ferry slip at {where} after the flood, with oak that came down the river.
The toll book lists {n} carts in a single week, and every driver had to sign it by hand.
For years the school had one stove, so the older children carried peat up from the shore.
Behind the church stands a row of limes, which the parish has pruned each March since 1840.
When the mill was sold, {who} turned its upper floor into a small printing shop.
An old charter lay forgotten in a chest under letters that nobody had ever answered.
Most families in {where} kept two goats and a strip of barley between the wall and the lane.
It took masons {n} days to dress the stones of the bridge, and most of a winter to lay them.
Nobody can say who first dug the well, but its water was known as far as the coast.
Her grandmother, {who}, spoke a dialect that has since died out on both banks.
The last train left {where} in October, with {n} passengers and the band of the works.
Since then buses have run twice a day, and on Sundays only if someone asks the driver.
"""
WHO = ("Mara Quill", "Tobias Fenn", "Edda Marsh", "Jon Hallow", "Ines Brook", "Piet Zander")
WHERE = ("Ashmere", "Coldwater", "Lindow", "Thornby", "Westering", "Oxley", "Saltholm", "Brindle")


def sentences(seed: int) -> list[str]:
    """Twelve invented sentences, in another order and with other names for each seed."""
    lines = SENTENCES.strip().split("\n")
    told = lines[seed:] + lines[:seed]
    return [
        line.format(who=WHO[(seed + k) % 6], where=WHERE[(seed + k) % 8], n=40 + 7 * seed + k)
        for k, line in enumerate(told)
    ]


ENDS = {
    "plain": "{}\n",
    "CRLF": "{}\r\n",
    "CR": "{}\r",
    "line separator": "{}\u2028",
    "paragraph separator": "{}\u2029",
    "space": "{} \n",
    "tab": "{}\t\n",
    "no-break space": "{}\u00a0\n",
    "zero width": "{}\u200b\n",
    "byte order marks": "{}\ufeff\n",
    "blank lines of a space": "{}\n \n",
    "blank lines of CRLF": "{}\r\n\r\n",
    "quotes": "“{}”\n",
    "plain quotes": '"{}"\n',
    "brackets": "({})\n",
    "square brackets": "[{}]\n",
    "citations": "{}[{n}]\n",
    "citations apart": "{} [{n}][note {n}]\n",
    "citation needed": "{}[citation needed]\n",
    "raised numbers": "{}{n}\n",
    "daggers": "{}†\n",
    "emoji": "{} 😀\n",
    "emphasis": "*{}*\n",
    "all at once": "“{}”[{n}] 😀 \u200b\r\n \r\n",
}
POLICIES = ("web-en", "junk-gentle", "junk-strict", "web-multilingual")


def texts_with(end: str) -> list[str]:
    return [
        "".join(end.format(line, n=k + 1) for k, line in enumerate(sentences(seed)))
        for seed in range(8)
    ]


def kept(texts: list[str], policy: str) -> list[list[str]]:
    table = thresher.measure(texts, quality="", machine_text="")
    return thresher.judge(table, policy)["reasons"].to_pylist()


@pytest.mark.parametrize("name", ENDS)
def test_good_texts_are_kept_however_their_lines_end(name):
    texts = texts_with(ENDS[name])
    table = thresher.measure(texts, quality="", machine_text="")
    for policy in POLICIES:
        assert thresher.judge(table, policy)["reasons"].to_pylist() == [[]] * 8, policy
    assert not any(mark in text for text in table["text"].to_pylist() for mark in "\r\u2028\u200b")


def test_the_ends_that_no_one_sees_change_no_other_signal():
    plain = thresher.measure(texts_with(ENDS["plain"]), quality="", machine_text="")
    own = ("id", "raw_hash", "mending")
    for name in list(ENDS)[1:10]:
        table = thresher.measure(texts_with(ENDS[name]), quality="", machine_text="")
        assert table.drop_columns(own).equals(plain.drop_columns(own)), name
        counts = table["mending"].to_pylist()
        assert {tuple(row.values()) for row in counts} == {(12, 0, 0, 0, 0)}, name
        assert not set(table["id"].to_pylist()) & set(plain["id"].to_pylist())
        assert not set(table["raw_hash"].to_pylist()) & set(plain["raw_hash"].to_pylist())


def test_lines_that_end_like_no_sentence_are_still_too_many():
    texts = ["\n".join(line[:-1] + "[12]" for line in sentences(seed)) for seed in range(4)]
    for policy in POLICIES:
        assert kept(texts, policy) == [["few_punctuated_lines"]] * 4


def test_published_policies_ask_for_the_last_character():
    assert kept(texts_with(ENDS["CRLF"]), "fineweb") == [[]] * 8
    reasons = kept(texts_with(ENDS["citations"]), "fineweb")
    assert all("few_punctuated_lines" in each for each in reasons)


def test_damaged_texts_are_kept_once_they_are_mended():
    said = ["It’s", "I’ve", "don’t", "can’t", "they’re", "she’ll"]
    said += ["wasn’t", "who’s", "we’ll", "isn’t", "let’s", "he’d"]
    pairs = zip(said, sentences(0), strict=True)
    told = ["\n".join(f"{word} – “{line}”" for word, line in pairs)]
    assert kept(told, "web-en") == [[]]
    misread = [text.encode().decode("cp1252", "replace") for text in told]
    holed = [text.encode("cp1252").decode("utf-8", "replace") for text in told]
    assert misread[0].count("â") == holed[0].count("\ufffd") == 48
    for damaged in (misread, holed):
        table = thresher.measure(damaged, quality="", machine_text="")
        assert thresher.judge(table, "web-en")["reasons"].to_pylist() == [[]]
        assert table["text"].to_pylist() == told


def test_a_run_stores_the_normal_text_under_the_id_of_the_one_it_read(tmp_path):
    lines = [" \r\n".join(sentences(seed)) + "\r\n" for seed in range(3)]
    broken = (
        "It would be a matter of infor-\nmation, said the com­mittee, and nothing more than it. "
    )
    rows = [*lines, broken * 3, "x" + 300 * " \t"]
    source = tmp_path / "texts.jsonl"
    source.write_text(
        "".join(json.dumps({"id": str(i), "text": text}) + "\n" for i, text in enumerate(rows)),
        "utf-8",
    )
    result = thresher.run(
        {
            "name": "run",
            "lake": tmp_path / "lake",
            "input": {"urls": [source]},
            "gates": {"languages": [], "min_characters": 100, "url_blocklist": False},
            "run": {"executor": "in-process"},
        }
    )
    assert result.counts["documents measured"] == 4  # the last is too short for what is left of it
    (path,) = (tmp_path / "lake" / "text").glob("*/*.parquet")
    stored = pq.read_table(path)
    mended = "It would be a matter of information,\nsaid the committee, and nothing more than it. "
    assert stored["text"].to_pylist() == [
        *("\n".join(sentences(seed)) + "\n" for seed in range(3)),
        (mended * 3).rstrip(),
    ]
    assert stored["raw_hash"].to_pylist() == raw_hash(pa.array(rows[:4])).to_pylist()
    made = thresher.measure(rows[:4], ids=[str(i) for i in range(4)])
    for name in ("id", "raw_hash", "mending", "text"):
        assert made[name].to_pylist() == stored[name].to_pylist(), name
    for group, name in (("signature", "content_hash"), ("rules", "lines")):
        (path,) = (tmp_path / "lake" / "signals" / group).glob("*/*.parquet")
        assert made[name].to_pylist() == pq.read_table(path)[name].to_pylist(), name
    assert stored["mending"].to_pylist()[3]["broken_word_count"] == 3
    identity = hashlib.blake2b(b"0\0\0" + rows[0].encode(), digest_size=16).hexdigest()
    assert stored["id"][0].as_py() == identity


def test_accents_are_stored_as_they_are_written_and_hashed_alike():
    forms = [unicodedata.normalize(form, "Déjà vu, naïve Ångström.") for form in ("NFC", "NFD")]
    table = thresher.measure(forms, quality="", machine_text="")
    assert table["text"].to_pylist() == forms
    assert forms[0] != forms[1]
    assert len(set(table["content_hash"].to_pylist())) == 1
    assert len(set(table["raw_hash"].to_pylist())) == 2


def test_pages_become_normal_too():
    body = "".join(f"<p>â€œ{line}â€\ufffd</p>\r\n" for line in sentences(1))
    head = "<html><head><meta charset=utf-8><title>A valley</title></head><body><article>"
    page = thresher.extract(f"{head}<h1>A valley</h1>{body}</article></body></html>")
    assert f"“{sentences(1)[0]}”" in page.text
    assert "â" not in page.text
    assert "â" in page.as_read
    table = thresher.measure([page], quality="", machine_text="")
    assert table["text"].to_pylist() == [page.text]
    assert table["mending"].to_pylist()[0]["mojibake_count"] == 24
    assert table["raw_hash"].to_pylist() == raw_hash(pa.array([page.as_read])).to_pylist()
    assert thresher.judge(table, "web-en")["reasons"].to_pylist() == [[]]


def test_the_shared_cases_are_kept(real_data):
    folder = real_data.parent / "cases" / "line_ends"
    if not folder.is_dir():
        pytest.skip(f"no shared cases of line ends in {folder}")
    files = sorted(folder.glob("*.jsonl"))
    assert files
    for file in files:
        rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        table = thresher.measure([row["text"] for row in rows], urls=[row["url"] for row in rows])
        reasons = thresher.judge(table, "web-en")["reasons"].to_pylist()
        assert len(rows) == 16
        assert reasons == [[]] * 16, file.name
