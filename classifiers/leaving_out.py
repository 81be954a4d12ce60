"""Training records that cannot be used: left out and counted, up to a bound."""

from __future__ import annotations

from thresher.filters.errors import DataError, InputError
from thresher.filters.tolerance import HOPELESS, tolerated


class UnusableRecord(DataError):  # noqa: N818 - data, not a fault
    """A record that training cannot use, and why."""


class LeftOut:
    """Counts the records of one input, and gives up where too many cannot be used.

    The bound is judged when the input is read, so that it depends on no order; only a file that
    begins with nothing but such records is given up at once.

    Args:
        share: of the records that may be left out; see `tolerated`.
        where: the input, used in errors.
    """

    def __init__(self, share: float, where: str) -> None:
        self._share, self._where = share, where
        self._records = self._unusable = 0
        self._first = ""
        self.in_file = self.unusable_in_file = 0
        self.first_in_file = ""

    def start_file(self) -> None:
        """From here on, records are of another file."""
        self.in_file = self.unusable_in_file = 0
        self.first_in_file = ""

    def used(self) -> None:
        """Count a record that can be used."""
        self._records += 1
        self.in_file += 1

    def leave(self, place: str, problem: UnusableRecord) -> None:
        """Count a record that cannot be used.

        Args:
            place: the file, with line or row.
            problem: what is wrong with it.

        Raises:
            InputError: where that is so of all that the file begins with.
        """
        said = f"{place}: {problem}"
        self._first = self._first or said
        self.first_in_file = self.first_in_file or said
        self._records += 1
        self._unusable += 1
        self.in_file += 1
        self.unusable_in_file += 1
        if self.unusable_in_file == self.in_file == HOPELESS and self._share < 1:
            first = f"none of the first {HOPELESS} records can be used"
            raise InputError(f"{self._where}: {first}: {self.first_in_file}")

    def finish(self) -> None:
        """Judge the input.

        Raises:
            InputError: where more records were left out than it allows.
        """
        if self._unusable > tolerated(self._share, self._records):
            raise InputError(
                f"{self._where}: {self._unusable:,} of {self._records:,} records cannot be used, "
                f"and allow_unusable is {self._share:g}; first {self._first} "
                "Mend them, or raise allow_unusable."
            )
