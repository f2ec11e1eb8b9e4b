"""How every command ends: errors a user can cause become one message and an exit code."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from thinkrec.errors import ThinkRecError


class Group(TyperGroup):
    """Turns errors a user can cause, and Ctrl-C, into one message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except ThinkRecError as error:
            Console(stderr=True, highlight=False).print(Text(f"error: {error}", style="red"), soft_wrap=True)
            raise typer.Exit(2) from error
        except KeyboardInterrupt as stop:
            text = "stopped; the same command goes on from the last saved step"
            Console(stderr=True, highlight=False).print(Text(text, style="yellow"), soft_wrap=True)
            raise typer.Exit(130) from stop
