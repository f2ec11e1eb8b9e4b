"""`thinkrec reasons synthesize | write`: reasons to learn from, and reasons that a trained model writes."""

from __future__ import annotations

import typer

from thinkrec.cli.reasons import synthesize, write

group = typer.Typer(name="reasons", no_args_is_help=True, rich_markup_mode="markdown")


@group.callback()
def about() -> None:
    """Reasons to train on, asked of a teacher, and reasons of a trained run for many rows.

    - `thinkrec reasons synthesize demo --teacher rules --rows 200`
    - `thinkrec reasons write demo predictions.parquet --out reasons.parquet`
    """


for command in (synthesize.synthesize, write.write):
    group.command()(command)
