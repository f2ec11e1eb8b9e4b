"""What the report of a run shows, as plain values: facts, curves, the users' map."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from thinkrec.collab.boosting import GradientBoostingConfig
from thinkrec.collab.sasrec import SASRecConfig
from thinkrec.data.loaders.registry import find_source
from thinkrec.data.split import ByMonths
from thinkrec.evaluate.metrics.calibration import compute_reliability_curve
from thinkrec.evaluate.report.data import CurvePanel, ExplainedRecommendation, LearningCurve, ReportData
from thinkrec.evaluate.report.data_facts import describe_facts
from thinkrec.evaluate.report.user_map import UserMap, build_user_map
from thinkrec.evaluate.results import RankingResults
from thinkrec.io.counts import format_count
from thinkrec.personal.gate import compute_gate
from thinkrec.run.data_sources import describe_negatives
from thinkrec.run.layout import get_scorer_stage
from thinkrec.run.pipeline import Run
from thinkrec.run.provenance import describe_environment
from thinkrec.run.stage import read_stage_result
from thinkrec.run.variants import collect_recipe_needs, list_variants, map_rows_to_variants
from thinkrec.score.ranker import compute_like_probability
from thinkrec.train.model_config import ThinkRecConfig
from thinkrec.train.stages import find_last_train_rows


def build_report_data(
    run: Run,
    results: RankingResults,
    scores: Mapping[str, np.ndarray],
    explained: tuple[ExplainedRecommendation, ...],
) -> ReportData:
    """Everything the report shows.

    `scores`: table row -> (n_test,). Calibration is shown of the first variant of the language model and of the last.
    """
    labels = run.ds.interactions.label[run.test_rows]
    variant_rows = list(map_rows_to_variants(run.recipe))
    return ReportData(
        title=f"ThinkRec: {run.recipe.name}",
        summary=describe_method(run),
        facts=describe_run(run),
        results=results,
        calibration={
            row: compute_reliability_curve(labels, compute_like_probability(scores[row]))
            for row in dict.fromkeys([*variant_rows[:1], *variant_rows[-1:]])
        },
        curve_panels=tuple(read_learning_curves(run)) if variant_rows else (),
        user_map=map_train_users(run) if "groups" in collect_recipe_needs(run.recipe) else None,
        recommendations=explained,
    )


def describe_run(run: Run) -> dict[str, str]:
    """What has to be known of the run, in words: recipe, seed, hardware, duration, data, rows that are missing."""
    return {
        "recipe": run.recipe.name,
        "seed": str(run.recipe.seed),
        "hardware": describe_environment()["device"],
        "duration": f"{run.stage_runner.sum_seconds():.0f} s",
        **describe_data(run),
        "written": time.strftime("%Y-%m-%d %H:%M"),
        **{f"no row for {name}": why for name, why in run.failures.items()},
    }


def describe_data(run: Run) -> dict[str, str]:
    """What has to be known of the run's data, in words: rows, split, likes, cold rows, repeats."""
    counts, data = run.ds.summarise(), run.recipe.data
    rows = counts["rows"]
    sizes = (
        f"{rows['train']:,} train, {rows['valid']:,} validation, {rows['test']:,} test rows; "
        f"{format_count(counts['users'], 'user')}, {format_count(counts['items'], 'item')}"
    )
    # Both MovieLens readers go by the paper's rules, which the slice holds as labels.
    is_paper = data.kind in ("ml1m", "movielens")
    rule = data.split if data.kind == "tables" else ByMonths() if is_paper else None
    if data.kind == "source":
        rule = data.split or find_source(data.name).split
    facts = {"data": sizes, **describe_facts(run.ds, split=rule, liked="rating > 3" if is_paper else "")}
    negatives = describe_negatives(data)
    name = "sampled No" if data.kind == "source" else "Yes and No"
    facts = facts if negatives is None else facts | {name: negatives}
    sampled = describe_sampling(run)
    return facts | {"drawn rows": sampled} if sampled else facts


def describe_sampling(run: Run) -> str:
    """Which scorers saw drawn rows or drawn items, how many, and by which seed; empty where none did."""
    sentences = []
    for name, config in run.recipe.baselines.items():
        if isinstance(config, SASRecConfig) and config.loss == "gbce":
            drawn = "1 item" if config.negatives == 1 else f"{config.negatives} items"
            sentences.append(f"{name}: {drawn} with train rows drawn as No for every liked row, seed {run.recipe.seed}")
        if not isinstance(config, GradientBoostingConfig) or config.max_train_rows is None or name in run.failures:
            continue
        first = read_stage_result(run.folder / get_scorer_stage(name))["log"][0]
        if "of_train_rows" in first:
            sentences.append(
                f"{name}: trees of {first['train_rows']:,} of {first['of_train_rows']:,} train rows, chosen by"
                f" {first['valid_rows']:,} of {first['of_valid_rows']:,} validation rows, users drawn with seed"
                f" {first['seed']}"
            )
    return "; ".join(sentences)


def describe_method(run: Run) -> str:
    """What this run did, and nothing that it did not: which settings it had, and what was chosen among how many."""
    sentences = ["Every row of the table is scored on the same test rows, with the settings of this recipe."]
    if isinstance(run.recipe.model, ThinkRecConfig):
        stages = [variant.stage for variant in list_variants(run.model)]
        states = ", ".join(f"{stage} {len(read_stage_result(run.folder / stage)['log'])}" for stage in stages)
        sentences.append(
            "Within a language-model stage the state that is best on validation rows is kept, the one before training "
            f"only where it is clearly better (states looked at: {states})."
        )
    sentences.append(
        "Where a scorer stops early or weighs its parts, validation rows decide. This run compared no settings with "
        "one another, and cannot tell whether anybody did before."
    )
    return " ".join(sentences)


def read_learning_curves(run: Run) -> list[CurvePanel]:
    """Loss and validation metrics of every language-model stage that was run."""
    panels = []
    for stage in (variant.stage for variant in list_variants(run.model)):
        result = read_stage_result(run.folder / stage)
        if not result["log"]:  # weights that were trained before
            continue
        loss, *metrics = (_build_curve(result["log"], key) for key in ("loss", "auc", "uauc"))
        panels.append(CurvePanel(stage, "training loss", (loss,), selected_x=result["best_step"]))
        panels.append(CurvePanel(stage, "validation AUC and UAUC", tuple(metrics), selected_x=result["best_step"]))
    return panels


def _build_curve(log: list[dict[str, Any]], key: str) -> LearningCurve:
    """One value of every check; a gap where it is not defined."""
    values = [math.nan if entry[key] is None else entry[key] for entry in log]
    return LearningCurve(key if key == "loss" else key.upper(), [entry["step"] for entry in log], values)


def map_train_users(run: Run) -> UserMap:
    """Train users on two axes, with their groups and the gate's regions."""
    _, rows = find_last_train_rows(run.ds)
    groups, config = run.adapter_router.groups, run.adapter_router.config
    vectors = run.encoder.encode_users(run.ds, rows)
    return build_user_map(vectors, groups.labels, lambda points: compute_gate(points, groups.centres, config).weights)
