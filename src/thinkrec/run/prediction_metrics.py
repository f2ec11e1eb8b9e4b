"""Metrics of tables of predictions, counted as a recipe says."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from thinkrec.evaluate.metrics.bootstrap import BootstrapResult, bootstrap_metrics
from thinkrec.evaluate.predictions import GroundTruth, match_predictions, read_predictions
from thinkrec.evaluate.results import RankingResults, summarise_results
from thinkrec.run.recipe import EvaluationConfig


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
