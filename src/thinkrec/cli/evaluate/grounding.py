"""`thinkrec evaluate grounding`: whether reasons can be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thinkrec.cli.options import Draws


def grounding(
    reasons: Annotated[Path, typer.Argument(metavar="TABLE", help="order and reason, maybe score, user_id, item_id.")],
    run: Annotated[str, typer.Option(help="The run whose data the reasons are about.")],
    draws: Draws = None,
    out: Annotated[Path | None, typer.Option(help="Write JSON here.")] = None,
) -> None:
    """What reasons cite, claim and decide, against the rows they are about.

    - `thinkrec evaluate grounding reasons.parquet --run demo`
    - `thinkrec evaluate grounding reasons.parquet --run demo --out grounding.json`

    All reasons of the table are judged. Verdicts are compared with its scores or, without such a column, with those of
    the run.
    """
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.cli.json_files import check_json_name
    from thinkrec.evaluate.grounding.results import write_grounding
    from thinkrec.evaluate.grounding.table import render_grounding_table
    from thinkrec.run.folders import find_run_folder
    from thinkrec.run.reason_grounding import ground_reason_table

    check_json_name(out, "grounding.json")
    results = ground_reason_table(reasons, find_run_folder(run), draws)
    show.make_console().print(render_grounding_table(results, title=f"Grounding of {reasons}"))
    if out is not None:
        # Names without folders: the file is meant to be kept and shown.
        write_grounding(out, results, {"reasons": reasons.name, "run": Path(run).name})
        show.make_console().print(Text(f"metrics: {out}"), soft_wrap=True)
