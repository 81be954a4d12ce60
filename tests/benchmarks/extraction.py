"""How good and how fast extraction is, beside the peers, on pages with known main text.

    python tests/benchmarks/extraction.py --data DATA --work WORK [--systems fast balanced]

DATA holds `crawl/gold.jsonl.gz` and `crawl/pages/*.warc.gz`. For each system, per
set of pages and per page type:

- F1 of words: bag of lower-cased `\\w+` against that of the gold text, mean of the pages;
- F1 of 4-grams of those words, in which order counts;
- snippets: the share of must-appear snippets that appear and must-not-appear ones that do not;
- pages of CPU seconds of one core, from decoded HTML to text, and for our profiles also through
  the extraction process: raw bytes in, frames, decoding and signals included, both processes.

`balanced` has learned from pages of two of the sets: for figures of pages it has not seen, run
`extraction_train.py --check`, which splits them by a hash of the URL. Answers are kept in the
work folder: peers forever, our profiles until `--again` or their version changes. The peers that
our environment lacks get their own there.
"""

import gzip
import hashlib
import json
import os
import re
import sys
import time
from collections import Counter, defaultdict
from functools import partial
from pathlib import Path

import common

from thresher.pipeline.extract import PROFILE_VERSIONS, Extractor, ExtractSettings
from thresher.pipeline.extract.profiles import load_profile
from thresher.pipeline.read import read_shard
from thresher.pipeline.read.charset import decode_html
from thresher.pipeline.read.inputs import InputSettings, list_inputs

OURS = ("all_text", "fast", "balanced", "precise")
OWN_ENVIRONMENT = {
    "readability-lxml": ("readability", "readability-lxml"),
    "trafilatura 1.11 precision": ("datatrove",),
}
"""By peer that our environment lacks: its pins in `peers/`, and what has it."""
PEERS = (
    "resiliparse all text",
    "resiliparse main",
    "trafilatura",
    "trafilatura fast",
    "trafilatura precision",
    "trafilatura 1.11 precision",
    "readability-lxml",
)
CHUNK = 512
WORD = re.compile(r"\w+")


def load(data):
    """Pages of the crawl that have a gold record, each with it, in order of URL and set."""
    gold = {(row["set"], row["url"]): row for row in common.rows_of(data, "crawl/gold")}
    pages = {}
    for file in sorted((data / "crawl" / "pages").glob("*.warc.gz")):
        name = file.name.split("-")[0]
        settings = InputSettings(urls=[str(file)])
        for shard in list_inputs(settings, ""):
            for page in read_shard(shard, settings):
                row = gold.get((name, getattr(page, "url", "")))
                if row is not None and not hasattr(page, "reason"):
                    if name == "dragnet":
                        row = row | {"main_content": main_text(row["main_content"])}
                    pages[name, page.url] = (page, row)
    return [pages[key] for key in sorted(pages)]


def main_text(gold):
    """Without the readers' comments, which dragnet lists behind a mark; UTF-16 that was read as
    bytes is mended."""
    if gold.startswith("\xff\xfe"):
        gold = re.sub(r"(.)[ \0]", r"\1", gold[2:], flags=re.DOTALL)
    return gold.partition("!@#$%^&*()")[0]


def half(row):
    return hashlib.blake2b(row["url"].encode(), digest_size=1).digest()[0] % 2


def write_pages(pages, file):
    if not file.exists():
        with gzip.open(file, "wt", compresslevel=1) as out:
            for page, _ in pages:
                decoded = decode_html(page.content, page.charset)
                print(json.dumps({"html": decoded.text if decoded else ""}), file=out)


