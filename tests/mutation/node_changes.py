"""What a node of a syntax tree may become.

Comparisons and conditions, arithmetic, constants, statements that go, arguments and entries that
are forgotten, other functions of the same shape, exceptions that pass, and SQL within texts.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from sql_changes import is_sql, sql_changes

COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in",
}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "*", ast.Mod: "*",
    ast.Pow: "*", ast.LShift: ">>", ast.RShift: "<<", ast.BitOr: "&", ast.BitAnd: "|",
    ast.BitXor: "|",
}  # fmt: skip
OTHER_FUNCTION = {
    "min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list", "reversed": "list",
    "ceil": "floor", "floor": "ceil", "startswith": "endswith", "endswith": "startswith",
    "find": "rfind", "rfind": "find", "partition": "rpartition", "rpartition": "partition",
    "min_element_wise": "max_element_wise", "argmin": "argmax", "argmax": "argmin",
    "and_": "or_", "or_": "and_", "is_null": "is_valid", "is_valid": "is_null",
}  # fmt: skip
WITHOUT_CALL = {
    "abs", "lower", "upper", "casefold", "strip", "lstrip", "rstrip", "removeprefix",
    "removesuffix", "sort_by", "unquote", "invert",
}  # fmt: skip
"""Calls that can be left out: what they are called on, or with, stays."""
FORGETTABLE = {"strict", "seconds"}
"""Arguments whose lack no test should notice: an inner check, and telemetry."""
MOST_ENTRIES = 16
"""Of a longer display each entry says as much as any other, so only the first ones go."""
_PROSE = re.compile(r"(?:\w+\W+){4}")


@dataclass(frozen=True, slots=True)
class Change:
    """Bytes of a source and what comes in their place."""

    start: int
    end: int
    new: str
    kind: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node is.

    Args:
        where: the function or class around it.
        function: name and first line of the outermost function.
        lines: of its statement; (0, 0) where that runs at import.
        texts: whether texts say more than what an error tells.
        stored: names of the function and where they get values.
    """

    where: str = "<module>"
    function: tuple[str, int] | None = None
    lines: tuple[int, int] = (0, 0)
    texts: bool = True
    stored: frozenset[tuple[str, int]] = frozenset()


class Text:
    """A text and where the nodes of its tree lie in it; `base` is its own place in the source."""

    def __init__(self, source: bytes, base: int = 0) -> None:
        self.source, self.base = source, base
        self._lines = [0]
        for line in source.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))

    def span(self, node: ast.expr | ast.stmt | ast.keyword) -> tuple[int, int]:
        start = self._lines[node.lineno - 1] + node.col_offset
        return start, self._lines[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)

    def of(self, node: ast.expr | ast.stmt) -> str:
        start, end = self.span(node)
        return self.source[start:end].decode()

    def change(self, start: int, end: int, new: str, kind: str) -> Change:
        return Change(self.base + start, self.base + end, new, kind)

    def instead(self, node: ast.expr | ast.stmt, new: str, kind: str) -> Change:
        return self.change(*self.span(node), new, kind)

    def between(self, left: ast.expr, right: ast.expr, new: str, kind: str) -> Change:
        """Another operator between two operands; brackets around those lie in between too."""
        start, end = self.span(left)[1], self.span(right)[0]
        text = self.source[start:end].decode()
        closing = len(text) - len(text.lstrip(" )\n\t"))
        opening = len(text.rstrip(" (\n\t"))
        return self.change(start + closing, start + opening, new, kind)

    def part(self, node: ast.expr, first: int, last: int, new: str) -> Change:
        """A change within a literal, of which `first` and `last` count the characters."""
        start = self.span(node)[0]
        text = self.of(node)
        first, last = len(text[:first].encode()), len(text[:last].encode())
        return self.change(start + first, start + last, new, "sql")


