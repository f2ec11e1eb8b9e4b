"""Commands that ask a trained recommender."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thinkrec.cli.options import History, RunName, Threshold, User
from thinkrec.decoding.policy import Cite, Writer


def rank(
    run: RunName,
    user: User,
    candidates: Annotated[
        str | None,
        typer.Option(help="Item ids with commas, one that holds a comma in double quotes; by default all not met yet."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many to show.")] = 10,
    why: Annotated[bool, typer.Option("--why", help="Also write the reason for each item shown.")] = False,
    history: History = None,
    threshold: Threshold = None,
    model: Annotated[str | None, typer.Option(help="Row of the run's table that ranks, such as boosting.")] = None,
    writer: Annotated[Writer | None, typer.Option(help="Who writes reasons; by default as the recipe says.")] = None,
) -> None:
    """Rank items for a user.

    - `thinkrec rank demo 17`
    - `thinkrec rank demo 17 --top 3 --why`
    - `thinkrec rank demo 17 --candidates 3,14,15 --top 2`
    - `thinkrec rank demo somebody-new --history liked.csv`
    - `thinkrec rank demo 17 --model "item mean"`: any row of the run's table may answer; a scorer needs no language
      model. Where the run's own model ranks worse than another row, this is said first.
    """
    from thinkrec.commands import asking

    asking.run_rank_command(run, user, candidates, top, why, history, threshold, model, writer)


def explain(
    run: RunName,
    user: User,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="Item id, as in your data.")],
    history: History = None,
    threshold: Threshold = None,
    writer: Annotated[Writer | None, typer.Option(help="Who writes the reason; by default as the recipe says.")] = None,
) -> None:
    """Say whether a user would like an item, and why.

    - `thinkrec explain demo 17 42`
    - `thinkrec explain demo somebody-new 42 --history liked.csv`
    """
    from thinkrec.commands import asking

    asking.run_explain_command(run, user, item, history, threshold, writer)


def explain_rows(
    run: RunName,
    rows: Annotated[Path, typer.Argument(metavar="TABLE", help="Table with the column order, maybe split.")],
    out: Annotated[Path, typer.Option(help="Where order, ids, score, reason go: .parquet, .csv or .jsonl.")],
    split: Annotated[str | None, typer.Option(help="Only rows of TABLE with this split.")] = None,
    stage: Annotated[
        str | None,
        typer.Option(
            help="Variant of the model: its row in the run's table or its short name; by default the last one."
        ),
    ] = None,
    tokens: Annotated[int | None, typer.Option(min=1, help="Longest reason; by default as the recipe says.")] = None,
    cite: Annotated[Cite | None, typer.Option(help="By default as the recipe says.")] = None,
    own_verdict: Annotated[bool, typer.Option("--own-verdict", help="Do not force the score's verdict.")] = False,
    writer: Annotated[Writer, typer.Option(help="Who writes; model shows what the model does.")] = "model",
) -> None:
    """Write reasons for many rows of a run's data, for `evaluate --text` and `evaluate --grounding`.

    - `thinkrec explain-rows ml1m/thinkrec-nano reasons.parquet --split test --out mine.parquet`
    - `thinkrec explain-rows demo predictions.parquet --cite any --own-verdict --out free.parquet`

    A stopped command goes on where it was.
    """
    from thinkrec.commands import writing

    writing.run_explain_rows_command(run, rows, split, out, stage, tokens, cite, own_verdict, writer)
