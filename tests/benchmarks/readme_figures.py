"""The figures of the project's read-me, taken from the benchmarks that measure them.

    python tests/benchmarks/readme_figures.py --data DATA --work WORK --write
    python tests/benchmarks/readme_figures.py --check

Each row is of one benchmark, run as a person would; `--only` takes some of them anew. `--write`
keeps what they gave in `figures.json`, with the day and the machine, and puts the table between its
marks in README.md; without it the table is only printed. `--check` takes nothing: it fails where
the read-me does not say what `figures.json` holds.
"""

import datetime
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import common

OURS = ("another bound in the policy", "pages that a reader called junk")
STORED = common.HERE / "figures.json"
README = common.ROOT / "README.md"
MARKS = ("<!-- figures: made by tests/benchmarks/readme_figures.py -->", "<!-- end of figures -->")
HEADER = "| what | Thresher | beside it |\n|---|---|---|"


@dataclass(frozen=True)
class Figure:
    """One row of the table."""

    what: str
    runs: Mapping[str, tuple[str, ...]]
    """The benchmarks that it takes, by a name of its own: a script and its arguments."""
    numbers: Callable[[dict], dict]
    """The numbers that count of the JSON of these runs."""
    ours: str
    """What the numbers say of Thresher."""
    beside: str
    """What they say of the peer."""


def speeds(runs):
    rows = {
        "ours": ("thresher", "measure, all families"),
        "peer": ("datatrove", "four filters on every document"),
    }
    found = {name: (runs["speed"][side], row) for name, (side, row) in rows.items()}
    return {name: each["megabytes"] / each["seconds"][row] for name, (each, row) in found.items()}


def work_again(runs):
    first, second = (runs["bound"][name] for name in ("the first run", "another bound"))
    return {
        "pages": runs["bound"]["pages"],
        "first": first["tasks"],
        "decisions": second["decisions"],
        "shards": second["shards"],
    }


def junk_dropped(runs):
    """Shares dropped by any rule, of the pages of sites that no bound was set on."""
    numbers = {}
    for policy, found in runs.items():
        pages = found["groups"]["test"]["table"]
        good = pages["good"]
        numbers[f"{policy}_junk"] = pages["any junk"]["recall_any_rule"]
        numbers[f"{policy}_good"] = good["dropped_by_any_rule"] / good["pages"]
    return numbers


def copies_found(runs):
    numbers = {"documents": runs["pairs"]["documents"]}
    for name, tool in (("ours", "ours-band"), ("peer", "rensa")):
        found = runs["pairs"]["tools"][tool]
        numbers |= {f"{name}_found": found["recall"], f"{name}_wrong": 1 - found["precision"]}
    return numbers


FIGURES = {
    "speed": Figure(
        "all signals of a text, on one core",
        {"speed": ("filters_speed.py", "--only", "thresher", "datatrove")},
        speeds,
        "{ours:.3g} MB/s",
        "{peer:.2g} MB/s: datatrove's filters for Gopher, C4 and FineWeb",
    ),
    "bound": Figure(
        OURS[0],
        {"bound": ("another_bound.py",)},
        work_again,
        "of the {first:.0f} s that {pages:,} pages took, {decisions:.1f} s to judge again and "
        "{shards:.1f} s to write the shards",
        "all of it where filters drop as they read",
    ),
    "junk": Figure(
        OURS[1],
        {
            "ours": ("junk.py", "--policy", "web-en"),
            "peer": ("junk.py", "--policy", "fineweb"),
        },
        junk_dropped,
        "{ours_junk:.0%} dropped, with {ours_good:.0%} of the good pages",
        "{peer_junk:.0%} dropped, with {peer_good:.0%} of the good pages: FineWeb's rules",
    ),
    "copies": Figure(
        "near copies among {documents:,} texts",
        {"pairs": ("dedup_quality.py", "--tools", "ours-band", "rensa")},
        copies_found,
        "{ours_found:.1%} found, {ours_wrong:.2%} of what was found wrong",
        "{peer_found:.1%} found, {peer_wrong:.2%} wrong: rensa",
    ),
}


def take(options, figure):
    """What the benchmarks of a figure give now."""
    runs = {}
    given = ["--smoke"] if options.smoke else ["--data", options.data, "--work", options.work]
    for name, (script, *arguments) in figure.runs.items():
        out = options.work / f"{name}.json"
        script = common.HERE / script
        common.run_python(sys.executable, script, *arguments, *given, "--json", out)
        runs[name] = json.loads(out.read_text())
    machine = {name: found for name, found in common.machine().items() if name != "system"}
    return {
        "day": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": machine,
        "commands": commands_of(figure),
        "numbers": figure.numbers(runs),
    }


def commands_of(figure):
    return [" ".join(command) for command in figure.runs.values()]


def table(stored):
    """The rows of what is stored, and a line that says where they are from."""
    rows = []
    for name, figure in FIGURES.items():
        if name in stored:
            cells = (figure.what, figure.ours, figure.beside)
            rows.append(
                "| " + " | ".join(c.format(**stored[name]["numbers"]) for c in cells) + " |"
            )
    days = sorted({each["day"] for each in stored.values()})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    machines = [each["machine"] for each in stored.values()]
    where = sorted({f"{each['cpu']} with {each['cpus']} CPUs" for each in machines})
    return "\n".join([HEADER, *rows, "", f"Taken {when}, on {' and '.join(where)}."])


def between_marks(text, made):
    """The text with the table between the marks."""
    head, begin, rest = text.partition(MARKS[0])
    _, end, tail = rest.partition(MARKS[1])
    assert begin, f"{README.name} has no mark {MARKS[0]}"
    assert end, f"{README.name} has no mark {MARKS[1]}"
    return f"{head}{begin}\n{made}\n{end}{tail}"


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--only", nargs="+", choices=FIGURES, default=list(FIGURES))
    parser.add_argument("--write", action="store_true", help="figures.json and README.md")
    parser.add_argument("--check", action="store_true", help="compare README.md with figures.json")
    if "--check" in sys.argv:
        stored = json.loads(STORED.read_text(encoding="utf-8"))
        text = README.read_text(encoding="utf-8")
        taken = {name: each["commands"] for name, each in stored.items()}
        if taken != {name: commands_of(figure) for name, figure in FIGURES.items()}:
            sys.exit(f"{STORED.name} is not of these benchmarks: take them again with --write")
        if between_marks(text, table(stored)) != text:
            sys.exit(f"{README.name} says something else than {STORED.name}: --write mends it")
        return
    with common.options(parser, only=["bound", "junk"]) as options:
        assert not (options.smoke and options.write), "what --smoke takes says nothing"
        taken = {name: take(options, FIGURES[name]) for name in options.only}
        print(table(taken))
        if options.write:
            stored = json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else {}
            stored |= taken
            stored = {name: stored[name] for name in FIGURES if name in stored}
            STORED.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
            text = README.read_text(encoding="utf-8")
            README.write_text(between_marks(text, table(stored)), encoding="utf-8")


if __name__ == "__main__":
    main()
