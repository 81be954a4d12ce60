"""The whole job, WARC to curated with near-dedup, beside datatrove's FineWeb recipe.

    python tests/benchmarks/whole_job.py --data DATA --work WORK
    python tests/benchmarks/whole_job.py --pages 'pages/*.warc.gz' --work WORK

Both run on the same files with the same number of workers, English only, each as the command a
person would type; the clock runs from the start of the process to its end. Before the clock
starts, each side has run once on the smallest of the files, so that neither pays for what is done
once per machine (unpacking block lists, compiling kernels). The peer's environment is made if it is
missing. Counts are read from what each side wrote. `repeat_pages.py` makes a larger crawl.
"""

import json
import platform
import shutil
import statistics
import sys
import time
from glob import glob
from importlib.metadata import version
from pathlib import Path

import common
import pyarrow.parquet as pq
from common import machine
from fastwarc.warc import ArchiveIterator, WarcRecordType

OURS = ("thresher, profile fast",)
PEERS = ("datatrove",)
PEER = common.PEERS / "whole_job.py"
PROFILES = ("fast", "precise")
RECIPE = """\
name = "benchmark-{profile}"
lake = "{lake}"

[input]
urls = {urls}

[gates]
languages = ["en"]
language_score = 0.65

[extract]
profile = "{profile}"

[judge]
policy = "fineweb"

[run]
workers = {workers}
"""


def timed(command, log, **options):
    """Run a command to its end; its output, and the seconds by the clock on the wall."""
    start = time.perf_counter()
    output = common.run_python(*command, log=log, **options)
    return output, time.perf_counter() - start


def run_peer(python, work, files, workers, out):
    shutil.rmtree(out, ignore_errors=True)
    environ = {
        "HF_ASSETS_CACHE": str(work / "assets"),
        "HF_HUB_OFFLINE": "1",
        "TLDEXTRACT_CACHE": str(work / "tldextract"),
        "TLDEXTRACT_CACHE_TIMEOUT": "2",
    }
    command = (python, PEER, *files, "--out", out, "--workers", workers)
    output, seconds = timed(command, work / "peer.log", environ=environ, cwd=work)
    found = json.loads(output.strip().splitlines()[-1])
    stages = found.pop("seconds")
    return {"wall_seconds": round(seconds, 2), "stage_seconds": stages, **found}


def peer(options, smallest, files):
    """The peer's median run, after one on the smallest file."""
    python = common.peer_python(options, "datatrove")
    out, workers = options.work / "peer-out", options.workers
    run_peer(python, options.work, smallest, workers, options.work / "peer-warm")
    found = repeated(options.repeat, lambda: run_peer(python, options.work, files, workers, out))
    return {**found, "machine": machine()}


def run_thresher(work, files, workers, profile):
    lake = work / f"lake-{profile}"
    shutil.rmtree(lake, ignore_errors=True)
    recipe = work / f"{profile}.toml"
    urls = json.dumps([str(file) for file in files])
    recipe.write_text(RECIPE.format(profile=profile, lake=lake, urls=urls, workers=workers))
    command = (sys.executable, "-m", "thresher.jobs.cli", "run", recipe)
    _, seconds = timed(command, work / f"thresher-{profile}.log", cwd=work)
    return {
        "wall_seconds": round(seconds, 2),
        "task_seconds": task_seconds(lake),
        "documents_measured": rows(lake, "text/*/*.parquet"),
        "documents_out": rows(lake, "curated/**/*.parquet"),
    }


def rows(lake, pattern):
    return sum(pq.read_metadata(path).num_rows for path in lake.glob(pattern))


def task_seconds(lake):
    """Seconds of work by stage, all workers together; what is left of the wall is start-up."""
    found = {}
    for path in lake.glob("manifests/**/*.json"):
        manifest = json.loads(path.read_text())
        found[manifest["stage"]] = found.get(manifest["stage"], 0) + manifest["seconds"]
    return {stage: round(total, 2) for stage, total in found.items()}


