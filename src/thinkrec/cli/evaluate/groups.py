"""`thinkrec evaluate groups`: whether groups of users by their vectors differ in what they like."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from thinkrec.cli.options import Draws


class GroupRows(StrEnum):
    """Rows that preferences are counted in."""

    later = "later"
    train = "train"


def groups(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Runs of encoders or of ThinkRec, same data.")],
    n_groups: Annotated[str, typer.Option("--groups", metavar="N,N,...", help="Numbers of groups.")] = "2,3",
    rows: Annotated[
        GroupRows, typer.Option(help="Validation and test rows, or those behind the vectors.")
    ] = GroupRows.later,
    min_rows: Annotated[int, typer.Option(min=1, help="Rows of a group on a keyword from which it counts.")] = 20,
    keywords: Annotated[int, typer.Option(min=1, help="Keywords that are compared, those with the most rows.")] = 100,
    draws: Draws = None,
    seed: Annotated[int, typer.Option(min=0, help="Of draws, random groups and k-means.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write the results here as JSON.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Draw the distances here as SVG.")] = None,
) -> None:
    """Group users by the vectors of encoders, and compare what the groups like with groups drawn at random.

    - `thinkrec evaluate groups demo --groups 2`
    - `thinkrec evaluate groups ml1m/mf ml1m/lightgcn ml1m/sasrec --groups 2,3,4 --figure groups.svg`

    Users are grouped as a run does it, by their vectors at their last train row.
    """
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.cli.evaluate.thinking import parse_numbers
    from thinkrec.cli.json_files import check_json_name
    from thinkrec.evaluate.group_distance_table import render_groups_table
    from thinkrec.evaluate.report.groups_figure import draw_group_distances
    from thinkrec.io.files import write_json, write_text
    from thinkrec.run.folders import find_run_folder
    from thinkrec.run.group_distances import measure_run_groups

    check_json_name(out, "groups.json")
    entries = measure_run_groups(
        {Path(run).name: find_run_folder(run) for run in runs},
        parse_numbers(n_groups, int, "--groups", "whole numbers such as 2,3"),
        rows=rows.value,
        min_rows=min_rows,
        most=keywords,
        draws=draws or 1000,
        seed=seed,
        progress=True,
    )
    console = show.make_console()
    console.print(render_groups_table(entries, f"Groups of users, judged by their {rows.value} rows"))
    if out is not None:
        write_json(out, {"rows": rows.value, "min_rows": min_rows, "seed": seed, "entries": entries})
        console.print(Text(f"distances: {out}"), soft_wrap=True)
    if figure is not None:
        write_text(figure, draw_group_distances(entries))
        console.print(Text(f"figure: {figure}"), soft_wrap=True)
