"""`thinkrec reasons synthesize | sample | choose | write`: reasons to learn from, and those a trained model writes."""

from __future__ import annotations

import typer

from thinkrec.cli.reasons import choose, sample, synthesize, write

group = typer.Typer(name="reasons", no_args_is_help=True, rich_markup_mode="markdown")


@group.callback()
def about() -> None:
    """Reasons to train on, asked of a teacher or chosen by what moves a score, and reasons of a trained run.

    - `thinkrec reasons synthesize demo --teacher rules --rows 200`
    - `thinkrec reasons sample demo --rows 200 --rules 4 --out candidates`
    - `thinkrec reasons choose demo candidates/*.parquet --out chosen.parquet`
    - `thinkrec reasons write demo predictions.parquet --out reasons.parquet`
    """


for command in (synthesize.synthesize, sample.sample, choose.choose, write.write):
    group.command()(command)
