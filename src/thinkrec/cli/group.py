"""How every command speaks: errors a user can cause become one message and an exit code, remarks on tables a line."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from thinkrec.errors import DataWarning, ThinkRecError


def _in_one_line(others: Callable[..., None]) -> Callable[..., None]:
    """Shows a DataWarning without the place in the code, and any other warning as `others` does."""

    def show(message: Warning | str, category: type[Warning], *place: Any, **options: Any) -> None:
        if issubclass(category, DataWarning):
            Console(stderr=True, highlight=False).print(Text(f"note: {message}", style="yellow"), soft_wrap=True)
        else:
            others(message, category, *place, **options)

    return show


class Group(TyperGroup):
    """Turns errors a user can cause, and Ctrl-C, into one message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _in_one_line(warnings.showwarning)
                return super().invoke(ctx)
        except ThinkRecError as error:
            Console(stderr=True, highlight=False).print(Text(f"error: {error}", style="red"), soft_wrap=True)
            raise typer.Exit(2) from error
        except KeyboardInterrupt as stop:
            text = "stopped; the same command goes on from the last saved step"
            Console(stderr=True, highlight=False).print(Text(text, style="yellow"), soft_wrap=True)
            raise typer.Exit(130) from stop
