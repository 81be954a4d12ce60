"""What the benchmarks share: the machine, environments of the peers, real texts."""

import json
import os
import platform
import random
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tests" / "filters")]

from verdicts import read  # noqa: E402 - after the path


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


class NotInstalledError(Exception):
    """A peer's environment could not be made; says why."""


def environment(folder, peer, base=sys.executable):
    """The interpreter of a peer's environment, made from the package index where it is missing.

    Every package is pinned in `peers/` and installed as listed: what a peer declares beyond what
    its filters import (CUDA, web servers) stays away, and no resolver has to find its way.
    """
    python = folder / "bin" / "python"
    ready = folder / "ready"
    pins = HERE / "peers" / f"{peer}.txt"
    if not ready.exists() or ready.read_text() != pins.read_text():
        shutil.rmtree(folder, ignore_errors=True)
        pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
        for command in ([base, "-m", "venv", folder], [*pip, "-r", pins]):
            done = subprocess.run(
                [str(part) for part in command], stderr=subprocess.PIPE, text=True, check=False
            )
            if done.returncode:
                lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
                raise NotInstalledError(f"{peer}: {' '.join(lines[:2]) or done.stderr[-300:]}")
        ready.write_text(pins.read_text())
    return python


def write_jsonl(path, rows):
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def read_jsonl(path):
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def sample(data, counts, seed=1):
    """So many documents of each source, mixed at random but the same ones each time."""
    rows = []
    for source, count in counts.items():
        found = sorted(read(data, source))
        rows += random.Random(seed).sample(found, min(count, len(found)))
    random.Random(seed).shuffle(rows)
    return [{"id": name, "text": text} for name, text in rows]