def changes(node: ast.AST, text: Text, place: Place) -> Iterator[Change]:
    """The changes of a node itself, without those of what it holds."""
    match node:
        case ast.Compare():
            operands = [node.left, *node.comparators]
            for n, operator in enumerate(node.ops):
                new = COMPARISONS[type(operator)]
                yield text.between(operands[n], operands[n + 1], new, "comparison")
        case ast.BoolOp():
            yield from _boolean(node, text)
        case ast.UnaryOp(op=ast.Not()):
            yield text.instead(node, f"({text.of(node.operand)})", "condition")
        case ast.IfExp():
            for branch in (node.body, node.orelse):
                yield text.instead(node, f"({text.of(branch)})", "condition")
        case ast.comprehension():
            for test in node.ifs:
                yield text.instead(test, "True", "condition")
        case ast.BinOp():
            yield from _arithmetic(node, text)
        case ast.Constant():
            yield from _constant(node, text, place)
        case ast.JoinedStr():
            taken = list(_holes(text.of(node)))
            for first, last, new in sql_changes(text.of(node)):
                if not any(a < last and first < b for a, b in taken):
                    yield text.part(node, first, last, new)
        case ast.Dict() | ast.List() | ast.Tuple() | ast.Set():
            yield from _display(node, text)
        case ast.Call():
            yield from _call(node, text)
        case ast.Slice():
            for bound in (node.lower, node.upper):
                if bound is not None:
                    yield text.instead(bound, "", "slice")
        case ast.ExceptHandler():
            if not isinstance(node.body[0], ast.Raise):
                start, end = text.span(node.body[0])[0], text.span(node.body[-1])[1]
                yield text.change(start, end, "raise", "exception")
        case ast.stmt():
            yield from _statement(node, text, place)


def _boolean(node: ast.BoolOp, text: Text) -> Iterator[Change]:
    """The other operator, and each operand forgotten."""
    this, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
    operands = [f"({text.of(each)})" for each in node.values]
    yield text.instead(node, f"({f' {other} '.join(operands)})", "condition")
    for n in range(len(operands)):
        rest = f" {this} ".join(operands[:n] + operands[n + 1 :])
        yield text.instead(node, f"({rest})", "condition")


def _arithmetic(node: ast.BinOp, text: Text) -> Iterator[Change]:
    sides = (node.left, node.right)
    if any(isinstance(each, ast.JoinedStr | ast.List) or _is_text(each) for each in sides):
        for each in sides:  # texts and lists have no other operator
            yield text.instead(node, f"({text.of(each)})", "arithmetic")
    elif type(node.op) in ARITHMETIC:
        yield text.between(*sides, ARITHMETIC[type(node.op)], "arithmetic")


def _constant(node: ast.Constant, text: Text, place: Place) -> Iterator[Change]:
    match node.value:
        case bool(value):
            yield text.instead(node, str(not value), "constant")
        case int(value):
            for new in (value - 1, value + 1) if value else (1,):
                yield text.instead(node, str(new), "constant")
        case float(value):
            yield text.instead(node, repr(value * 1.5 if value else 1.0), "constant")
        case bytes(value) if value:
            yield text.instead(node, 'b""', "constant")
        case str(value) if is_sql(value):
            for first, last, new in sql_changes(text.of(node)):
                yield text.part(node, first, last, new)
        case str(value) if value and place.texts and not _PROSE.match(value):
            yield text.instead(node, '""', "constant")


def _display(node: ast.Dict | ast.List | ast.Tuple | ast.Set, text: Text) -> Iterator[Change]:
    """Each entry forgotten."""
    entries: list[tuple[ast.expr, ast.expr]]
    if isinstance(node, ast.Dict):
        entries = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                yield text.instead(value, "{}", "entry")
            else:
                entries.append((key, value))
    else:
        if isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
            return
        entries = [(each, each) for each in node.elts]
        if len(entries) == 1 and not isinstance(node.elts[0], ast.Starred):
            return
    for n, (first, last) in enumerate(entries[:MOST_ENTRIES]):
        if isinstance(node, ast.Tuple) and len(entries) == 2 and n == 0:
            continue  # what is left would be no tuple
        start, end = text.span(first)[0], text.span(last)[1]
        tail = text.source[end : text.span(node)[1]]
        space = len(tail) - len(tail.lstrip(b" \n\t"))
        own = isinstance(node, ast.Tuple) and space + 1 == len(tail)
        if tail[space:].startswith(b")") and not own:
            continue  # the entry is in brackets
        yield text.change(start, end + (space + 1 if tail[space:][:1] == b"," else 0), "", "entry")


