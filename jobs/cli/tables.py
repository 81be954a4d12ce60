"""Tables of the commands: what is in a cell is safe to show, and stays whole where it can.

Without a terminal no line is folded and nothing is cut, since a program may read it. On a terminal
long values are cut, and lines fold between words while there is room: ids and names stay whole. A
table that is too wide for this loses the lines between its columns first; then its rows may stand
upright.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from thresher.jobs.cli.common import output, shown
from thresher.jobs.terminal import has_width

__all__ = ["cell", "print_table"]

_ON_A_TERMINAL = 200
"""Characters of a value."""
_WHOLE = 40
"""Characters of the longest word that is kept whole: an id, the name of a run."""
_FEW = 6
"""Characters that a column of longer words gets at least."""
_NO_WIDTH = 2**31


def cell(value: object, most: int = _ON_A_TERMINAL) -> Text:
    """A value for a table.

    Args:
        value: anything; a text that is ready for a table stays as it is.
        most: characters that are shown of it on a terminal.
    """
    if isinstance(value, Text):
        return value
    return Text(shown(value, most if has_width(output.file) else None))


def _line_width() -> int:
    """Characters of a line of the output; without a terminal, more than any line has."""
    return output.width if has_width(output.file) else _NO_WIDTH


def print_table(
    title: str,
    names: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    right: Collection[str] = (),
    header: bool = True,
    framed: bool = True,
    upright: bool = False,
    caption: str = "",
) -> None:
    """Print a table.

    Args:
        title: may be empty.
        names: of the columns.
        rows: a value for each column.
        right: names of the columns that are set to the right, as numbers are.
        header: whether the names are shown.
        framed: whether there are lines between rows and columns, where they fit.
        upright: whether each row becomes a table of its own on a screen too narrow for the words.
        caption: a line below it.
    """
    cells = [[cell(value) for value in row] for row in rows]
    heads = [Text(name if header else "") for name in names]
    columns = [[head, *column] for head, *column in zip(heads, *cells, strict=True)]
    if upright and not _fit(columns, framed=False):
        for number, row in enumerate(cells, 1):
            heading = f"{title}: {number}" if title else f"row {number}"
            facts = zip(names, row, strict=True)
            print_table(heading, ("name", "value"), facts, header=False)
        return
    framed = framed and _fit(columns, framed=True)
    table = Table(
        title=Text(title, "table.title") if title else None,
        title_justify="left",
        caption=Text(caption, "table.caption") if caption else None,
        caption_justify="left",
        show_header=header,
        box=box.HEAVY_HEAD if framed else None,
        pad_edge=framed,
    )
    for name, head, wide in zip(names, heads, _widths(columns, framed), strict=True):
        table.add_column(
            head, justify="right" if name in right else "left", overflow="fold", width=wide
        )
    for row in cells:
        table.add_row(*row)
    output.print(_AsWide(table))


@dataclass(frozen=True, slots=True)
class _AsWide:
    """A table that may be as wide as a line of the output."""

    table: Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        yield from console.render(self.table, options.update(max_width=_line_width()))


def _fit(columns: Sequence[Sequence[Text]], framed: bool) -> bool:
    """Whether columns fit into a line of the screen without cutting a word that can stay whole."""
    return sum(_words(columns)) + _frame(len(columns), framed) <= _line_width()


def _widths(columns: Sequence[Sequence[Text]], framed: bool) -> list[int]:
    """Share a line of the screen out: first to words, then to what else a column has."""
    natural = [max(map(_longest_line, column)) for column in columns]
    room = _line_width() - _frame(len(columns), framed)
    return _shared(room, _shared(room, [1] * len(columns), _words(columns)), natural)


def _shared(room: int, widths: Sequence[int], wishes: Sequence[int]) -> list[int]:
    """Widen columns to what they wish for, the most modest first, while there is room."""
    found = list(widths)
    more = [max(0, wish - now) for wish, now in zip(wishes, widths, strict=True)]
    left = max(0, room - sum(widths))
    for number, place in enumerate(sorted(range(len(more)), key=more.__getitem__)):
        given = min(more[place], left // (len(more) - number))
        found[place] += given
        left -= given
    return found


def _frame(columns: int, framed: bool) -> int:
    """Characters of a line that are not of its cells."""
    return 3 * columns + 1 if framed else 2 * (columns - 1)


def _words(columns: Sequence[Sequence[Text]]) -> list[int]:
    """What each column needs for its longest word; what is longer than an id folds anyway."""
    longest = (max(map(_longest_word, column)) for column in columns)
    return [word if word <= _WHOLE else _FEW for word in longest]


def _longest_line(text: Text) -> int:
    return max(map(cell_len, text.plain.split("\n")))


def _longest_word(text: Text) -> int:
    return max(map(cell_len, text.plain.split()), default=1)
