"""Counts the steps of a regular expression: a backtracking machine over Python's own parse tree.

The engine of `re` counts nothing, and its time is no measure for a test. This machine takes the
same decisions in the same order and looks at one character per step, so where it needs more steps
per character on longer input, `re` needs more time per character. Texts are of Latin-1.
"""

from __future__ import annotations

import re
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]

import numpy as np
from numba import njit

SET, SPLIT, JUMP, DONE, ASSERT, ATOMIC, AT, MARK, PROGRESS, FAIL = range(10)
_START, _END, _LINE_START, _LINE_END, _WORD, _NOT_WORD = range(6)
_AT = {
    "AT_BEGINNING": _START,
    "AT_BEGINNING_STRING": _START,
    "AT_END": _END,
    "AT_END_STRING": _END,
    "AT_BOUNDARY": _WORD,
    "AT_NON_BOUNDARY": _NOT_WORD,
}


class Machine:
    """A compiled pattern as a program: rows of operation and two arguments."""

    def __init__(self, pattern: re.Pattern) -> None:
        self.pattern = pattern
        self.program: list[list[int]] = []
        self.sets: list[np.ndarray] = []
        self._flags = pattern.flags
        self._groups: dict[object, object] = {}
        tree = parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
        self._sequence(tree)
        self._emit(DONE)
        self._program = np.array(self.program, np.int64)
        self._sets = np.array(self.sets or [np.zeros(256, bool)])

    def steps(self, text: bytes, how: str, limit: int) -> int:
        """The steps of `match` or `search`, or of finding every match; `limit` where more."""
        codes = np.frombuffer(text, np.uint8)
        mode = {"match": 0, "search": 1, "all": 2}[how]
        return int(_run(self._program, self._sets, codes, mode, limit))

    def end(self, text: bytes) -> int:
        """Where a match at the start ends; -1 where there is none."""
        codes = np.frombuffer(text, np.uint8)
        stack = np.empty((20_000, 3), np.int64)
        end, _ = _attempt(self._program, self._sets, codes, 0, 0, 1 << 40, stack, 0)
        return int(end)

    def alphabet(self) -> bytes:
        """A character of each set, and one that is in none."""
        chosen = []
        for members in self.sets:
            codes = _plain(members)
            chosen += codes[:1] + codes[-1:]
        return bytes(dict.fromkeys([*chosen, 1]))

    def example(self) -> bytes:
        """A short text that leads through the pattern, without regard to assertions."""
        return self._walk(0)

    def repeated(self) -> list[bytes]:
        """Short texts for the body of each repeat and for each alternative."""
        starts = {at + 1 for at, (op, _, _) in enumerate(self.program) if op == MARK}
        for op, first, second in self.program:
            starts |= {first, second} if op == SPLIT else set()
        return sorted({self._walk(start) for start in starts} - {b""})

    def _walk(self, at: int) -> bytes:
        out = bytearray()
        last = len(self.program) - 1
        for _ in range(400):
            op, first, second = self.program[at]
            if (op == DONE and at == last) or (op == JUMP and first < at and out):
                break
            if op == SET:
                out += bytes(_plain(self.sets[first])[:1])
            enters = op == SPLIT and first > at
            at = first if op == JUMP or enters else (second if op in (ASSERT, SPLIT) else at + 1)
        return bytes(out)

    def _emit(self, op: int, a: int = 0, b: int = 0) -> int:
        self.program.append([op, a, b])
        return len(self.program) - 1

    def _set(self, members: np.ndarray) -> None:
        self.sets.append(members)
        self._emit(SET, len(self.sets) - 1)

    def _sequence(self, tree: object) -> None:
        for op, argument in tree:  # type: ignore[attr-defined]
            self._node(str(op), argument)

    def _node(self, op: str, argument: object) -> None:
        if op in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            self._set(self._members(op, argument))
        elif op == "BRANCH":
            jumps = []
            branches = argument[1]  # type: ignore[index]
            for branch in branches[:-1]:
                split = self._emit(SPLIT)
                self._sequence(branch)
                jumps.append(self._emit(JUMP))
                self.program[split][1:] = [split + 1, len(self.program)]
            self._sequence(branches[-1])
            for jump in jumps:
                self.program[jump][1] = len(self.program)
        elif op == "SUBPATTERN":
            self._groups[argument[0]] = argument[3]  # type: ignore[index]
            self._sequence(argument[3])  # type: ignore[index]
        elif op == "GROUPREF":
            self._sequence(self._groups[argument])  # more than it takes, so no fewer steps
        elif op in ("MAX_REPEAT", "MIN_REPEAT"):
            self._repeat(*argument, lazy=op == "MIN_REPEAT")  # type: ignore[misc]
        elif op in ("ATOMIC_GROUP", "POSSESSIVE_REPEAT"):
            start = self._emit(ATOMIC)
            if op == "ATOMIC_GROUP":
                self._sequence(argument)
            else:
                self._repeat(*argument, lazy=False)  # type: ignore[misc]
            self._emit(DONE)
            self.program[start][2] = len(self.program)
        elif op in ("ASSERT", "ASSERT_NOT"):
            direction, tree = argument  # type: ignore[misc]
            back = tree.getwidth()[0] if direction < 0 else 0
            start = self._emit(ASSERT, back * 2 + (op == "ASSERT_NOT"))
            self._sequence(tree)
            self._emit(DONE)
            self.program[start][2] = len(self.program)
        elif op == "AT":
            self._emit(AT, _AT[str(argument)])
        else:
            raise NotImplementedError(f"{op} in {self.pattern.pattern!r}")

    def _repeat(self, low: int, high: int, tree: object, lazy: bool) -> None:
        for _ in range(low):
            self._sequence(tree)
        if high is sre.MAXREPEAT:
            split = self._emit(SPLIT)
            self._emit(MARK)
            self._sequence(tree)
            self._emit(PROGRESS)
            self._emit(JUMP, split)
            after = len(self.program)
            self.program[split][1:] = [after, split + 1] if lazy else [split + 1, after]
            return
        splits = []
        for _ in range(high - low):
            splits.append(self._emit(SPLIT))
            self._sequence(tree)
        for split in splits:
            after = len(self.program)
            self.program[split][1:] = [after, split + 1] if lazy else [split + 1, after]

    def _members(self, op: str, argument: object) -> np.ndarray:
        """Which characters a single-character node takes, asked of `re` itself."""
        flags = self._flags & (re.IGNORECASE | re.DOTALL | re.ASCII)
        members = np.zeros(256, bool)
        binary = isinstance(self.pattern.pattern, bytes)
        if op == "ANY":
            members[:] = True
            members[10] = bool(flags & re.DOTALL)
            return members
        if op == "IN":
            for kind, value in argument:  # type: ignore[attr-defined]
                name = str(kind)
                if name == "LITERAL" and value < 256:
                    members[value] = True
                elif name == "RANGE":
                    members[value[0] : min(256, value[1] + 1)] = True
                elif name == "CATEGORY":
                    members |= _category(str(value), binary)
            negated = str(argument[0][0]) == "NEGATE"  # type: ignore[index]
        else:
            negated = op == "NOT_LITERAL"
            if argument < 256:  # type: ignore[operator]
                members[argument] = True  # type: ignore[call-overload]
        if flags & re.IGNORECASE:
            for code in np.flatnonzero(members):
                for other in (chr(code).upper(), chr(code).lower()):
                    if len(other) == 1 and ord(other) < 256:
                        members[ord(other)] = True
        return ~members if negated else members