def _call(node: ast.Call, text: Text) -> Iterator[Change]:
    function = node.func
    name = last_name(function)
    end = text.span(function)[1]
    if name in OTHER_FUNCTION:
        yield text.change(end - len(name), end, OTHER_FUNCTION[name], "function")
    if name in WITHOUT_CALL:
        if isinstance(function, ast.Attribute) and last_name(function.value) not in ("pc", "np"):
            yield text.instead(node, text.of(function.value), "function")
        elif node.args:
            yield text.instead(node, text.of(node.args[0]), "function")
    if name == "get" and len(node.args) == 2 and isinstance(function, ast.Attribute):
        default = text.span(node.args[0])[1], text.span(node.args[1])[1]
        yield text.change(*default, "", "argument")
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            yield text.instead(argument, "*()", "argument")
        elif name == "suppress" and len(node.args) > 1:
            yield text.instead(argument, "ZeroDivisionError", "exception")
    for keyword in node.keywords:
        if keyword.arg is None:
            yield text.change(*text.span(keyword), "**{}", "argument")
        elif keyword.arg not in FORGETTABLE:
            yield from _without(node, keyword, text)


def _without(node: ast.Call, argument: ast.keyword, text: Text) -> Iterator[Change]:
    """A call without a named argument."""
    start, end = text.span(argument)
    tail = text.source[end : text.span(node)[1]]
    space = len(tail) - len(tail.lstrip(b" \n\t"))
    if tail[space : space + 1] == b",":
        end += space + 1
    elif space + 1 == len(tail):
        head = text.source[:start].rstrip()
        start = len(head) - (head[-1:] == b",")
    else:
        return  # the value is in brackets
    yield text.change(start, end, "", "argument")


def _statement(node: ast.stmt, text: Text, place: Place) -> Iterator[Change]:
    match node:
        case ast.If(test=test) | ast.While(test=test):
            if not isinstance(test, ast.Compare | ast.BoolOp | ast.UnaryOp):
                yield text.instead(test, f"not ({text.of(test)})", "condition")
        case ast.Return(value=ast.expr() as value):
            if not (isinstance(value, ast.Constant) and value.value is None):
                yield text.instead(value, "None", "return")
        case ast.Raise() | ast.Delete():
            yield text.instead(node, "pass", "statement")
        case ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom()):
            yield text.instead(node, "pass", "statement")
        case ast.Break():
            yield text.instead(node, "continue", "statement")
        case ast.Continue():
            yield text.instead(node, "break", "statement")
        case ast.AugAssign():
            if type(node.op) in ARITHMETIC:
                new = f"{ARITHMETIC[type(node.op)]}="
                yield text.between(node.target, node.value, new, "arithmetic")
            yield text.instead(node, "pass", "statement")
        case ast.Assign(targets=targets, value=ast.expr()):
            if all(_stays(each, place, node.lineno) for each in targets):
                yield text.instead(node, "pass", "statement")
        case ast.AnnAssign(target=target, value=ast.expr()):
            if _stays(target, place, node.lineno):
                yield text.instead(node, "pass", "statement")


def _stays(target: ast.expr, place: Place, line: int) -> bool:
    """Whether a name, or what is assigned within, is there without the assignment."""
    if isinstance(target, ast.Tuple):
        return all(_stays(each, place, line) for each in target.elts)
    if isinstance(target, ast.Name):
        return any(name == target.id and at < line for name, at in place.stored)
    return isinstance(target, ast.Attribute | ast.Subscript) and place.function is not None


def holes(node: ast.JoinedStr, text: Text) -> Iterator[tuple[ast.expr, Text]]:
    """The expressions of a formatted text; as parsed with it they have no sure places."""
    literal = text.of(node)
    start = text.span(node)[0]
    for first, last in _holes(literal):
        inner = f"({literal[first:last]})".encode()
        try:
            tree = ast.parse(inner, mode="eval").body
        except SyntaxError:
            continue
        at = text.base + start + len(literal[:first].encode()) - 1
        yield tree, Text(inner, at)


def _holes(literal: str) -> Iterator[tuple[int, int]]:
    """Where the expressions of a formatted literal lie, without conversion and format."""
    at = 0
    while (at := literal.find("{", at)) >= 0:
        if literal[at : at + 2] == "{{":
            at += 2
            continue
        depth, quote, stop, end = 0, "", 0, at + 1
        while end < len(literal) and (depth or quote or literal[end] != "}"):
            c = literal[end]
            if quote or c in "'\"":
                quote = "" if c == quote else quote or c
            elif c in "([{":
                depth += 1
            elif c in ")]}":
                depth -= 1
            elif not depth and not stop and (c == ":" or literal[end : end + 2] in ("!r", "!s")):
                stop = end
            end += 1
        yield at + 1, stop or end
        at = end + 1


def last_name(node: ast.AST) -> str:
    """The last part of a dotted name, or of what is called by one."""
    if isinstance(node, ast.Call):
        return last_name(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
