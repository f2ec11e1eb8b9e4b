"""`thinkrec evaluate ranking`: metrics of any predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thinkrec.cli.options import Draws, Interactions, JudgedSplit, LabelRun, LabelThreshold, Partial


def ranking(
    predictions: Annotated[Path, typer.Argument(metavar="TABLE", help="order and score, maybe user_id and item_id.")],
    interactions: Interactions = None,
    run: LabelRun = None,
    threshold: LabelThreshold = None,
    split: JudgedSplit = None,
    partial: Partial = False,
    k: Annotated[int | None, typer.Option(min=1, help="Cut-off of NDCG and MAP; 5, or as the run says.")] = None,
    draws: Draws = None,
) -> None:
    """AUC, UAUC, NDCG and MAP, with intervals, of anybody's predictions.

    - `thinkrec evaluate ranking results/demo/predictions.parquet --run demo`
    - `thinkrec evaluate ranking mine.csv --interactions test.parquet`
    - `thinkrec evaluate ranking mine.csv --interactions ratings.csv --threshold 3`: liked means rating > 3
    - `thinkrec evaluate ranking some.csv --run demo --partial`: predictions for some of the rows

    Rows are matched by `order`: the column of that name in the labels' table or, where it has none, the row's place
    from 0. Judged are the test rows, all of them: one without a prediction is an error, unless --partial is given,
    which says what was left out. Where predictions also have user_id and item_id, these are compared with the row's.
    """
    from thinkrec.cli import show
    from thinkrec.evaluate.table import render_results
    from thinkrec.run.ground_truth import load_ground_truth
    from thinkrec.run.prediction_metrics import evaluate_predictions

    truth, config = load_ground_truth(interactions, run, split=split, threshold=threshold)
    changes = {key: value for key, value in (("k", k), ("bootstrap_draws", draws)) if value is not None}
    results = evaluate_predictions(predictions, truth, config.model_copy(update=changes), partial=partial)
    show.make_console().print(render_results(results, title=str(predictions)))
