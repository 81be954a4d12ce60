"""Seconds from the start of a process to its first measured batch, with a cold and a warm cache.

    python tests/benchmarks/startup.py

Copies the filters of the package into the work folder, so that the cache of the tests stays as it
is.
Cold: nothing compiled, as after an installation. Warm: another process has compiled. Two at once:
both start cold, on one machine. Read-only: the package cannot be written to. Seconds by the clock
on the wall, with the CPU seconds beside them, which a busy machine changes less.
"""

import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import common
from common import ROOT

OURS = ("cold", "warm")

OTHERWISE = ("PYTHONDONTWRITEBYTECODE", "NUMBA_CACHE_DIR")
"""Settings that would keep what is compiled elsewhere."""
CHILD = """
import json, sys, time
start = time.time()
import pyarrow as pa
from thresher.filters.measure import MinHashSettings, measure, warm_up
imported = time.time()
warm_up()
warmed = time.time()
measure(pa.array(["One two three, four five: six."] * 100), MinHashSettings())
print(json.dumps([start, imported, warmed, time.time(), time.process_time()]))
"""


def begin(folder, environment):
    """A process that measures, and when it was started."""
    command = [sys.executable, "-c", CHILD]
    start = time.time()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, env=environment)
    return process, start


def end(process, start):
    """Seconds to the interpreter, for imports, for compiling or loading, for the first batch."""
    output, _ = process.communicate()
    if process.returncode:
        sys.exit(f"a child ended with {process.returncode}")
    *marks, cpu = json.loads(output)
    parts = [b - a for a, b in itertools.pairwise([start, *marks])]
    return [*parts, marks[-1] - start, cpu]


def show(name, parts):
    cells = "".join(f"{part:>13.2f}" for part in parts)
    print(f"{name:<34}{cells}")


def copy_package(folder):
    """A `thresher` of the filters alone, with nothing compiled."""
    ignore = shutil.ignore_patterns("__pycache__")
    source = ROOT / "src" / "thresher"
    shutil.copytree(source / "filters", folder / "thresher" / "filters", ignore=ignore)
    shutil.copy(source / "__init__.py", folder / "thresher")


def report(options):
    names = ("interpreter", "imports", "warm_up", "first batch", "all", "CPU")
    print(f"\n{'seconds':<34}" + "".join(f"{name:>13}" for name in names))
    with tempfile.TemporaryDirectory(dir=options.work) as temporary:
        folder = Path(temporary)
        for copy in ("one", "two", "three"):
            copy_package(folder / copy)
        # Bytecode is kept, as of an installation, whatever this machine's settings say.
        environment = {
            **{k: v for k, v in os.environ.items() if k not in OTHERWISE},
            "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
            "PYTHONPATH": ".",
            "XDG_CACHE_HOME": str(folder / "cache"),
        }
        show("cold", end(*begin(folder / "one", environment)))
        warm = [end(*begin(folder / "one", environment)) for _ in range(options.repeat)]
        show("warm", sorted(warm, key=lambda parts: parts[-2])[options.repeat // 2])
        if options.quick:
            return
        both = [begin(folder / "two", environment) for _ in range(2)]
        for k, each in enumerate([end(*process) for process in both]):
            show(f"cold, two at once: {k + 1}", each)
        # A file in its place: no cache can be made beside the sources, even by root.
        (folder / "three" / "thresher" / "filters" / "kernels" / "text" / "__pycache__").touch()
        show("read-only, cold", end(*begin(folder / "three", environment)))
        show("read-only, warm", end(*begin(folder / "three", environment)))


def main():
    parser = common.parser(__doc__, data=False)
    parser.add_argument("--repeat", type=int, default=3, help="warm starts; the median is shown")
    parser.add_argument("--quick", action="store_true", help="cold and warm only")
    with common.options(parser, repeat=1, quick=True) as options:
        report(options)


if __name__ == "__main__":
    main()