def responses(files):
    """Response records in the files: the pages that both sides are given."""
    count = 0
    for path in files:
        with path.open("rb") as file:
            count += sum(1 for _ in ArchiveIterator(file, record_types=WarcRecordType.response))
    return count


def versions():
    names = ("ray", "numba", "duckdb", "pyarrow", "resiliparse", "trafilatura", "fastwarc")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def repeated(times, run):
    """The run with the median wall clock, and the wall clocks of all of them."""
    found = sorted((run() for _ in range(times)), key=lambda result: result["wall_seconds"])
    walls = [result["wall_seconds"] for result in found]
    middle = found[(len(found) - 1) // 2]
    return {**middle, "wall_seconds": statistics.median_low(walls), "all_wall_seconds": walls}


def stages(seconds):
    """The stages that took any time, the longest first."""
    ranked = sorted(seconds.items(), key=lambda item: -item[1])
    return ", ".join(f"{stage} {value}" for stage, value in ranked if value >= 0.1)


def show(report):
    pages = report["pages"]
    print(f"{pages} pages in {len(report['files'])} files, {report['workers']} workers")
    print(f"\n{'job':<34}{'seconds':>9}{'documents/s':>13}{'kept':>7}{'ratio':>8}")
    names = {}
    if "peer" in report:
        names["peer"] = f"datatrove {report['peer']['versions']['datatrove']}, FineWeb recipe"
    names |= {profile: f"thresher, profile {profile}" for profile in PROFILES}
    for key, name in names.items():
        if result := report.get(key):
            seconds = result["wall_seconds"]
            columns = f"{seconds:>9.1f}{pages / seconds:>13.2f}{result['documents_out']:>7}"
            ratio = f"{report['peer']['wall_seconds'] / seconds:>8.2f}" if "peer" in report else ""
            print(f"{name:<34}{columns}{ratio}")
    print()
    if "peer" in report:
        print(f"(datatrove, seconds by stage: {stages(report['peer']['stage_seconds'])})")
    for profile in PROFILES:
        if result := report.get(profile):
            print(f"(thresher {profile}, task seconds by stage: {stages(result['task_seconds'])})")


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--pages", nargs="+", metavar="GLOB", help="default: DATA/crawl/pages")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=1, help="report the median of so many runs")
    parser.add_argument("--profiles", nargs="*", choices=PROFILES, default=list(PROFILES))
    parser.add_argument("--skip-peer", type=Path, metavar="JSON", help="an earlier --json of this")
    parser.add_argument("--json", type=Path, help="write everything here")
    with common.options(parser, unless="pages", profiles=["fast"]) as options:
        run(parser, options)


def run(parser, options):
    patterns = options.pages or [f"{options.data}/crawl/pages/*.warc.gz"]
    files = sorted({Path(path).resolve() for pattern in patterns for path in glob(pattern)})  # noqa: PTH207 - absolute patterns
    if not files:
        parser.error(f"no file matches {' '.join(patterns)}")
    work = options.work
    smallest = [min(files, key=lambda path: path.stat().st_size)]
    workers = options.workers
    report = {
        "pages": responses(files),
        "files": [path.name for path in files],
        "workers": workers,
        "machine": machine(),
        "versions": versions(),
    }
    if options.skip_peer:
        earlier = json.loads(options.skip_peer.read_text())
        if any(earlier[key] != report[key] for key in ("pages", "files", "workers")):
            parser.error(f"{options.skip_peer} is of other pages or workers")
        report["peer"] = earlier["peer"]
    else:
        found = common.attempt("datatrove", lambda: peer(options, smallest, files))
        if found is not None:
            report["peer"] = found
    if options.profiles:
        run_thresher(work, smallest, workers, options.profiles[0])
    for profile in options.profiles:
        report[profile] = repeated(
            options.repeat,
            lambda profile=profile: run_thresher(work, files, workers, profile),
        )
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    show(report)


if __name__ == "__main__":
    main()
