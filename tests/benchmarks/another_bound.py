"""What a run costs, and what it costs again with another bound in its policy.

    python tests/benchmarks/another_bound.py --data DATA --work WORK

The same command on the same files and lake, three times: for the first time, with another bound of
`too_few_words`, and with nothing changed. Seconds by the clock are of the whole command, without
Ray, one task after the other. Seconds of tasks are those that the manifests it wrote tell of: of
`decisions`, of `parts` and `curated`, which write the kept text, and of all stages. Before the
clock starts, the smallest file has been run in a lake of its own, so that the first run does not
pay for what is done once per machine. The crawl is `--times` copies of the real pages, made
different by `repeat_pages.py`, or what `--pages` names.
"""

import json
import sys
from glob import glob
from pathlib import Path

import common
import pyarrow.parquet as pq
import repeat_pages
from whole_job import responses, rows, task_seconds, timed

from thresher.filters.policy import shipped_policy_text

OURS = ("the first run", "another bound")
RULE = 'reason = "too_few_words"'
BOUNDS = ("below = 50", "below = 80")
RECIPE = """\
name = "another-bound"
lake = "{lake}"

[input]
urls = {urls}

[judge]
policy = "policy.toml"

[curated]
validation_fraction = 0.05

[run]
executor = "in-process"
"""


def policy_text(bound):
    """`web-en` with a bound of `too_few_words`."""
    head, rule, tail = shipped_policy_text("web-en").partition(RULE)
    assert rule
    assert BOUNDS[0] in tail
    return head + rule + tail.replace(BOUNDS[0], bound, 1)


def run(options, files, lake, bound):
    """What one command costs: seconds by the clock, and of its tasks."""
    (options.work / "policy.toml").write_text(policy_text(bound))
    recipe = options.work / "recipe.toml"
    urls = json.dumps([str(file) for file in files])
    recipe.write_text(RECIPE.format(lake=lake, urls=urls))
    before = task_seconds(lake)
    command = (sys.executable, "-m", "thresher.jobs.cli", "run", recipe)
    _, seconds = timed(command, options.work / "thresher.log", cwd=options.work)
    spent = {stage: total - before.get(stage, 0) for stage, total in task_seconds(lake).items()}
    return {
        "seconds": seconds,
        "decisions": spent["decisions"],
        "shards": spent["parts"] + spent["curated"],
        "tasks": sum(spent.values()),
    }


def report(parser, options):
    if not options.pages:
        repeat_pages.report(options)
    patterns = options.pages or [f"{options.work}/pages/*.warc.gz"]
    files = sorted({Path(path).resolve() for pattern in patterns for path in glob(pattern)})  # noqa: PTH207 - absolute patterns
    if not files:
        parser.error(f"no file matches {' '.join(patterns)}")
    smallest = min(files, key=lambda path: path.stat().st_size)
    run(options, [smallest], options.work / "warm", BOUNDS[0])
    lake = options.work / "lake"
    found = {
        "pages": responses(files),
        "machine": common.machine(),
        "the first run": run(options, files, lake, BOUNDS[0]),
        "another bound": run(options, files, lake, BOUNDS[1]),
        "nothing changed": run(options, files, lake, BOUNDS[1]),
    }
    decisions = {path.parent: 0 for path in lake.glob("decisions/**/*.parquet")}
    for folder in decisions:
        for path in folder.glob("*.parquet"):
            verdicts = pq.read_table(path, columns=["verdict"])["verdict"].to_pylist()
            decisions[folder] += verdicts.count("kept")
    print(
        f"{found['pages']} pages, {rows(lake, 'documents/**/*.parquet')} documents measured, kept "
    )
    print(f"{' and '.join(map(str, sorted(decisions.values(), reverse=True)))}")
    columns = ("seconds", "decisions", "shards", "tasks")
    print(f"\n{'':<20}" + "".join(f"{name:>11}" for name in columns))
    for name in ("the first run", "another bound", "nothing changed"):
        print(f"{name:<20}" + "".join(f"{found[name][column]:>11.2f}" for column in columns))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--pages", nargs="+", metavar="GLOB", help="default: made of the samples")
    parser.add_argument("--times", type=int, default=4)
    parser.add_argument("--json", type=Path, help="write everything here")
    with common.options(parser, unless="pages", times=1) as options:
        report(parser, options)


if __name__ == "__main__":
    main()
