"""`thinkrec evaluate thinking`: whether a plan before the verdict helps ranking."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

import typer

from thinkrec.cli.options import Draws, RunName
from thinkrec.io.counts import format_count

Number = TypeVar("Number", int, float)


def thinking(
    run: RunName,
    samples: Annotated[str, typer.Option(metavar="K,K,...", help="Plans a row; 0 is the usual one pass.")] = "0,1,2,4",
    split: Annotated[str, typer.Option(help="Which rows of the run's data: train, valid, test or all.")] = "valid",
    rows: Annotated[
        int | None, typer.Option(min=2, help="About so many rows: whole users, drawn by seed; by default all.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Stage of the run's language model, such as global; by default the last one.")
    ] = None,
    temperature: Annotated[float, typer.Option(min=0, help="Of the plans; 0 takes the likeliest titles.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the rows drawn, the plans and the draws of users.")] = 0,
    draws: Draws = None,
    controls: Annotated[
        bool, typer.Option("--controls/--no-controls", help="Also score others' plans: rules, other rows, chance.")
    ] = True,
    out: Annotated[Path | None, typer.Option(help="Write the results here as JSON.")] = None,
    scores: Annotated[
        Path | None, typer.Option(help="Write order, user_id, item_id, score (behind the most plans), one_pass here.")
    ] = None,
) -> None:
    """Have the model name what speaks for and against an item before its verdict, and judge the score it then gives.

    - `thinkrec evaluate thinking plans --samples 0,1,2,4,8 --rows 400 --out thinking.json`
    - `thinkrec evaluate thinking plans --split train --samples 4 --no-controls --scores soft.parquet`: the table for
      `soft_labels` of a stage

    The run needs `model.reasons.plan_share` above 0. Beside it: the rules' plan, plans of another row, of random
    lines, and an empty one.
    """
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.cli.json_files import check_json_name
    from thinkrec.data.output_tables import check_writable, write_table
    from thinkrec.evaluate.thinking.results import write_thinking
    from thinkrec.evaluate.thinking.table import render_thinking_table
    from thinkrec.run.folders import find_run_folder
    from thinkrec.run.thinking import SYSTEMS, measure_thinking

    check_json_name(out, "thinking.json")
    if scores is not None:
        check_writable(scores)
    measured = measure_thinking(
        find_run_folder(run),
        samples=parse_numbers(samples, int, "--samples", "whole numbers such as 0,1,2,4"),
        split=split,
        model=model,
        n_rows=rows,
        seed=seed,
        temperature=temperature,
        draws=draws,
        with_controls=controls,
    )
    console = show.make_console()
    for title, label, plans in measured.examples:
        console.print(Text(f"{title} ({'liked' if label else 'not liked'}): {' / '.join(plans[:2])}"), soft_wrap=True)
    console.print(render_thinking_table(measured.results, SYSTEMS, clock=measured.clock))
    if out is not None:
        # Names without folders: the file is meant to be kept and shown.
        provenance = {"run": Path(run).name, "model": model, "split": split, "rows": rows, "seed": seed}
        write_thinking(out, measured.results, {**provenance, "temperature": temperature, "clock": measured.clock})
        console.print(Text(f"metrics: {out}"), soft_wrap=True)
    if scores is not None:
        write_table(measured.scores, scores)
        console.print(Text(f"scores of {format_count(measured.scores.height, 'row')}: {scores}"), soft_wrap=True)


def parse_numbers(text: str, kind: type[Number], option: str, example: str) -> list[Number]:
    """Numbers from text such as "0,1,2"; `option` and `example` are for the message."""
    try:
        return [kind(part) for part in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no list of {example}", param_hint=option) from None
