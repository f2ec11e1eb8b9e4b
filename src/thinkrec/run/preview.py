"""What `thinkrec check` would say of a run's data, in a few lines before its first stage."""

from __future__ import annotations

from thinkrec.data.inspect.facts import DataFacts, compute_facts
from thinkrec.data.inspect.findings import list_fact_notes
from thinkrec.data.inspect.training_time import SOURCE, SPEEDS, TrainingPlan, estimate_training_time, format_seconds
from thinkrec.io.counts import format_count
from thinkrec.run.data_sources import describe_negatives
from thinkrec.run.pipeline import Run
from thinkrec.run.variants import get_stage_config, list_variants
from thinkrec.train.model_config import ThinkRecConfig


def describe_preview(run: Run) -> list[str]:
    """Lines on rows, likes and cold rows, what they mean, and how long training takes; none for data that come along.

    Raises DataError for tables that cannot be used.
    """
    if run.recipe.data.kind not in ("tables", "source"):
        return []
    facts = compute_facts(run.ds)
    notes = [finding.text for finding in list_fact_notes(facts)]
    lines = [_describe_rows(facts), describe_negatives(run.recipe.data), *notes, _describe_training(run)]
    return [line for line in lines if line]


def build_training_plan(model: ThinkRecConfig) -> TrainingPlan:
    """How often the stages of a recipe read a train row, and in which prompts; those that take weights read none."""
    stages = [get_stage_config(variant, model) for variant in list_variants(model)]
    passes = sum(stage.epochs / stage.subsample_stride for stage in stages if stage is not None and not stage.weights)
    return TrainingPlan(model.prompt.history, model.prompt.history_keywords, passes)


def _describe_rows(facts: DataFacts) -> str:
    splits = ", ".join(
        f"{name} {rows:,}" + ("" if (rate := facts.like_rates[name]) is None else f" ({rate:.0%} liked)")
        for name, rows in facts.split_rows.items()
    )
    cold = facts.cold_test
    unseen = (
        ""
        if cold["either"] is None
        else f"; without a train row: user of {cold['user']:.0%}, item of {cold['item']:.0%} of the test rows"
    )
    return f"{format_count(facts.users, 'user')}, {format_count(facts.items, 'item')}; rows: {splits}{unseen}"


def _describe_training(run: Run) -> str:
    model = run.recipe.model
    if not isinstance(model, ThinkRecConfig):
        return ""
    time = estimate_training_time(run.ds, build_training_plan(model))
    backbone, rest = model.backbone.source, "baselines, scoring and reasons come on top"
    if backbone not in SPEEDS:
        return f"training reads about {time.tokens:,} tokens; {rest}"
    took = format_seconds(time.seconds[backbone])
    return f"training reads about {time.tokens:,} tokens: roughly {took} ({SOURCE}); {rest}"
