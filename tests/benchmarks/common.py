"""What the benchmarks share: options, the machine, the peers' environments, texts, clocks."""

import argparse
import contextlib
import gzip
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PEERS = HERE / "peers"
JUNK_LABELS = ROOT / "tests" / "junk_labels"
# Thresher is that of this repository, whatever is installed.
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests" / "filters"), str(JUNK_LABELS)]

SMALL = 8
"""Packages of a peer that `--smoke` installs; a peer with more of them is skipped."""


def parser(doc, data=True):
    """A parser with the options that every benchmark has.

    Args:
        doc: the docstring of the benchmark.
        data: whether it reads the real samples.
    """
    made = argparse.ArgumentParser(description=doc.splitlines()[0])
    if data:
        given = os.environ.get("THRESHER_TEST_DATA")
        made.add_argument(
            "--data",
            type=Path,
            default=given and Path(given),
            help="folder of the real samples; default: $THRESHER_TEST_DATA",
        )
    made.add_argument(
        "--work", type=Path, help="folder for what is written and for peers; default: a scratch one"
    )
    made.add_argument("--smoke", action="store_true", help="seconds, on tiny texts that it makes")
    return made


@contextlib.contextmanager
def options(parser, unless="", **small):
    """The options of this run; with `--smoke`, made data and `small` in place of the sizes.

    Args:
        parser: of the benchmark.
        unless: the option that does instead of `--data`.
        small: values of options by their name, for `--smoke`.
    """
    found = parser.parse_args()
    unknown = small.keys() - vars(found).keys()
    assert not unknown, f"no such options: {unknown}"
    child = getattr(found, "child", None)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as scratch:
        found.work = (found.work or Path(scratch) / "work").resolve()
        found.work.mkdir(parents=True, exist_ok=True)
        found.labels = JUNK_LABELS / "labels.jsonl"
        if found.smoke and not child:
            from made_data import make_data

            vars(found).update(small)
            if "data" in found:
                found.data = make_data(Path(scratch) / "data")
                found.labels = found.data / "labels.jsonl"
        elif "data" in found and found.data is None and not getattr(found, unless, None):
            parser.error("--data is missing: write the folder of the real samples")
        if not child:
            show_machine()
        yield found


def cpu_name():
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.machine()


def machine():
    return {
        "cpu": cpu_name(),
        "cpus": os.cpu_count(),
        "load_1m_at_start": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
    }


def show_machine():
    facts = machine()
    print(f"{facts['cpu']} ({facts['cpus']} CPUs, load {facts['load_1m_at_start']} at the start)")


class SkippedError(Exception):
    """A peer that does not run; says why."""


def peer_python(options, peer, *distributions):
    """The interpreter of a peer's environment, made from the package index where it is missing.

    Every package is pinned in `peers/` and installed as listed: what a peer declares beyond what
    its filters import (CUDA, web servers) stays away, and no resolver has to find its way. With
    `--smoke` this interpreter does where it has all the distributions that are named, and only
    small peers are installed.

    Raises:
        SkippedError: the environment is too large for `--smoke`, or cannot be made.
    """
    if options.smoke and distributions and all(map(installed, distributions)):
        return Path(sys.executable)
    pins = PEERS / f"{peer}.txt"
    packages = [line for line in pins.read_text().splitlines() if line and line[0] != "#"]
    if options.smoke and len(packages) > SMALL:
        raise SkippedError(f"{len(packages)} packages to install, more than --smoke does")
    folder = options.work / "peers" / peer
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists() or ready.read_text() != pins.read_text():
        shutil.rmtree(folder, ignore_errors=True)
        make = [sys.executable, "-m", "venv", "--without-pip", folder]
        pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
        pip += ["install", "-q", "--no-deps", "-r", pins]
        pip += ["--retries", "1", "--no-compile"] if options.smoke else []
        for command in (make, pip):
            done = subprocess.run(
                [str(part) for part in command], stderr=subprocess.PIPE, text=True, check=False
            )
            if done.returncode:
                lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
                said = " ".join(lines[:2]) or done.stderr[-300:]
                raise SkippedError(f"cannot be installed: {said}")
        ready.write_text(pins.read_text())
    return python


def installed(name):
    try:
        return distribution(name) is not None
    except PackageNotFoundError:
        return False


def run_python(python, *arguments, log=None, one_core=False, **options):
    """What an interpreter prints; our own imports Thresher from this repository.

    Raises:
        subprocess.CalledProcessError: it failed; its last words are on stderr.
    """
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    if str(python) == sys.executable:
        environ["PYTHONPATH"] = str(ROOT / "src")
    if one_core:
        environ |= {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
    environ |= options.pop("environ", {})
    with contextlib.ExitStack() as stack:
        errors = stack.enter_context(log.open("w")) if log else None
        command = [str(part) for part in (python, *arguments)]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=errors, env=environ, text=True, **options
        )
    if done.returncode:
        if log:
            sys.stderr.write(log.read_text()[-2000:])
        done.check_returncode()
    return done.stdout


def written_to(options, path):
    """Where a file of the package is written again: with `--smoke`, in the work folder."""
    assert path.is_file(), f"{path} is not there to be written again"
    return options.work / path.name if options.smoke else path


def attempt(name, run):
    """What a peer gives; None, said in a line of its own, where it is skipped or fails."""
    try:
        return run()
    except SkippedError as error:
        print(f"{name}: skipped: {error}", flush=True)
    except subprocess.CalledProcessError as error:
        print(f"{name}: failed: {error}", flush=True)
    return None


def directory_page(text, own):
    """A page that one frame and some words of a text make, so many of them behind the frame."""
    words = text.split()
    return (
        f"Looking for {' '.join(words[:3])} near you? Our list of trusted local experts in "
        f"{' '.join(words[3:5])} has reviews and prices. Compare offers today, save time and "
        "money, and book online in under a minute. Whatever you need, we have been the first "
        "choice of homes and firms in your town for twenty years and we answer every call within "
        "the hour. Call us now or fill in the form below, and one of our friendly advisers will "
        "be in touch. "
        f"{' '.join(words[5 : own + 5])}."
    )


def write_jsonl(path, rows):
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def read_jsonl(path):
    """The rows of a file of JSON lines, compressed or not."""
    open_it = gzip.open if path.suffix == ".gz" else open
    with open_it(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def rows_of(data, name):
    """The rows of a set of the real samples, such as `text/openstax`."""
    return read_jsonl(data / f"{name}.jsonl.gz")


def texts_of(data, name):
    return [row["text"] for row in rows_of(data, name)]


def sample(data, counts, seed=1):
    """So many documents of each set of `text/`, mixed at random but the same ones each time."""
    rows = []
    for source, count in counts.items():
        found = sorted(
            (f"{source}/{row['id']}", row["text"]) for row in rows_of(data, f"text/{source}")
        )
        rows += random.Random(seed).sample(found, min(count, len(found)))
    random.Random(seed).shuffle(rows)
    return [{"id": name, "text": text} for name, text in rows]


def megabytes(texts):
    return sum(len(text.encode()) for text in texts) / 1e6


def cpu_seconds(run):
    began = time.process_time()
    run()
    return time.process_time() - began


def best_of(times, run, warm=True):
    """The least CPU seconds of so many runs, after one that does not count."""
    if warm:
        run()
    return min(cpu_seconds(run) for _ in range(times))
