"""`thinkrec reasons sample`: several reasons for the same train rows, to choose from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thinkrec.cli.options import RunName
from thinkrec.decoding.policy import Cite


def sample(
    run: RunName,
    out: Annotated[Path, typer.Option(help="Folder for the tables: rules-1.parquet, model-1.parquet and so on.")],
    rows: Annotated[int, typer.Option(min=1, help="How many train rows.")] = 400,
    rules: Annotated[int, typer.Option(min=0, help="Reasons of the rules per row, each from other evidence.")] = 4,
    model: Annotated[int, typer.Option(min=0, help="Reasons drawn from the model per row.")] = 0,
    temperature: Annotated[float, typer.Option(help="Of the draws from the model.")] = 0.8,
    stage: Annotated[
        str | None, typer.Option(help="Row of the table that writes, or its short name; by default the last one.")
    ] = None,
    tokens: Annotated[int | None, typer.Option(min=1, help="Longest reason; by default as the recipe says.")] = None,
    citation_policy: Annotated[
        Cite | None, typer.Option(help="Which titles the model may quote; by default as the recipe says.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of rows and of all draws.")] = 0,
) -> None:
    """Write several reasons for the same train rows, by the rules and by the model, for `reasons choose`.

    - `thinkrec reasons sample demo --rows 400 --rules 6 --out candidates`
    - `thinkrec reasons sample ml1m/thinkrec-nano --rules 0 --model 4 --temperature 1 --out candidates`

    All of them argue for what the row's label says. The rules draw the evidence, the model its words. A table that is
    there already is not made again, so that a stopped command goes on; take another folder for other settings.
    """
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.errors import DataError
    from thinkrec.run.folders import find_run_folder
    from thinkrec.run.reason_samples import SampleOptions, sample_reasons

    if not rules + model:
        raise DataError("--rules 0 and --model 0 ask for no reason; give one of them")
    options = SampleOptions(rows, rules, model, temperature, stage, tokens, citation_policy, seed)
    facts = sample_reasons(find_run_folder(run), options, out, progress=True)
    console = show.make_console()
    console.print(show.build_fact_table("Candidates", facts))
    console.print(Text(f"tables: {out}"), soft_wrap=True)
