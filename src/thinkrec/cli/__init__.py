"""The command `thinkrec`: one file per command, or per command of a group.

A file has the command's signature with its --help first; what it needs is imported when it is called, since PyTorch
takes seconds and --help should not.
"""

from __future__ import annotations

from typing import Annotated

import typer

from thinkrec.cli import (
    check,
    compare,
    cost,
    data,
    demo,
    doctor,
    evaluate,
    example,
    explain,
    export,
    keywords,
    predict,
    rank,
    reasons,
    recipe,
    recommend,
    report,
    run,
    search,
    serve,
    study,
    table,
    weights,
)
from thinkrec.cli.group import ErrorReportingGroup

app = typer.Typer(
    cls=ErrorReportingGroup,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
    add_completion=False,
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        from thinkrec import __version__

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


for command in (
    demo.demo,
    example.example,
    check.check,
    run.run,
    rank.rank,
    recommend.recommend,
    explain.explain,
    predict.predict,
    compare.compare,
    keywords.keywords,
    report.report,
    table.table,
    study.study,
    search.search,
    cost.cost,
    serve.serve,
    doctor.doctor,
    recipe.recipe,
    weights.weights,
    export.export,
):
    app.command()(command)
for group in (data.group, evaluate.group, reasons.group):
    app.add_typer(group)


def main() -> None:
    """Entry point of `thinkrec`."""
    app()
