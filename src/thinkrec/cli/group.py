"""How every command speaks: errors a user can cause become one message and an exit code, our warnings one line."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from thinkrec.cli.renamed import find_new_name
from thinkrec.errors import ThinkRecError

_PACKAGE = Path(__file__).resolve().parents[1]
ORDER = (
    "demo",
    "example",
    "data",
    "check",
    "run",
    "rank",
    "recommend",
    "explain",
    "predict",
    "evaluate",
    "compare",
    "keywords",
    "reasons",
)
"""Commands in the order of --help, from the first thing one does to the last; the others follow."""


class ErrorReportingGroup(TyperGroup):
    """Turns errors a user can cause, and Ctrl-C, into one message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            with _shorten_own_warnings():
                return super().invoke(ctx)
        except ThinkRecError as error:
            _print_error(f"error: {error}", "red")
            raise typer.Exit(2) from error
        except KeyboardInterrupt as stop:
            _print_error("stopped; the same command goes on from the last saved step", "yellow")
            raise typer.Exit(130) from stop

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands, groups of commands among them."""
        names = super().list_commands(ctx)
        return sorted(names, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; what was called otherwise once is refused with its new name."""
        if new_name := find_new_name(args):
            _print_error(f"error: {new_name}", "red")
            raise typer.Exit(2)
        return super().resolve_command(ctx, args)


def _print_error(text: str, style: str) -> None:
    Console(stderr=True, highlight=False).print(Text(text, style=style), soft_wrap=True)


@contextmanager
def _shorten_own_warnings() -> Iterator[None]:
    """What this package says is about the user's own tables and settings, not about a line of its code."""
    usual = warnings.formatwarning

    def format_in_one_line(
        message: Warning | str, category: type[Warning], filename: str, *place: Any, **options: Any
    ) -> str:
        is_plain = category is UserWarning and Path(filename).is_relative_to(_PACKAGE)
        if is_plain or category.__module__.partition(".")[0] == "thinkrec":
            return f"note: {message}\n"
        return usual(message, category, filename, *place, **options)

    # Not `showwarning`: whoever records warnings, such as a test, goes on to get them.
    warnings.formatwarning = format_in_one_line
    try:
        yield
    finally:
        warnings.formatwarning = usual
