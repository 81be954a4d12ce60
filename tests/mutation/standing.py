"""What mutation runs found: results to go on from, the list of survivors, the score.

A result holds as long as the module is what it was and, of a mutant that died, the test is there
that killed it, or, of one that survived, all its tests are what they were.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mutants import Mutant

UNREACHED = "unreached"
ROOMS = (
    "manifests", "pipeline/judge", "pipeline/dedup", "pipeline/gate", "pipeline/materialize",
    "pipeline/read", "pipeline", "filters/policy", "filters/signals", "filters/transforms", "jobs",
)  # fmt: skip
MARKS = ("<!-- mutation score -->", "<!-- end of mutation score -->")

_HEAD = """\
# Mutants that no test notices, each with a reason; `make mutate` writes this list again and keeps
# the reasons. `equivalent` says that no test could notice, since nothing that anybody sees changes.
"""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a mutant, on which source and tests."""

    id: str
    module: str
    outcome: str
    test: str
    stamp: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Survivor:
    """An entry of the list."""

    id: str
    module: str
    where: str
    before: str
    after: str
    equivalent: bool
    why: str


def stamp_of(root: Path, module: str, files: Iterable[str]) -> str:
    """Changes when a module or one of the test files does."""
    digest = hashlib.sha256()
    for path in [module, *sorted(set(files))]:
        try:
            digest.update(path.encode() + b"\0" + (root / path).read_bytes())
        except OSError:  # a killer that is no file: an import that failed
            digest.update(b"-")
    return digest.hexdigest()[:16]


def add_result(path: Path, result: Result) -> None:
    """Write a result where a run that is broken off can be gone on from."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write("\n" + json.dumps(asdict(result)))  # the line before may be torn


def read_results(path: Path) -> dict[str, Result]:
    """The last result of each mutant; a line that was being written is left out."""
    found = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                result = Result(**json.loads(line))
            except (ValueError, TypeError):
                continue
            found[result.id] = result
    return found


def read_survivors(path: Path) -> dict[str, Survivor]:
    """The list, by id."""
    if not path.exists():
        return {}
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("survivors", [])
    return {each["id"]: Survivor(**each) for each in entries}


def write_survivors(path: Path, survivors: Iterable[Survivor]) -> None:
    """Write the list, in the order of modules and functions."""
    parts = [_HEAD]
    for each in sorted(survivors, key=lambda s: (s.module, s.where, s.before, s.after, s.id)):
        lines = ["", "[[survivors]]"]
        for name, value in asdict(each).items():
            lines.append(f"{name} = {json.dumps(value, ensure_ascii=False)}")
        parts.append("\n".join(lines) + "\n")
    path.write_text("".join(parts), encoding="utf-8")


def listed(
    before: Mapping[str, Survivor],
    every: Mapping[str, Mutant],
    results: Mapping[str, Result],
) -> dict[str, Survivor]:
    """The list after a run: what died or is no mutant any more goes, what survived comes.

    Args:
        before: the list as it was.
        every: the mutants of the modules that the run was about.
        results: of that run, and of earlier ones that still hold.
    """
    modules = {each.module for each in every.values()}
    after = {}
    for name, known in before.items():
        gone = name not in every or (name in results and died(results[name]))
        if known.module not in modules or not gone:
            after[name] = known
    for name, result in results.items():
        if name in every and not died(result) and name not in after:
            mutant = every[name]
            after[name] = Survivor(
                name, mutant.module, mutant.where, mutant.before, mutant.after, False, ""
            )
    return after


def died(result: Result) -> bool:
    """Whether a test noticed the mutant."""
    return result.outcome not in ("survived", UNREACHED)


@dataclass(slots=True)
class Score:
    """Counts of a room."""

    made: int = 0
    tried: int = 0
    died: int = 0
    equivalent: int = 0

    @property
    def share(self) -> float:
        """Of the tried mutants that are not equivalent, how many died."""
        of = self.tried - self.equivalent
        return self.died / of if of else 1.0


def room_of(module: str) -> str:
    """The room of the score's table that a module belongs to."""
    return next(room for room in ROOMS if module.startswith(room + "/"))


def scores(
    every: Iterable[Mutant],
    chosen: Mapping[str, Mutant],
    results: Mapping[str, Result],
    survivors: Mapping[str, Survivor],
) -> dict[str, Score]:
    """The counts of each room, over the mutants that were chosen."""
    found: dict[str, Score] = {}
    for mutant in every:
        score = found.setdefault(room_of(mutant.module), Score())
        score.made += 1
        if mutant.id not in chosen:
            continue
        if mutant.id in survivors and survivors[mutant.id].equivalent:
            score.tried += 1
            score.equivalent += 1
        elif mutant.id in results:
            score.tried += 1
            score.died += died(results[mutant.id])
    return {room: found[room] for room in ROOMS if room in found}


def table(found: Mapping[str, Score]) -> str:
    """The score as a table of Markdown."""
    total = Score()
    for each in found.values():
        total.made += each.made
        total.tried += each.tried
        total.died += each.died
        total.equivalent += each.equivalent
    rows = ["| room | mutants | tried | equivalent | died | score |", "|---|--:|--:|--:|--:|--:|"]
    for room, each in [*((f"`{room}`", each) for room, each in found.items()), ("all", total)]:
        counts = (each.made, each.tried, each.equivalent, each.died)
        cells = [room, *(f"{count:,}" for count in counts), f"{100 * each.share:.1f}%"]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def with_table(page: str, text: str) -> str:
    """A page with the table between its marks."""
    first, second = MARKS
    head, rest = page.split(first)
    tail = rest.split(second)[1]
    return f"{head}{first}\n{text}\n{second}{tail}"


def sample(mutants: Sequence[Mutant], count: int) -> list[Mutant]:
    """So many mutants, the same ones each time; a change elsewhere in the module moves none.

    Constants are most of all mutants and say least, so one in three of them is eligible.
    """

    def place(mutant: Mutant) -> str:
        return hashlib.sha256(f"thresher {mutant.id}".encode()).hexdigest()

    eligible = [m for m in mutants if m.kind not in ("constant", "entry") or place(m) < "5555"]
    chosen = {mutant.id for mutant in sorted(eligible, key=place)[:count]}
    return [mutant for mutant in mutants if mutant.id in chosen]
