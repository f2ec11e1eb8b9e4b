"""How every command speaks: errors a user can cause become one message and an exit code, our warnings one line."""

from __future__ import annotations

import warnings
from typing import Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from thinkrec.errors import ThinkRecError


class ErrorReportingGroup(TyperGroup):
    """Turns errors a user can cause, and Ctrl-C, into one message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        usual = warnings.formatwarning

        def in_one_line(message: Warning | str, category: type[Warning], *place: Any, **options: Any) -> str:
            # What this package says is about the user's own tables and settings, not about a line of its code.
            if category.__module__.partition(".")[0] == "thinkrec":
                return f"note: {message}\n"
            return usual(message, category, *place, **options)

        # Not `showwarning`: whoever records warnings, such as a test, goes on to get them.
        warnings.formatwarning = in_one_line
        try:
            return super().invoke(ctx)
        except ThinkRecError as error:
            Console(stderr=True, highlight=False).print(Text(f"error: {error}", style="red"), soft_wrap=True)
            raise typer.Exit(2) from error
        except KeyboardInterrupt as stop:
            text = "stopped; the same command goes on from the last saved step"
            Console(stderr=True, highlight=False).print(Text(text, style="yellow"), soft_wrap=True)
            raise typer.Exit(130) from stop
        finally:
            warnings.formatwarning = usual
