"""`thinkrec evaluate ceiling`: what bounds ranking on a run's split."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thinkrec.cli.options import RunName


def ceiling(
    run: RunName,
    shares: Annotated[
        str, typer.Option(metavar="S,S,...", help="Shares of the train rows, and of their users, to learn from.")
    ] = "0.125,0.25,0.5",
    seed: Annotated[int, typer.Option(min=0, help="Of the rows drawn, the simulated oracle and the trees.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write the results here as JSON.")] = None,
) -> None:
    """Measure what bounds AUC and UAUC on the test rows of a run's data; no language model is asked.

    - `thinkrec evaluate ceiling ml1m/boosting-keywords --out ceiling.json`

    How much of what decides somebody would have to know for a UAUC; what item, user, time and taste explain; what more
    train rows bring; how far users with few rows blur it; and what a UAUC is worth that earlier labels may bend.
    """
    from thinkrec.cli import show
    from thinkrec.cli.evaluate.thinking import parse_numbers
    from thinkrec.cli.json_files import check_json_name
    from thinkrec.evaluate.ceiling.table import render_ceiling_tables
    from thinkrec.io.files import write_json
    from thinkrec.run.ceiling import measure_ceiling
    from thinkrec.run.folders import find_run_folder
    from thinkrec.run.saved_model import read_training_data

    check_json_name(out, "ceiling.json")
    wanted = parse_numbers(shares, float, "--shares", "numbers such as 0.25,0.5")
    result = measure_ceiling(read_training_data(find_run_folder(run)), shares=wanted, seed=seed, progress=True)
    console = show.make_console()
    console.print(render_ceiling_tables(result))
    if out is not None:
        write_json(out, {"run": Path(run).name, "seed": seed, **result})
        console.print(f"measures: {out}", soft_wrap=True)
