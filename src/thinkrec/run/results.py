"""The end of a run: the predictions of every row evaluated, a few explained, `metrics.json` and the report written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from thinkrec.errors import CheckpointError
from thinkrec.evaluate.metrics.bootstrap import BootstrapResult, bootstrap_metrics
from thinkrec.evaluate.report.data import ExplainedRecommendation
from thinkrec.evaluate.report.data_facts import count_facts
from thinkrec.evaluate.report.page import write_report
from thinkrec.evaluate.results import Kind, RankingResults, summarise_results, write_metrics
from thinkrec.io.hashing import hash_json
from thinkrec.run.data_sources import describe_negatives
from thinkrec.run.explained import explain_test_rows
from thinkrec.run.layout import NON_PERSONALISED, map_rows_to_stages
from thinkrec.run.pipeline import Run
from thinkrec.run.provenance import describe_environment
from thinkrec.run.report_data import build_report_data
from thinkrec.run.stage import read_stage_result

CEILING = "Bayes-optimal"
METRICS, REPORT = "metrics.json", "report.html"


@dataclass(frozen=True)
class RunResults:
    """What a finished run shows."""

    results: RankingResults
    explained_rows: tuple[ExplainedRecommendation, ...]
    metrics_path: Path
    report_path: Path


def find_prediction_folders(run: Run) -> dict[str, Path]:
    """Table row -> folder of its predictions, in the table's order.

    A baseline that failed, or whose stage is not finished, has no row; it is named in `run.failures`. Raises
    CheckpointError if a row of the model itself is not finished.
    """
    folders = {}
    for row, stage in map_rows_to_stages(run.recipe).items():
        try:
            read_stage_result(run.folder / stage)
            folders[row] = run.folder / stage
        except CheckpointError:
            if row not in run.recipe.baselines:
                raise
            run.failures[row] = "its stage is not finished"
    return folders


def finish_run(run: Run, tables: Mapping[str, Path]) -> RunResults:
    """Evaluate the test predictions of every row of the table, explain a few, write metrics.json and report.html.

    `tables`: table row -> folder of its predictions; the last row is the model that the recipe is about.
    """
    scores = {row: run.read_scores(folder) for row, folder in tables.items()}
    results = evaluate_scores(run, scores)
    metrics_path, report_path = run.folder / METRICS, run.folder / REPORT
    write_metrics(metrics_path, results, build_provenance(run))
    explained: tuple[ExplainedRecommendation, ...] = ()
    if run.recipe.model.kind == "thinkrec" and run.recipe.n_explained:
        explained = explain_test_rows(run, list(scores.values())[-1], hash_report_inputs(tables))
    write_report(report_path, build_report_data(run, results, scores, explained))
    return RunResults(results, explained, metrics_path, report_path)


def hash_report_inputs(tables: Mapping[str, Path]) -> str:
    """Hash of everything a report is made from."""
    return hash_json({row: read_stage_result(folder)["key"] for row, folder in tables.items()})


def build_provenance(run: Run) -> dict[str, Any]:
    """What has to stand beside the numbers."""
    return {
        "recipe": run.recipe.name,
        "training_seed": run.recipe.seed,
        "environment": describe_environment(),
        "duration_s": round(run.stage_runner.sum_seconds(), 1),
        "data": run.ds.summarise() | count_facts(run.ds),
        "failed": run.failures,
        "negatives": describe_negatives(run.recipe.data),
    }


def evaluate_scores(run: Run, scores: Mapping[str, np.ndarray]) -> RankingResults:
    """Metrics of all rows on the test split, with the ceiling where it is known, compared with the last row.

    `scores`: table row -> (n_test,).
    """
    config, rows = run.recipe.evaluation, run.test_rows
    users, labels = run.ds.interactions.user[rows], run.ds.interactions.label[rows]
    kinds: dict[str, Kind] = {row: "impersonal" for row in scores if row in NON_PERSONALISED}
    with_ceiling = dict(scores)
    if run.simulation is not None:
        with_ceiling[CEILING] = run.simulation.like_probability[rows]
        kinds[CEILING] = "ceiling"
    samples: dict[str, BootstrapResult] = {
        row: bootstrap_metrics(
            users,
            labels,
            values,
            k=config.k,
            denominator=config.map_denominator,
            draws=config.bootstrap_draws,
            seed=config.seed,
        )
        for row, values in with_ceiling.items()
    }
    return summarise_results(samples, kinds=kinds, against=list(scores)[-1])
