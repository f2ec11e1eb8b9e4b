"""`thinkrec evaluate slices`: whom predictions serve, and on which items."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thinkrec.cli.options import Draws, JudgedSplit, Partial


def slices(
    predictions: Annotated[
        list[Path], typer.Argument(metavar="TABLE...", help="Predictions (order, score) of the same rows.")
    ],
    run: Annotated[str, typer.Option("--run", help="The run whose data the rows are of.")],
    past: Annotated[
        str, typer.Option(metavar="N,N,...", help="Earlier rows of the user from which the next part begins.")
    ] = "1,10,50,200",
    item: Annotated[
        str, typer.Option(metavar="N,N,...", help="Train rows of the item from which the next part begins.")
    ] = "1,10,30,100",
    split: JudgedSplit = None,
    partial: Partial = False,
    draws: Draws = None,
    out: Annotated[Path | None, typer.Option(help="Write the results here as JSON.")] = None,
) -> None:
    """Judge predictions on parts of the rows: cold users and items, short and long pasts, rare and popular items.

    - `thinkrec evaluate slices results/demo/predictions.parquet --run demo`
    - `thinkrec evaluate slices results/ml1m/{mf,thinkrec-nano-keywords}/predictions.parquet --run ml1m/mf`

    A table is called by its folder where it is called predictions, else by its name.
    """
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.cli.evaluate.thinking import parse_numbers
    from thinkrec.cli.json_files import check_json_name
    from thinkrec.evaluate.slices_table import render_slices_table
    from thinkrec.io.files import write_json
    from thinkrec.run.folders import find_run_folder
    from thinkrec.run.judged_tables import name_tables
    from thinkrec.run.slices import evaluate_slices

    check_json_name(out, "slices.json")
    tables = name_tables(predictions)
    entries, remark, k = evaluate_slices(
        tables,
        find_run_folder(run),
        past_edges=parse_numbers(past, int, "--past", "whole numbers such as 1,10,50"),
        item_edges=parse_numbers(item, int, "--item", "whole numbers such as 1,10,50"),
        split=split,
        draws=draws,
        partial=partial,
    )
    console = show.make_console()
    if remark:
        console.print(Text(remark), soft_wrap=True)
    console.print(render_slices_table(entries, f"{', '.join(tables)} on {Path(run).name}", k))
    if out is not None:
        write_json(out, {"run": Path(run).name, "tables": list(tables), "k": k, "entries": entries})
        console.print(Text(f"metrics: {out}"), soft_wrap=True)