def _plain(members: np.ndarray) -> list[int]:
    """The characters of a set, letters and digits first."""
    codes = [int(code) for code in np.flatnonzero(members)]
    return sorted(codes, key=lambda code: (not chr(code).isalnum(), not 9 <= code < 127, code))


def _category(name: str, binary: bool) -> np.ndarray:
    escape = {"DIGIT": "d", "SPACE": "s", "WORD": "w"}[name.rpartition("_")[2]]
    escape = escape.upper() if "_NOT_" in name else escape
    if binary:
        one = re.compile(b"\\" + escape.encode())
        return np.array([bool(one.match(bytes([c]))) for c in range(256)])
    other = re.compile("\\" + escape)
    return np.array([bool(other.match(chr(c))) for c in range(256)])


@njit(cache=False)
def _is_word(codes, at):
    if at < 0 or at >= len(codes):
        return False
    c = codes[at]
    return 48 <= c <= 57 or 65 <= c <= 90 or 97 <= c <= 122 or c == 95 or c >= 170


@njit(cache=False)
def _attempt(program, sets, codes, pc, at, budget, stack, base):
    """Run from an instruction to its DONE: (end or -1, steps). Frames lie above `base`."""
    top = base
    steps = 0
    size = len(codes)
    mark = -1
    while True:
        steps += 1
        if steps > budget:
            return -2, steps
        op = program[pc, 0]
        failed = False
        if op == SET:
            if at < size and sets[program[pc, 1], codes[at]]:
                at += 1
                pc += 1
            else:
                failed = True
        elif op == SPLIT:
            stack[top, 0], stack[top, 1], stack[top, 2] = program[pc, 2], at, mark
            top += 1
            pc = program[pc, 1]
        elif op == JUMP:
            pc = program[pc, 1]
        elif op == MARK:
            mark = at
            pc += 1
        elif op == PROGRESS:
            if at == mark:
                failed = True
            else:
                pc += 1
        elif op == AT:
            kind = program[pc, 1]
            if kind == _START:
                failed = at != 0
            elif kind == _END:
                failed = at != size
            else:
                boundary = _is_word(codes, at - 1) != _is_word(codes, at)
                failed = boundary != (kind == _WORD)
            pc += 1
        elif op == ASSERT:
            back = program[pc, 1] // 2
            found = -1
            if at - back >= 0:
                found, used = _attempt(
                    program, sets, codes, pc + 1, at - back, budget - steps, stack, top
                )
                steps += used
                if found == -2:
                    return -2, steps
            failed = (found >= 0) == (program[pc, 1] % 2 == 1)
            pc = program[pc, 2]
        elif op == ATOMIC:
            found, used = _attempt(program, sets, codes, pc + 1, at, budget - steps, stack, top)
            steps += used
            if found == -2:
                return -2, steps
            failed = found < 0
            at = found
            pc = program[pc, 2]
        elif op == DONE:
            return at, steps
        if failed:
            if top == base:
                return -1, steps
            top -= 1
            pc, at, mark = stack[top, 0], stack[top, 1], stack[top, 2]


@njit(cache=False)
def _run(program, sets, codes, mode, limit):
    stack = np.empty((4 * len(codes) + 20_000, 3), np.int64)
    steps = 0
    at = 0
    while at <= len(codes):
        end, used = _attempt(program, sets, codes, 0, at, limit - steps, stack, 0)
        steps += used
        if end == -2:
            return limit
        if mode == 0 or (mode == 1 and end >= 0):
            break
        at = end if end > at else at + 1
    return steps
