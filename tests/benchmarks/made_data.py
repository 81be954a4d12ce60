"""Tiny data of the shape of the real samples, for `--smoke`.

The texts are those of the sample crawl's generator: prose of several kinds, and pages of junk. What
is measured on them says that a benchmark runs, and nothing else.
"""

import gzip
import json

from thresher.jobs.sample import archives, html
from thresher.jobs.sample.grammar import bank, generator
from thresher.jobs.sample.junk import MAKERS
from thresher.jobs.sample.page import Site, text_of, web_page

PROSE = ("town", "person", "news", "story", "essay", "science", "howto")
MODELS = ("ChatGPT", "Claude-instant", "Google-PaLM", "Llama-2-70b")
LABELS = {
    "ticker_table": "market_table",
    "price_table": "number_table",
    "product_grid": "product_grid",
    "navigation": "navigation",
    "cookie_wall": "consent_notice",
    "access_page": "access_notice",
    "seo_doorway": "seo_spam",
    "machine_slop": "machine_slop",
}
"""What a reader would call each junk of the sample crawl."""
WEB_PAGES = 360
ARCHIVED = 20
EVALUATION = {
    "grade-school-math__data__test.jsonl": ("question", "answer"),
    "human-eval__data__HumanEval.jsonl": ("prompt", "canonical_solution"),
    "llm-foundry__symbolic_problem_solving__math.jsonl": ("context", "chain_of_thought"),
    "llm-foundry__symbolic_problem_solving__math_qa.jsonl": ("query",),
    "SVAMP__SVAMP.jsonl": ("Body", "Question"),
    "llm-foundry__world_knowledge__arc_easy.jsonl": ("query", "choices"),
    "llm-foundry__world_knowledge__arc_challenge.jsonl": ("query", "choices"),
    "llm-foundry__commonsense_reasoning__piqa.jsonl": ("query", "choices"),
    "llm-foundry__language_understanding__winogrande.jsonl": ("context_options", "continuation"),
    "llm-foundry__language_understanding__lambada_openai.jsonl": ("context",),
    "llm-foundry__reading_comprehension__boolq.jsonl": ("query",),
    "AGIEval__v1__sat-math.jsonl": ("question", "options"),
}
LISTS = ("choices", "context_options", "options")
"""Fields of evaluation sets that hold several texts."""


def prose(*seed):
    """A text of its own for each seed."""
    name = PROSE[seed[-1] % len(PROSE)]
    text = text_of(name, "smoke", *seed, index=seed[-1])
    return f"{text.title}\n{text.body}"


def junk(kind, *seed):
    found = MAKERS[kind](generator("smoke", kind, *seed))
    return "\n".join((found.title, *found.lines))


def make_data(folder):
    """Write everything; the folder."""
    sets = {
        "text/weborganizer": _web(),
        "text/openstax": _prose("os", 60, source=("osbooks-rivers", "osbooks-bridges")),
        "text/reference": _prose("ref", 60, source=("brown-ca", "book:the-mill", "abc-science")),
        "text/scitldr": _prose("sci", 30),
        "text/reuters": _prose("reu", 160, topics=(["earn"], ["cocoa"], [])),
        "text/instruct": _prose("ins", 30),
        "text/newsgroups": _posts(),
        "slop/detectrl": _detectrl(),
        "slop/outfox": _written("ofx", 80),
        "slop/slop_score": _written("ss", 40, label=("llm",), model=("Mistral-Small", "kimi-k2")),
        "spam/spamassassin": _written("sa", 40, label=("ham", "spam")),
        "language/udhr/udhr": _languages("udhr"),
        "language/lingua": _languages("word-pairs"),
        "crawl/gold": list(_archives(folder)),
    }
    for name, rows in sets.items():
        path = folder / f"{name}.jsonl.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(archives.jsonl_gz(rows))
    _lines(folder / "lines")
    _market(folder / "market")
    _articles(folder / "duplicates")
    _evaluation(folder / "eval_sets")
    (folder / "labels.jsonl").write_bytes(archives.jsonl(_labels(folder)))
    return folder


def _turns(number, fields):
    return {name: values[number % len(values)] for name, values in fields.items()}


def _prose(prefix, count, **fields):
    return [
        {"id": f"{prefix}-{k}", **_turns(k, fields), "text": prose(prefix, k)} for k in range(count)
    ]


