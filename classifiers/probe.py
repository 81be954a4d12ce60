"""Try a model file where a crash costs nothing: `python -m thresher.classifiers.probe MODEL`.

Exit code 0 where the model loads and predicts, 1 with one line on standard error where it does
not. Whatever else happens (a signal, a bound reached) is for the parent to report.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa

from thresher.classifiers.fasttext_model import load, predict, refuse_no_numbers
from thresher.filters.errors import ModelError

_SAMPLES = ("", "the of and to", "Ein Satz. 一つの文。 \U0001f600 1234 {x}", "word " * 1000)


def limit_memory(path: Path) -> None:
    """Bound the address space, so that a lying header fails here and not on the machine."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    bound = (6 << 30) + 4 * path.stat().st_size
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or hard > bound:
        resource.setrlimit(resource.RLIMIT_AS, (bound, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(path: Path) -> str:
    """Load the model and predict; the problem as a sentence, or nothing."""
    try:
        _, model = load(path, path.name)
        labels, _ = predict(model, pa.array(_SAMPLES))
        refuse_no_numbers(labels, path.name)
    except MemoryError:
        return "it does not fit into the memory that a file of its size needs"
    except ModelError as error:
        return error.problem.removesuffix(".")
    except (OSError, ValueError, RuntimeError) as error:
        return str(error) or type(error).__name__
    return ""


if __name__ == "__main__":
    limit_memory(Path(sys.argv[1]))
    problem = main(Path(sys.argv[1]))
    if problem:
        sys.stderr.write(" ".join(problem.split()) + "\n")
        sys.exit(1)
