"""Small, feared changes of a module's source: one change makes one mutant.

Changes are made in the text, at places that the syntax tree tells, so that a mutant reads like the
source it came from; `node_changes.py` and `sql_changes.py` say what becomes of what. Left alone is
what no behaviour follows from: annotations, docstrings, texts of errors, assertions, decorators,
compiled kernels, and the taking of time, which is telemetry.
"""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from node_changes import FORGETTABLE, Change, Place, Text, changes, holes, last_name

COMPILED = {"kernel", "borrowing_kernel", "inner", "inlined", "intrinsic", "njit"}
TELEMETRY = {"perf_counter", "process_time"}

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one module.

    Args:
        id: is the same as long as the changed lines and their function are.
        module: its path below the repository.
        where: the function, class or `<module>` of the change.
        line: where it starts.
        lines: first and last line of which a test must run one to notice; (0, 0) of what runs when
            the module is imported.
        kind: of the change.
        before: the changed lines.
        after: what they become.
        change: the bytes.
        function: name and first line, as its code object has them, of the outermost function that
            holds the change; None outside of all.
    """

    id: str
    module: str
    where: str
    line: int
    lines: tuple[int, int]
    kind: str
    before: str
    after: str
    change: Change
    function: tuple[str, int] | None

    def source(self, original: bytes) -> bytes:
        """The module with the change made."""
        change = self.change
        return original[: change.start] + change.new.encode() + original[change.end :]


def mutants(source: bytes, module: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its source.

    Args:
        source: its text.
        module: its path below the repository.
    """
    found = _walk(ast.parse(source), Text(source), Place())
    found = sorted(found, key=lambda each: (each[1].start, each[1].end, each[1].new))
    seen: Counter[tuple[str, ...]] = Counter()
    made = []
    for place, change in found:
        before, after = _shown(source, change)
        said = (module, place.where, change.kind, before, after)
        name = hashlib.sha256(repr((*said, seen[said])).encode()).hexdigest()[:12]
        seen[said] += 1
        line = source.count(b"\n", 0, change.start) + 1
        made.append(
            Mutant(
                name, module, place.where, line, place.lines, change.kind, before, after, change,
                place.function,
            )
        )  # fmt: skip
    return made


def _shown(source: bytes, change: Change) -> tuple[str, str]:
    """The lines of a change before and after, without their margins."""
    start = source.rfind(b"\n", 0, change.start) + 1
    end = source.find(b"\n", change.end)
    end = len(source) if end < 0 else end
    after = source[start : change.start] + change.new.encode() + source[change.end : end]
    return " ".join(source[start:end].decode().split()), " ".join(after.decode().split())


def _walk(node: ast.AST, text: Text, place: Place) -> Iterator[tuple[Place, Change]]:
    if isinstance(node, ast.stmt):
        if _left_alone(node):
            return
        if place.function is not None:
            place = replace(place, lines=_lines(node))
    for change in changes(node, text, place):
        yield place, change
    if isinstance(node, ast.JoinedStr):
        for tree, inner in holes(node, text):
            for inside, change in _walk(tree, inner, place):
                if '"' not in change.new and "\n" not in change.new:
                    yield inside, change
        return
    for child, inside in _children(node, place):
        yield from _walk(child, text, inside)


def _lines(node: ast.stmt) -> tuple[int, int]:
    """The lines of a statement, of a compound one those before its body."""
    body = getattr(node, "body", None)
    last = body[0].lineno - 1 if isinstance(body, list) and body else node.end_lineno
    return node.lineno, max(node.lineno, last or 0)


def _left_alone(node: ast.stmt) -> bool:
    match node:
        case ast.Assert() | ast.Import() | ast.ImportFrom() | ast.Global() | ast.Nonlocal():
            return True
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return any(last_name(each) in COMPILED for each in node.decorator_list)
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            return node.value is not None and _takes_time(node.value)
        case ast.Expr(value=ast.Constant()):
            return True
    return False


def _takes_time(node: ast.AST) -> bool:
    return any(last_name(each) in TELEMETRY for each in ast.walk(node))


def _children(node: ast.AST, place: Place) -> Iterator[tuple[ast.AST, Place]]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from _of_function(node, place)
        case ast.ClassDef():
            for child in node.body:
                yield child, replace(place, where=_within(place, node.name))
        case ast.AnnAssign():
            if node.value is not None:
                yield node.value, place
        case ast.Raise():
            for child in ast.iter_child_nodes(node):
                yield child, replace(place, texts=False)
        case ast.keyword(arg=str(name)) if name in FORGETTABLE:
            return
        case _:
            for child in ast.iter_child_nodes(node):
                yield child, place


def _of_function(node: _Function, place: Place) -> Iterator[tuple[ast.AST, Place]]:
    where = _within(place, node.name)
    runs = (node.body[0].lineno, node.end_lineno or node.lineno)
    for default in (*node.args.defaults, *node.args.kw_defaults):
        if default is not None:
            yield default, replace(place, where=where, lines=runs)
    inside = replace(place, where=where, stored=_stored(node))
    if place.function is None:
        first = min(each.lineno for each in (node, *node.decorator_list))
        inside = replace(inside, function=(where, first))
    for child in node.body:
        yield child, inside


def _within(place: Place, name: str) -> str:
    """The qualified name of what is defined there."""
    if place.where == "<module>":
        return name
    return f"{place.where}.{'' if place.function is None else '<locals>.'}{name}"


def _stored(node: _Function) -> frozenset[tuple[str, int]]:
    """Names and the lines where they get a value."""
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    stored = {(each.arg, node.lineno) for each in every}
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            stored.add((each.id, each.lineno))
    return frozenset(stored)