def _web():
    kinds = list(LABELS)
    rows = []
    for k in range(WEB_PAGES):
        bad = kinds[k // 3 % len(kinds)] if k % 3 == 0 else ""
        rows.append(
            {
                "id": f"wo-{bad or 'good'}-{k:06}",
                "url": f"https://www.{f'shop{k}' if bad else f'site{k % 40}'}.example/{k}",
                "text": junk(bad, k) if bad else prose("wo", k),
                "topic": "Travel",
                "format": "Product Page" if bad else "Knowledge Article",
            }
        )
    return rows


def _posts():
    return [
        {
            "id": f"ng-{k}",
            "group": ("sci.space", "misc.forsale")[k % 10 == 0],
            "text": f"From: reader{k % 20}@post.example\nSubject: a letter\n\n{prose('ng', k)}",
        }
        for k in range(60)
    ]


def _detectrl():
    rows = []
    for k in range(360):
        human = k % 3 == 0
        rows.append(
            {
                "id": f"drl-{k}",
                "label": "human" if human else "llm",
                "model": MODELS[k % 4],
                "domain": ("story", "content", "abstract", "document")[k // 3 % 4],
                "text": prose("drl", k) if human else junk("machine_slop", "drl", k),
            }
        )
    return rows


def _written(prefix, count, label=("human", "llm"), **fields):
    rows = []
    for k in range(count):
        row = {"id": f"{prefix}-{k}", **_turns(k, {"label": label, **fields})}
        good = row["label"] in ("human", "ham")
        text = prose(prefix, k) if good else junk("machine_slop", prefix, k)
        rows.append({**row, "text": text})
    return rows


def _languages(kind):
    rows = [{"lang": "eng", "kind": kind, "text": prose("language", k)} for k in range(3)]
    for code, table in bank("languages").items():
        long = {"de": "deu", "fr": "fra", "es": "spa", "ja": "jpn", "ru": "rus"}[code]
        name = long if kind == "udhr" else code
        rows.append({"lang": name, "kind": kind, "text": "\n".join(table["sentences"] * 3)})
    return rows


def _archives(folder):
    """Write the archives of pages with known main text; the rows of `gold`."""
    site = Site(7)
    (folder / "crawl" / "real").mkdir(parents=True)
    (folder / "crawl" / "pages").mkdir()
    for name in ("wcxb", "trafilatura", "dragnet", "real"):
        records = []
        for k in range(ARCHIVED):
            text = text_of(PROSE[k % len(PROSE)], "smoke", name, index=k)
            rng = generator("smoke", name, k)
            page = web_page("article", site, text, rng)
            markup = page.html
            if name == "real":
                menu = MAKERS["navigation"](rng)
                markup = html.page(menu.title, menu.body, rng)
            message = archives.http_message(200, "text/html; charset=utf-8", markup.encode())
            identity = archives.record_id(name, k)
            records.append(archives.warc_record("response", identity, page.url, message))
            row = {"set": name, "url": page.url}
            if name == "trafilatura":
                yield {**row, "with": [text.paragraphs[0][:60]], "without": ["Site map"]}
            elif name != "real":
                kind = {"page_type": ("article", "forum")[k % 2]} if name == "wcxb" else {}
                yield {**row, **kind, "main_content": text.body}
        room = "real" if name == "real" else "pages"
        target = folder / "crawl" / room / f"{name}-00000.warc.gz"
        target.write_bytes(b"".join(records))


def _lines(folder):
    folder.mkdir()
    for name in ("en_dev", "en_train"):
        pages = []
        for k in range(8):
            noise = junk("cookie_wall", name, k).split("\n")
            main = prose(name, k).split("\n")
            pages.append({"text": noise + main, "labels": [0] * len(noise) + [1] * len(main)})
        with gzip.open(folder / f"{name}.json.gz", "wt", encoding="utf-8") as file:
            json.dump(pages, file)


def _market(folder):
    folder.mkdir()
    rng = generator("smoke", "market")
    for name in ("nasdaq", "nyse", "amex"):
        rows = [
            {
                "symbol": "".join(rng.choices("ABCDEFGHIKLMNOPRSTUVW", k=4)),
                "name": f"{rng.choice(bank('names')['surnames'])} Corp",
                "lastsale": f"${rng.randint(100, 9000) / 100:.2f}",
                "netchange": f"{rng.randint(-99, 99) / 50:.2f}",
                "pctchange": f"{rng.randint(-99, 99) / 50:.2f}%",
                "volume": str(rng.randint(1000, 900_000)),
                "marketCap": f"{rng.randint(10**6, 10**10)}.00",
                "sector": ("Energy", "Finance", "Health", "Retail")[k % 4],
            }
            for k in range(60)
        ]
        path = folder / f"US-Stock-Symbols__{name}_full_tickers.json"
        path.write_text(json.dumps(rows))


def _articles(folder):
    """Articles, of which two are nearly the same."""
    folder.mkdir()
    texts = [prose("articles", k).replace("\n", " ") for k in range(20)]
    texts.append(texts[0].rsplit(" ", 2)[0])
    lines = [f"t{k} {text}\n" for k, text in enumerate(texts)]
    (folder / "articles_20.train").write_text("".join(lines))
    (folder / "articles_20.truth").write_text("t0 t20\n")


def _evaluation(folder):
    folder.mkdir()
    for name, fields in EVALUATION.items():
        rows = []
        for k in range(12):
            texts = [f"{field} {prose(name, field, k)[:300]}" for field in fields]
            pairs = zip(fields, texts, strict=True)
            rows.append({f: [text] if f in LISTS else text for f, text in pairs})
        (folder / f"{name}.gz").write_bytes(archives.jsonl_gz(rows))


def _labels(folder):
    """Each web page as its maker would judge it; pages of archives are good, of `real` menus."""
    from junk_pages import read_pages

    for source in ("weborganizer", "wcxb", "dragnet", "real"):
        for page in read_pages(folder, source):
            kind = page.id.partition("/")[2].partition("-")[0]
            label = "navigation" if source == "real" else LABELS.get(kind, "good")
            drawn = "random" if label == "good" else "again_page"
            yield {
                "id": page.id,
                "labels": [label],
                "half": page.half,
                "drawn": drawn,
                "text": page.fingerprint,
            }
