"""The command `thinkrec`. Every command is one call; what it does is in `thinkrec.commands`.

Commands import what they need when they are called: PyTorch takes seconds, and --help should not.
"""

from __future__ import annotations

from typing import Annotated

import typer

from thinkrec import __version__
from thinkrec.cli import asking, judging, running, teaching
from thinkrec.cli.group import ErrorReportingGroup

app = typer.Typer(
    cls=ErrorReportingGroup,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
    add_completion=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"thinkrec {__version__}")
        raise typer.Exit()


@app.callback()
def about(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Recommendations by reasoning, with the reason.

    - `thinkrec demo` trains on a simulated catalogue, in a few minutes
    - `thinkrec rank demo 17` ranks what user 17 has not met
    - `thinkrec explain demo 17 42` says why, or why not
    """


# In the order of --help: from the first thing one does to the last.
for command in (
    running.demo,
    running.run,
    asking.rank,
    asking.explain,
    asking.explain_rows,
    judging.evaluate,
    judging.compare,
    teaching.keywords,
    teaching.reason,
    running.report,
    running.table,
    running.doctor,
    running.recipe,
):
    app.command()(command)


def main() -> None:
    """Entry point of `thinkrec`."""
    app()
