"""`thinkrec evaluate faithfulness`: whether reasons are true of the score."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thinkrec.cli.options import Draws


def faithfulness(
    reasons: Annotated[
        list[Path], typer.Argument(metavar="TABLE...", help="order and reason, maybe user_id, item_id.")
    ],
    run: Annotated[str, typer.Option(help="The run whose scores the reasons are about.")],
    model: Annotated[
        str | None, typer.Option(help="Row of the run's table that scores, such as boosting; by default the last one.")
    ] = None,
    rows: Annotated[int | None, typer.Option(min=2, help="Judge so many rows, drawn by seed; by default all.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the rows drawn, the other rows and the draws of users.")] = 0,
    draws: Draws = None,
    out: Annotated[Path | None, typer.Option(help="Write JSON here, and what was measured beside it.")] = None,
) -> None:
    """Whether reasons cite what moved the score: each history line is erased and turned, and the model asked again.

    - `thinkrec evaluate faithfulness reasons.parquet --run demo`
    - `thinkrec evaluate faithfulness reasons.parquet reasons-any.parquet --run demo --out faithfulness.json`
    - `thinkrec evaluate faithfulness reasons.parquet --run ml1m/thinkrec-nano --rows 100 --model boosting`

    Beside the reasons of another row, the rules', the most recent line and the line of largest effect. What was
    measured is kept in `line-effects.parquet` beside --out: a stopped command goes on, and further tables use it.
    """
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.cli.json_files import check_json_name
    from thinkrec.evaluate.faithfulness.results import write_faithfulness
    from thinkrec.evaluate.faithfulness.table import render_faithfulness_table
    from thinkrec.evaluate.text.reason_tables import name_tables
    from thinkrec.run.folders import find_run_folder
    from thinkrec.run.reason_faithfulness import SYSTEMS, measure_reason_faithfulness

    check_json_name(out, "faithfulness.json")
    folder, cache = find_run_folder(run), None if out is None else out.parent
    results = measure_reason_faithfulness(
        name_tables(reasons), folder, model=model, n_rows=rows, seed=seed, draws=draws, cache=cache
    )
    console = show.make_console()
    for name, result in results.items():
        console.print(render_faithfulness_table(result, SYSTEMS, title=f"Faithfulness of {name}"))
    if out is not None:
        # Names without folders: the file is meant to be kept and shown.
        provenance = {"run": Path(run).name, "model": model, "rows": rows, "seed": seed}
        write_faithfulness(out, results, provenance)
        console.print(Text(f"metrics: {out}"), soft_wrap=True)
