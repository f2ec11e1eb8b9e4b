"""`thinkrec evaluate calibration`: whether scores are the log-odds that they are meant to be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thinkrec.cli.options import Draws, JudgedSplit, Partial


def calibration(
    predictions: Annotated[
        list[Path], typer.Argument(metavar="TABLE...", help="Predictions (order, score) of the same rows.")
    ],
    run: Annotated[str, typer.Option("--run", help="The run whose data the rows are of.")],
    bins: Annotated[int, typer.Option(min=2, help="Bins, each with as many rows as the others.")] = 10,
    split: JudgedSplit = None,
    partial: Partial = False,
    draws: Draws = None,
    out: Annotated[Path | None, typer.Option(help="Write the results here as JSON.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Draw the reliability curves here as SVG.")] = None,
) -> None:
    """Compare promised with observed likes: reliability curve, calibration error, offset and slope.

    - `thinkrec evaluate calibration results/demo/predictions.parquet --run demo`
    - `thinkrec evaluate calibration results/ml1m/{mf,boosting}/predictions.parquet --run ml1m/mf --figure curves.svg`

    Scores are read as log-odds of a like. A table is called by its folder where it is called predictions.
    """
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.cli.json_files import check_json_name
    from thinkrec.evaluate.calibration import measure_calibrations
    from thinkrec.evaluate.calibration_table import render_calibration_table
    from thinkrec.evaluate.report.reliability_figure import draw_reliability
    from thinkrec.io.files import write_json, write_text
    from thinkrec.run.folders import find_run_folder
    from thinkrec.run.judged_tables import name_tables, read_judged_tables

    check_json_name(out, "calibration.json")
    tables = read_judged_tables(name_tables(predictions), find_run_folder(run), split=split, partial=partial)
    n_draws = tables.config.bootstrap_draws if draws is None else draws
    entries = measure_calibrations(
        tables.user, tables.label, tables.scores, bins=bins, draws=n_draws, seed=tables.config.seed, progress=True
    )
    console = show.make_console()
    if tables.remark:
        console.print(Text(tables.remark), soft_wrap=True)
    console.print(render_calibration_table(entries, f"Calibration on {Path(run).name}"))
    if out is not None:
        write_json(out, {"run": Path(run).name, "bins": bins, "draws": n_draws, "entries": entries})
        console.print(Text(f"metrics: {out}"), soft_wrap=True)
    if figure is not None:
        write_text(figure, draw_reliability(entries))
        console.print(Text(f"figure: {figure}"), soft_wrap=True)
