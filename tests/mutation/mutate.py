"""`make mutate`: change the code that decides correctness, and see whether a test notices.

    python tests/mutation/mutate.py                     the sample, within the time of --minutes
    python tests/mutation/mutate.py --module judge      of modules whose path has the word
    python tests/mutation/mutate.py --all               every mutant
    python tests/mutation/mutate.py --show 1f3a...      one mutant, and the tests that it is given

A run that is broken off is gone on from. Results are kept in `.mutation/`, survivors are listed in
survivors.toml, where each needs a reason, and the score goes to CONTRIBUTING.md.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from mutants import Mutant, mutants
from reach import Reached, kept_reach, record
from runs import Runs, side_by_side
from standing import (
    Result,
    listed,
    read_survivors,
    sample,
    scores,
    table,
    with_table,
    write_survivors,
)

MODULES = (
    "manifests/**/*.py", "pipeline/judge/*.py", "pipeline/dedup/*.py", "pipeline/gate/*.py",
    "pipeline/read/*.py", "pipeline/materialize/*.py", "pipeline/shuffle.py",
    "pipeline/measured.py", "filters/policy/*.py", "filters/transforms/*.py",
    "filters/signals/*.py", "jobs/plan.py", "jobs/recipe.py", "jobs/executor.py", "jobs/run.py",
    "jobs/stages/*.py",
)  # fmt: skip
COMPILED = {"pipeline/dedup/kernels.py"}
TESTS = (
    "filters/test_*.py", "filters/policy/*.py", "filters/signals/*.py", "filters/transforms/*.py",
    "jobs/*.py", "jobs/api/*.py", "jobs/cli/*.py", "jobs/docs/test_docs.py", "jobs/stages/*.py",
    "manifests/**/*.py", "pipeline/**/*.py",
)  # fmt: skip
TESTS_LEFT_OUT = {"tests/manifests/catalog/test_clients.py"}
"""Starts programs of its own."""
THIRD_PARTY = (
    "numpy", "pyarrow", "pyarrow.compute", "pyarrow.parquet", "pyarrow.dataset", "duckdb", "numba",
    "scipy.sparse.csgraph", "msgspec", "hypothesis", "fsspec", "zstandard", "pytest_timeout", "ray",
    "fastwarc", "resiliparse.parse", "tldextract", "typer", "rich.progress", "aiohttp",
)  # fmt: skip
A_MODULE = 24
"""Mutants of each module in the sample."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as the arguments say; 1 if a survivor has no reason or a mutant is left to try."""
    options = _options(arguments)
    root = options.root.resolve()
    os.chdir(root)
    sys.path.insert(0, str(root / "src"))
    sys.dont_write_bytecode, sys.pycache_prefix = False, str(root / ".mutation" / "bytecode")
    os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", CI="1")
    for name in THIRD_PARTY:  # before the first fork, and nothing of Thresher's
        importlib.import_module(name)
    modules = sorted(
        path.relative_to(root).as_posix()
        for pattern in MODULES
        for path in root.glob(pattern)
        if path.relative_to(root).as_posix() not in COMPILED
    )
    sources = {module: (root / module).read_bytes() for module in modules}
    every = {module: mutants(source, module) for module, source in sources.items()}
    named = [m for m in modules if not options.module or any(w in m for w in options.module)]
    chosen = {m: every[m] if options.all else sample(every[m], options.number) for m in named}
    reach = _reach(root, modules, options.tests, options.jobs)
    survivors = root / "tests/mutation/survivors.toml"
    runs = Runs(root, sources, reach, read_survivors(survivors))
    if options.show:
        _show(runs, [each for name in named for each in every[name]], options.show)
        return 0
    deadline = time.monotonic() + 60 * options.minutes
    work = {m: [each for each in chosen[m] if runs.is_open(each)] for m in named}
    work = {module: some for module, some in work.items() if some}
    print(f"{sum(map(len, work.values()))} mutants to try in {len(work)} modules", flush=True)
    tasks = [functools.partial(runs.module, m, some, deadline) for m, some in work.items()]
    side_by_side(tasks, options.jobs, [_log(root, module) for module in work])
    return _close(root, Runs(root, sources, reach, read_survivors(survivors)), every, chosen)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--module", action="append", default=[], help="part of a path")
    parser.add_argument("--tests", action="append", default=[], help="part of a path")
    parser.add_argument("--all", action="store_true", help="every mutant, not the sample")
    parser.add_argument("--number", type=int, default=A_MODULE, help="mutants of each module")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once")
    parser.add_argument("--minutes", type=float, default=75, help="start no trial after these")
    parser.add_argument("--show", action="append", default=[], help="id of a mutant")
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[2])
    return parser.parse_args(arguments)


