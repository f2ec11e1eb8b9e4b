"""One progress bar for everything that takes longer than a moment."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

EVERY = 30.0
"""Seconds between two lines in a file or a pipe."""


class Progress:
    """`with Progress("scoring", 100) as bar: bar.advance(1)`; draws on standard error, and only if `shown`.

    Where standard error is not a terminal, a line every `EVERY` seconds says how far it is, and one at the end what was
    done and how long it took.
    """

    def __init__(self, title: str, total: int, *, shown: bool) -> None:
        """A bar of `total` steps."""
        console = Console(stderr=True)
        self._terminal = shown and console.is_terminal
        self._line = shown and not console.is_terminal
        self._console, self._title = console, title
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[text]}"),
        )
        self._bar = RichProgress(*columns, console=console, disable=not self._terminal)
        self._task = self._bar.add_task(title, total=total, text="")
        self._note, self._last = "", ""
        self._told = time.monotonic()

    def __enter__(self) -> Progress:
        """Show the bar."""
        self._bar.start()
        return self

    def advance(self, steps: int, text: str = "") -> None:
        """So many more steps are done; `text` shows at the end of the line."""
        self._last = text or self._last
        self._bar.update(self._task, advance=steps, text=f"{self._last} {self._note}".strip())
        if self._line and time.monotonic() - self._told >= EVERY:
            self._told = time.monotonic()
            self._print_line(f"{self._bar.tasks[0].completed:.0f} of {self._bar.tasks[0].total:.0f}")

    def set_note(self, text: str) -> None:
        """A remark that stays until the next one."""
        self._note = text
        self._bar.update(self._task, text=f"{self._last} {self._note}".strip())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away; in a file or a pipe, say what was done."""
        self._bar.stop()
        if self._line and kind is None:
            self._print_line(f"{self._bar.tasks[0].completed:.0f}")

    def _print_line(self, done: str) -> None:
        """A line of a file or a pipe."""
        line = f"{self._title}: {done} in {self._bar.tasks[0].elapsed or 0.0:.0f} s {self._note or self._last}"
        self._console.print(line.rstrip(), highlight=False, markup=False)
