"""The commands that count how good predictions and reasons are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Interactions = Annotated[
    Path | None, typer.Option(help="Table with user_id and label or rating, maybe item_id, order and split.")
]
Labels = Annotated[str | None, typer.Option(help="Take the labels from the data of this run.")]
Threshold = Annotated[
    float | None, typer.Option(help="With --interactions that have ratings: liked means rating > threshold.")
]
Partial = Annotated[bool, typer.Option("--partial", help="Judge the rows that are there, and say which are not.")]


def evaluate(
    predictions: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE",
            help="order and score, maybe user_id and item_id; with --text or --grounding order and reason.",
        ),
    ],
    interactions: Interactions = None,
    run: Labels = None,
    threshold: Threshold = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="Which rows are judged: test (the default where there are splits), valid, train or all; "
            "with --text a split that the references name."
        ),
    ] = None,
    partial: Partial = False,
    k: Annotated[int | None, typer.Option(min=1, help="Cut-off of NDCG and MAP; 5, or as the run says.")] = None,
    draws: Annotated[int | None, typer.Option(min=100, help="Bootstrap draws; 1000, or as the run says.")] = None,
    grounding: Annotated[bool, typer.Option("--grounding", help="Judge what reasons cite and claim.")] = False,
    text: Annotated[bool, typer.Option("--text", help="Compare reasons with references.")] = False,
    references: Annotated[Path | None, typer.Option(help="With --text: order, reason, user_id, maybe split.")] = None,
    against: Annotated[list[Path] | None, typer.Option(help="With --text: reasons of another system.")] = None,
    baseline: Annotated[bool, typer.Option("--baseline", help="With --text: also reasons of another row.")] = False,
    bleurt: Annotated[str | None, typer.Option(help="With --text: folder or hub name of BLEURT-20.")] = None,
    encoder: Annotated[Path | None, typer.Option(help="With --text: folder of a model for similarity.")] = None,
    wordnet: Annotated[Path | None, typer.Option(help="With --text: folder of WordNet 3.0.")] = None,
    out: Annotated[Path | None, typer.Option(help="With --text or --grounding: write JSON here.")] = None,
) -> None:
    """Metrics, with intervals, of anybody's predictions or reasons.

    - `thinkrec evaluate results/demo/predictions.parquet --run demo`
    - `thinkrec evaluate mine.csv --interactions test.parquet`
    - `thinkrec evaluate mine.csv --interactions ratings.csv --threshold 3`: liked means rating > 3
    - `thinkrec evaluate some.csv --run demo --partial`: predictions for some of the rows
    - `thinkrec evaluate reasons.parquet --grounding --run demo`: what reasons cite, claim and decide (both at once
      with --text)
    - `thinkrec evaluate reasons.parquet --text --references written.parquet --split test --baseline`
    - `thinkrec evaluate reasons.parquet --text --references written.parquet --against other.parquet
      --bleurt BLEURT-20 --out text-metrics.json`

    Rows are matched by `order`: the column of that name in the labels' table or, where it has none, the row's place
    from 0. Judged are the test rows, all of them: one without a prediction is an error, unless --partial is given,
    which says what was left out. Where predictions also have user_id and item_id, these are compared with the row's.
    """
    from thinkrec.commands import evaluating
    from thinkrec.commands.texts import TextOptions

    options = TextOptions(
        references,
        split,
        against or (),
        baseline,
        bleurt,
        encoder,
        wordnet,
        out,
        draws=1000 if draws is None else draws,
        partial=partial,
    )
    evaluating.run_evaluate_command(
        predictions, options, interactions, run, k=k, draws=draws, ground=grounding, compare=text, threshold=threshold
    )


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="TABLE...", help="Predictions, one table per seed.")],
    against: Annotated[list[Path], typer.Option(help="Predictions of the other side, seed by seed; repeat it.")],
    interactions: Interactions = None,
    run: Labels = None,
    threshold: Threshold = None,
    split: Annotated[str | None, typer.Option(help="Which rows: test by default, valid, train or all.")] = None,
    partial: Partial = False,
    draws: Annotated[int | None, typer.Option(min=100, help="Bootstrap draws; 1000, or as the run says.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write JSON here.")] = None,
) -> None:
    """Whether one way of training ranks better than another: paired differences, seed by seed and on average.

    - `thinkrec compare with.parquet --against without.parquet --run demo`
    - `thinkrec compare a0.parquet a1.parquet --against b0.parquet --against b1.parquet --run demo --out thinking.json`

    All tables name the same rows: every judged one, or with --partial those that all tables have. Intervals are over
    users; beside them stands the deviation over seeds.
    """
    from thinkrec.commands import comparing

    comparing.run_compare_command(
        runs, against, interactions, run, draws, out, split=split, threshold=threshold, partial=partial
    )
