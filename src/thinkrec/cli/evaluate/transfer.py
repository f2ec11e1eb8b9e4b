"""`thinkrec evaluate transfer`: a run's global adapter on another catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thinkrec.cli.options import Device, Overrides, RunName, Threads, Workers


def transfer(
    run: RunName,
    data: Annotated[str, typer.Option("--data", metavar="RECIPE", help="Recipe whose data are judged.")],
    rows: Annotated[
        int | None, typer.Option(min=1, help="Judge about so many test rows, of whole users, drawn; by default all.")
    ] = None,
    text_rows: Annotated[int, typer.Option(min=0, help="Also explain so many of them, and compare the reasons.")] = 0,
    references: Annotated[
        Path | None, typer.Option(help="order and reason to compare with; by default the rules' reasons.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for transfer.json, predictions.parquet and reasons.parquet.")
    ] = None,
    overrides: Overrides = None,
    device: Device = None,
    workers: Workers = None,
    threads: Threads = None,
) -> None:
    """Judge another catalogue by the global adapter of a run, as it is: text alone, no vectors, nothing trained.

    - `thinkrec evaluate transfer ml1m/thinkrec-nano-complete --data amazon-fashion/mf`
    - `thinkrec evaluate transfer ml1m/thinkrec-nano-complete --data demo --text-rows 80 --out results/transfer/demo`

    Overrides change the recipe of the data. The rules' reasons are given for those rows on which they agree with the
    label.
    """
    from dataclasses import asdict

    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.evaluate.number_format import format_interval, format_number
    from thinkrec.evaluate.results import to_dict
    from thinkrec.evaluate.table import render_results
    from thinkrec.io.files import write_json
    from thinkrec.run.data_sources import load_data
    from thinkrec.run.folders import find_run_folder
    from thinkrec.run.options import RunOptions
    from thinkrec.run.recipe_files import load_recipe
    from thinkrec.run.transfer import POLICY, evaluate_transfer

    RunOptions.from_environment(device=device, workers=workers, threads=threads).apply()
    recipe = load_recipe(data, overrides or [])
    ds = load_data(recipe.data)[0]
    folder = find_run_folder(run)
    results, text = evaluate_transfer(
        folder, recipe, ds, rows=rows, text_rows=text_rows, references=references, tables=out, progress=True
    )
    console = show.make_console()
    console.print(Text(POLICY), soft_wrap=True)
    console.print(render_results(results, title=f"{folder.name} on the data of {recipe.name}"))
    if text is not None:
        lines = [
            (name, f"{format_number(one['value'])} {format_interval(one['low'], one['high'])}".strip())
            for name, one in text.metrics.items()
        ]
        title = f"Reasons of {text.rows} rows of {text.users} users, beside {text.references}"
        console.print(show.build_fact_table(title, lines))
    if out is not None:
        values = {"run": folder.name, "data": recipe.name, "policy": POLICY, "ranking": to_dict(results)}
        write_json(out / "transfer.json", {**values, "text": None if text is None else asdict(text)})
        console.print(Text(f"metrics: {out / 'transfer.json'}"), soft_wrap=True)
