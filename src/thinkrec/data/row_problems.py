"""Rows and lines that cannot be used: refused one by one, or collected, so that all are listed or left out at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import polars as pl

SHOWN = 5
"""How many wrong rows a message names."""


@dataclass(frozen=True)
class Problem:
    """Rows or lines of one table that cannot be used, all for one reason."""

    source: str
    """The table, as messages call it: its path where it has one."""
    column: str | None
    """Null for whole lines."""
    count: int
    rows: tuple[int, ...]
    """The first few: lines of the file, or rows from 1 where it is no text."""
    what: str
    """A clause that follows the table's name, with values: "column 'rating' has ... (row 2: 'good')"."""
    remedy: str
    unit: str = "row"
    """row, or line where it is none."""
    numbered: str = "row"
    """What `rows` count: row or line."""

    @property
    def text(self) -> str:
        """The whole sentence."""
        return f"{self.source}: {self.what}. {self.remedy}"


@dataclass
class ProblemList:
    """Everything that is wrong with the rows of a table or two, in the order in which it was found."""

    problems: list[Problem] = field(default_factory=list)
    _bad: dict[tuple[str, str, int], pl.Series] = field(default_factory=dict)

    def add(self, problem: Problem) -> None:
        """One more problem."""
        self.problems.append(problem)

    def select_new(self, source: str, column: str, bad: pl.Series) -> pl.Series:
        """The wrong rows of a column, Boolean (n,), without those that were found wrong before for another reason."""
        # The length is part of the key: rows may have been left out, or drawn, since the column was looked at first.
        key = (source, column, len(bad))
        before = self._bad.get(key)
        self._bad[key] = bad if before is None else before | bad
        return bad if before is None else bad & ~before

    def mask_rows(self, height: int) -> pl.Series:
        """Which of a table's rows are wrong in any column, Boolean (height,)."""
        mask = pl.zeros(height, dtype=pl.Boolean, eager=True)
        for bad in self._bad.values():
            if len(bad) == height:
                mask = mask | bad
        return mask


_COLLECTED: ContextVar[ProblemList | None] = ContextVar("collected_problems", default=None)


@contextmanager
def collect_problems() -> Iterator[ProblemList]:
    """Within it wrong rows are no errors: they are added to the list that this hands out."""
    problem_list = ProblemList()
    token = _COLLECTED.set(problem_list)
    try:
        yield problem_list
    finally:
        _COLLECTED.reset(token)


def get_collected() -> ProblemList | None:
    """The list that wrong rows go to, where somebody collects them."""
    return _COLLECTED.get()
