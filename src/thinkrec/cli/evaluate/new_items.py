"""`thinkrec evaluate new-items`: how well items that came after the training are ranked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from thinkrec.cli.options import Device, Overrides, Threads, Workers
from thinkrec.io.counts import format_count


def new_items(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Name or YAML file, as for `thinkrec run`.")],
    share: Annotated[float, typer.Option(help="Share of the items with rows that training does not see.")] = 0.1,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw of these items.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Where the figures go as JSON.")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where the model is trained; by default runs/RECIPE-new-items-SEED.")
    ] = None,
    overrides: Overrides = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of a table.")] = False,
    device: Device = None,
    workers: Workers = None,
    threads: Threads = None,
) -> None:
    """Hold items out of the training, then rank them by title and keywords, beside the items that were trained on.

    - `thinkrec evaluate new-items demo --share .1 --seed 0 --out new-items.json`
    - `thinkrec evaluate new-items ml1m/boosting-keywords`

    Every baseline and the model of the recipe are trained without the items. Where a model has vectors, both stand-ins
    for the vector of a new item are scored: the mean of the trained items, and a regression on its keywords.
    """
    import json

    from thinkrec.cli import show
    from thinkrec.cli.json_files import check_json_name
    from thinkrec.io.files import write_json
    from thinkrec.run.data_sources import load_data
    from thinkrec.run.new_items import evaluate_new_items
    from thinkrec.run.options import RunOptions
    from thinkrec.run.recipe_files import load_recipe

    check_json_name(out, "new-items.json")
    RunOptions.from_environment(device=device, workers=workers, threads=threads).apply()
    chosen = load_recipe(recipe, overrides or [])
    target = folder or Path("runs") / f"{chosen.name}-new-items-{seed}"
    ds = load_data(chosen.data, target / "keywords")[0]
    measured = evaluate_new_items(chosen, ds, target, share=share, seed=seed, progress=True)
    if out is not None:
        write_json(out, measured)
    if as_json:
        typer.echo(json.dumps(measured, ensure_ascii=False))
        return
    show.make_console().print(render_new_items(measured))


def render_new_items(measured: dict[str, Any]) -> Any:
    """A table with a line per model and kind of vector: AUC and UAUC of new and of warm items' test rows."""
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(
            f"{format_count(measured['held_out_items'], 'item')} held out of the training of {measured['recipe']}: "
            "test rows"
        ),
        title_justify="left",
        caption=Text(measured["policy"]),
        caption_justify="left",
    )
    table.add_column("model")
    table.add_column("vector of new items")
    for heading in ("AUC, new", "AUC, warm", "UAUC, new", "UAUC, warm", "AUC, new, validation"):
        table.add_column(heading, justify="right")
    lines: dict[tuple[str, str | None], dict[tuple[str, str], dict[str, Any]]] = {}
    for row in measured["rows"]:
        lines.setdefault((row["model"], row["vectors"]), {})[row["split"], row["items"]] = row
    for (model, vectors), cells in lines.items():
        places = (("test", "new", ""), ("test", "warm", ""), ("test", "new", "u"), ("test", "warm", "u"))
        shown = [_format_cell(cells.get((split, kind)), prefix) for split, kind, prefix in places]
        table.add_row(model, vectors or "", *shown, _format_cell(cells.get(("valid", "new")), ""))
    return table


def _format_cell(row: dict[str, Any] | None, prefix: str) -> str:
    if row is None or row[f"{prefix}auc"] is None:
        return "-"
    low, high = (row["uauc_low"], row["uauc_high"]) if prefix else (row["low"], row["high"])
    return f"{row[f'{prefix}auc']:.3f} [{low:.3f}, {high:.3f}]"
