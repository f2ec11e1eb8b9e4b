"""`thinkrec predict`: scores of a run's rows as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thinkrec.cli.options import RunName
from thinkrec.io.counts import format_count


def predict(
    run: RunName,
    out: Annotated[Path, typer.Option(help="Where order, user_id, item_id, score go: .parquet, .csv or .jsonl.")],
    split: Annotated[str, typer.Option(help="Which rows of the run's data: train, valid, test or all.")] = "test",
    model: Annotated[
        str | None, typer.Option(help="Row of the run's table that scores, such as boosting or global.")
    ] = None,
) -> None:
    """Score the rows of a run's data, each from the user's past strictly before it.

    - `thinkrec predict demo --out predictions.parquet`
    - `thinkrec predict demo --split valid --model "item mean" --out mean.csv`
    - `thinkrec predict books --split train --out predictions.parquet`: for `reasons synthesize --selection wrong`

    The table is one that `thinkrec evaluate ranking` and `thinkrec compare` read. Scores of train rows are of a model
    that has learned from them.
    """
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.data.output_tables import check_writable, write_table
    from thinkrec.run import saved_model
    from thinkrec.run.folders import find_run_folder
    from thinkrec.run.predict import predict_split

    check_writable(out)
    opened = saved_model.open_run(find_run_folder(run), progress=True)
    table = predict_split(opened, split, name=model)
    write_table(table, out)
    show.make_console().print(Text(f"scores of {format_count(table.height, 'row')}: {out}"), soft_wrap=True)
