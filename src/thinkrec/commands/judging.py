"""`run_ranking_evaluation`: metrics of any predictions."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from thinkrec.commands import show
from thinkrec.commands.truth import load_truth
from thinkrec.evaluate.metrics.bootstrap import BootstrapResult, bootstrap_metrics
from thinkrec.evaluate.predictions import GroundTruth, match_predictions, read_predictions
from thinkrec.evaluate.results import RankingResults, summarise_results
from thinkrec.evaluate.table import render_results
from thinkrec.run.recipe import EvaluationConfig


def run_ranking_evaluation(
    predictions: Path,
    interactions: Path | None,
    run: str | None,
    *,
    k: int | None = None,
    draws: int | None = None,
    split: str | None = None,
    threshold: float | None = None,
    partial: bool = False,
) -> None:
    """`thinkrec evaluate`."""
    truth, config = load_truth(interactions, run, split=split, threshold=threshold)
    changes = {key: value for key, value in (("k", k), ("bootstrap_draws", draws)) if value is not None}
    results = evaluate_predictions(predictions, truth, config.model_copy(update=changes), partial=partial)
    show.make_console().print(render_results(results, title=str(predictions)))


def evaluate_predictions(
    predictions: Path, truth: GroundTruth, config: EvaluationConfig, *, partial: bool = False
) -> RankingResults:
    """Metrics with intervals of a table of predictions; see `bootstrap_predictions`."""
    (sample,), remark = bootstrap_predictions([predictions], truth, config, partial=partial)
    results = summarise_results({predictions.stem: sample})
    return dataclasses.replace(results, remarks=((remark,) if remark else ()) + results.remarks)


def bootstrap_predictions(
    paths: Sequence[Path], truth: GroundTruth, config: EvaluationConfig, *, partial: bool = False
) -> tuple[list[BootstrapResult], str]:
    """The metrics of tables (order, score, perhaps user_id and item_id), all on the same rows of `truth`, drawn.

    The second value says which rows were left out; see `match_predictions`, also for errors.
    """
    matched, remark = match_predictions({str(path): read_predictions(path) for path in paths}, truth, partial=partial)
    samples = [
        bootstrap_metrics(
            frame["user"].to_numpy(),
            frame["label"].to_numpy(),
            frame["score"].to_numpy(),
            k=config.k,
            denominator=config.map_denominator,
            draws=config.bootstrap_draws,
            seed=config.seed,
        )
        for frame in matched
    ]
    return samples, remark