def prepare(options):
    """The pages, of which `options.answers` takes what each system says."""
    pages = load(options.data)
    if options.pages:
        pages = pages[:: max(1, len(pages) // options.pages)]
    options.answers = options.work / f"extraction-{len(pages)}-pages"
    options.answers.mkdir(exist_ok=True)
    write_pages(pages, options.answers / "pages.jsonl.gz")
    return pages


def run_peer(system, options):
    work = options.answers
    out = work / f"{system.replace(' ', '-')}.jsonl.gz"
    if not out.exists():
        partial = out.with_suffix(".partial")
        own = OWN_ENVIRONMENT.get(system)
        python = common.peer_python(options, *own) if own else sys.executable
        script = common.PEERS / "extraction.py"
        common.run_python(python, script, system, work / "pages.jsonl.gz", partial, cwd=work)
        partial.rename(out)
    return read_answers(out)


def run_ours(profile, pages, work, again):
    settings = ExtractSettings(profile=profile)
    version = f"version {PROFILE_VERSIONS[profile]}"
    out = work / f"ours-{profile}-{PROFILE_VERSIONS[profile]}.jsonl.gz"
    if again or not out.exists():
        extract = load_profile(settings)
        decoded = [decode_html(page.content, page.charset) for page, _ in pages]
        with gzip.open(out, "wt", compresslevel=1) as results:
            print(json.dumps({"version": version}), file=results)
            for page, (source, _) in zip(decoded, pages, strict=True):
                start = time.process_time()
                text = extract(page, source.content).text if page else ""
                print(json.dumps({"text": text, "cpu": time.process_time() - start}), file=results)
    return read_answers(out)


def read_answers(file):
    with gzip.open(file, "rt") as lines:
        header = json.loads(next(lines))
        return header["version"], [json.loads(line) for line in lines]


def through_process(profile, pages):
    """CPU seconds of both processes together, from raw bytes to texts and signals."""
    batch = [page for page, _ in pages]
    with Extractor(ExtractSettings(profile=profile, timeout_seconds=60)) as extractor:
        extractor.extract(batch[:50])
        before = cpu_of(extractor._child._process.pid) + time.process_time()
        for at in range(0, len(batch), CHUNK):
            extractor.extract(batch[at : at + CHUNK])
        return cpu_of(extractor._child._process.pid) + time.process_time() - before


def cpu_of(process):
    """User and system seconds of another process so far (Linux)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def words(text):
    return WORD.findall(text.lower())


def f1(found, gold):
    if not found or not gold:
        return float(not found and not gold)
    common = (Counter(found) & Counter(gold)).total()
    return 2 * common / (len(found) + len(gold))


def four_grams(found):
    return list(zip(*(found[i:] for i in range(4)), strict=False))


def squeeze(text):
    return " ".join(text.split())


def score(row, text):
    """The figures of one page by their names."""
    scores = {}
    if "main_content" in row:
        found, gold = words(text), words(row["main_content"])
        scores["words"] = f1(found, gold)
        scores["4-grams"] = f1(four_grams(found), four_grams(gold))
    flat = squeeze(text)
    hits = [squeeze(snippet) in flat for snippet in row.get("with", ())]
    clean = [squeeze(snippet) not in flat for snippet in row.get("without", ())]
    if hits:
        scores["with"] = sum(hits) / len(hits)
    if clean:
        scores["without"] = sum(clean) / len(clean)
    if hits or clean:
        scores["snippets"] = (sum(hits) + sum(clean)) / (len(hits) + len(clean))
    return scores


def table(pages, answers):
    """Mean figures per group of pages: all of a set, its halves, its page types."""
    groups = defaultdict(lambda: defaultdict(list))
    for (_, row), answer in zip(pages, answers, strict=True):
        names = [row["set"], f"{row['set']} half {half(row)}"]
        if row.get("page_type"):
            names.append(f"{row['set']} {row['page_type']}")
        for name, value in score(row, answer["text"]).items():
            for group in names:
                groups[group][name].append(value)
    return {
        group: {name: round(sum(values) / len(values), 4) for name, values in figures.items()}
        | {"pages": max(map(len, figures.values()))}
        for group, figures in sorted(groups.items())
    }


def report(options):
    pages = prepare(options)
    size = sum(len(page.content) for page, _ in pages)
    print(f"{len(pages)} pages, {size / len(pages) / 1000:.0f} kB each")
    results = {}
    for system in options.systems:
        if system in OURS:
            found = run_ours(system, pages, options.answers, options.again)
        else:
            found = common.attempt(system, partial(run_peer, system, options))
        if found is None:
            continue
        version, answers = found
        cpu = sum(answer["cpu"] for answer in answers)
        results[system] = {
            "version": version,
            "pages_per_second": round(len(pages) / cpu, 1),
            "pages_of_100_kb_per_second": round(size / 1e5 / cpu, 1),
            "groups": table(pages, answers),
        }
        if system in OURS:
            seconds = through_process(system, pages)
            results[system]["pages_per_second_through_process"] = round(len(pages) / seconds, 1)
        show(system, results[system], options.types)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


def show(system, result, types):
    through = result.get("pages_per_second_through_process", "-")
    print(
        f"\n{system} {result['version']}: {result['pages_per_second']} pages/s "
        f"({result['pages_of_100_kb_per_second']} of 100 kB), through the process {through}"
    )
    for group, figures in result["groups"].items():
        if types or " " not in group:
            values = "  ".join(f"{k} {v:.4f}" for k, v in figures.items() if k != "pages")
            print(f"  {group:22} {figures['pages']:4}  {values}", flush=True)


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--systems", nargs="*", default=[*OURS, *PEERS])
    parser.add_argument("--pages", type=int, help="only so many, spread over all of them")
    parser.add_argument("--again", action="store_true", help="run our profiles again")
    parser.add_argument("--types", action="store_true", help="show page types and halves too")
    parser.add_argument("--json", type=Path)
    with common.options(parser) as options:
        report(options)


if __name__ == "__main__":
    main()
