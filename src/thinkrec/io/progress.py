"""One progress bar for everything that takes longer than a moment; lines instead where nobody looks at a terminal."""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

EVERY = 30.0
"""Seconds between two lines in a file, a pipe or a log."""
LOGGER = logging.getLogger("thinkrec")
"""The package's logger. Lines of progress go to it where the program that imports the package has set it to INFO."""


def is_logging() -> bool:
    """Whether the program that imports the package has set the logger to INFO and given it somewhere to write."""
    return LOGGER.isEnabledFor(logging.INFO) and LOGGER.hasHandlers()


class Progress:
    """`with Progress("scoring", 100) as bar: bar.advance(1)`; draws on standard error, and only if `shown`.

    Where standard error is not a terminal, a line at least every `EVERY` seconds says how far it is, with the remark of
    the step (its loss), the rate and the time left, and one at the end what was done and how long it took. Where the
    logger `thinkrec` has a handler and the level INFO, these lines go there, shown or not; so a service that draws
    nothing is not silent.
    """

    def __init__(self, title: str, total: int, *, shown: bool, unit: str = "rows", has_rate: bool = True) -> None:
        """A bar of `total` steps; `unit`: what `advance` counts the work in, for the rate.

        `has_rate`: whether rate and time left are said. Not where steps differ much and the caller's remark has a
        better estimate.
        """
        console = Console(stderr=True)
        self._has_rate = has_rate
        self._terminal = shown and console.is_terminal
        self._logged = not self._terminal and is_logging()
        self._line = self._logged or (shown and not console.is_terminal)
        self._console, self._title, self._unit = console, title, unit
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            *((TimeRemainingColumn(),) if has_rate else ()),
            TextColumn("{task.fields[text]}"),
        )
        self._bar = RichProgress(*columns, console=console, disable=not self._terminal)
        self._task = self._bar.add_task(title, total=total, text="")
        self._note, self._last = "", ""
        self._work, self._skipped = 0, 0
        self._began = self._told = time.monotonic()
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._clock: threading.Thread | None = None

    def __enter__(self) -> Progress:
        """Show the bar."""
        self._bar.start()
        if self._line:
            # A step may take minutes; the line of the half minute does not wait for it.
            self._clock = threading.Thread(target=self._watch_clock, name="thinkrec-progress", daemon=True)
            self._clock.start()
        return self

    def skip(self, steps: int) -> None:
        """So many steps were done before, by a run that this one goes on with; the rate leaves them out."""
        self._skipped += steps
        self._bar.update(self._task, advance=steps)

    def restart_clock(self) -> None:
        """The work begins now: what came before it, such as a look at validation, is in neither rate nor time left."""
        self._began = time.monotonic()

    def advance(self, steps: int, text: str = "", work: int | None = None) -> None:
        """So many more steps are done; `text` shows at the end of the line. `work`: in units, by default the steps."""
        self._last = text or self._last
        self._work += steps if work is None else work
        self._bar.update(self._task, advance=steps, text=self._describe_state())
        if self._line:
            self._print_when_due()

    def set_note(self, text: str) -> None:
        """A remark that stays until the next one."""
        self._note = text
        self._bar.update(self._task, text=self._describe_state())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away; in a file or a pipe, say what was done."""
        self._bar.stop()
        self._ended.set()
        if self._clock is not None:
            self._clock.join()
        if self._line and kind is None:
            self._print_line(f"{self._bar.tasks[0].completed:.0f}")

    def _describe_state(self) -> str:
        return f"{self._last} {self._note}".strip()

    def _watch_clock(self) -> None:
        while not self._ended.wait(max(0.1, EVERY / 10)):
            self._print_when_due()

    def _print_when_due(self) -> None:
        with self._lock:
            if time.monotonic() - self._told < EVERY:
                return
            self._told = time.monotonic()
            task = self._bar.tasks[0]
            self._print_line(f"{task.completed:.0f} of {task.total:.0f}")

    def _print_line(self, done: str) -> None:
        """A line of a file, a pipe or a log."""
        seconds = time.monotonic() - self._began
        line = (
            f"{self._title}: {done} in {seconds:.0f} s {self._describe_rate(seconds)}{self._describe_state()}".rstrip()
        )
        if self._logged:
            LOGGER.info(line)
        else:
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _describe_rate(self, seconds: float) -> str:
        """Such as "(3,400 tokens/s, 46 s left) "; nothing before there is a rate."""
        task = self._bar.tasks[0]
        done = task.completed - self._skipped
        if seconds <= 0 or done <= 0 or not self._work or not self._has_rate:
            return ""
        rate = self._work / seconds
        left = seconds * ((task.total or 0) - task.completed) / done
        rest = f", {left:.0f} s left" if left > 0 and not self._ended.is_set() else ""
        return f"({rate:,.0f} {self._unit}/s{rest}) " if rate >= 10 else f"({rate:.2g} {self._unit}/s{rest}) "