def _log(root: Path, path: str) -> Path:
    return root / ".mutation" / "log" / f"{path.replace('/', '-')}.txt"


def _reach(
    root: Path, modules: Sequence[str], words: Sequence[str], jobs: int
) -> dict[str, Reached]:
    """Which lines each test reaches, from files that are kept or by running the tests."""
    paths = {path for pattern in TESTS for path in root.glob(f"tests/{pattern}")}
    tests = sorted(p.relative_to(root).as_posix() for p in paths if p.name.startswith("test_"))
    tests = [t for t in tests if t not in TESTS_LEFT_OUT]
    tests = [t for t in tests if not words or any(word in t for word in words)]
    kept = {t: root / ".mutation" / "reach" / f"{t.replace('/', '-')}.json" for t in tests}
    missing = [test for test in tests if kept_reach(root, test, modules, kept[test]) is None]
    print(f"{len(missing)} of {len(tests)} test files to run for what they reach", flush=True)
    tasks = [functools.partial(record, root, test, modules, kept[test]) for test in missing]
    side_by_side(tasks, jobs, [_log(root, test) for test in missing])
    found: dict[str, Reached] = {}
    for test in tests:
        reached = kept_reach(root, test, modules, kept[test])
        if reached is None:
            print(f"no reach of {test}: see {_log(root, test)}", flush=True)
        found.update(reached or {})
    return found


def _show(runs: Runs, every: Sequence[Mutant], names: Sequence[str]) -> None:
    """Print mutants, what became of them, and their tests."""
    for each in every:
        if each.id.startswith(tuple(names)):
            print(f"{each.module}:{each.line} {each.where} ({each.kind})")
            print(f"- {each.before}\n+ {each.after}\n{runs.results(each.module).get(each.id)}")
            print(*runs.tests_of(each), sep="\n")


def _close(
    root: Path,
    runs: Runs,
    every: Mapping[str, Sequence[Mutant]],
    chosen: Mapping[str, Sequence[Mutant]],
) -> int:
    """Write the list and, of a run over all modules, the score; print what has no reason."""
    results: dict[str, Result] = {}
    for module in chosen:
        results.update(runs.results(module))
    made = {each.id: each for module in chosen for each in every[module]}
    picked = {each.id: each for some in chosen.values() for each in some}
    path = root / "tests/mutation/survivors.toml"
    survivors = listed(read_survivors(path), made, results)
    write_survivors(path, survivors.values())
    text = table(scores(made.values(), picked, results, survivors))
    print(text)
    if len(chosen) == len(every):
        page = root / "CONTRIBUTING.md"
        page.write_text(with_table(page.read_text(encoding="utf-8"), text), encoding="utf-8")
    bare = [each for each in survivors.values() if each.module in chosen and not each.why]
    for each in bare:
        print(f"\n{each.id} {each.module} {each.where}\n- {each.before}\n+ {each.after}")
    left = sum(runs.is_open(each) for each in picked.values())
    print(f"\n{len(bare)} survivors without a reason, {left} mutants left to try")
    return 1 if bare or left else 0


if __name__ == "__main__":
    sys.exit(main())
