"""What is found of plans themselves: whether they name the right lines, and whether the score moves with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thinkrec.evaluate.metrics.ranking import compute_auc
from thinkrec.prompts.plan import MAX_NAMES, Plan
from thinkrec.run.pipeline import Run
from thinkrec.score.plan_scorer import PlanScorer, SampledPlans
from thinkrec.score.plans import build_plan, draw_random_plan, make_rule_plan, mark_named_lines


@dataclass(frozen=True, eq=False)
class PlannedRows:
    """Rows with their own plans."""

    run: Run
    scorer: PlanScorer
    rows: np.ndarray
    own: SampledPlans
    seed: int


def measure_plans(planned: PlannedRows, one_pass: np.ndarray) -> dict[str, float]:
    """Measures by the names of `evaluate.thinking.table.DIAGNOSIS`; those that are not defined are left out.

    `one_pass`: float64 (n,), the usual scores.
    """
    own = planned.own
    measures = {
        "between": float(np.std(one_pass)),
        "distinct": float(np.mean([len(set(plans)) for plans in own.plans])),
        **_measure_one_sided_plans(planned),
        **_measure_named_lines(planned),
        **_measure_balance(planned),
    }
    if own.scores.shape[1] > 1:
        measures["within"] = float(np.sqrt(own.scores.var(axis=1, ddof=1).mean()))
    return {name: value for name, value in measures.items() if np.isfinite(value)}


def _measure_one_sided_plans(planned: PlannedRows) -> dict[str, float]:
    """How far the score moves between a plan of the last liked lines alone and one of the last disliked ones alone."""
    rows, plans = [], ([], [])
    for row in planned.rows:
        names, _, labels = planned.scorer.list_history(int(row))
        recent = np.arange(len(labels))[::-1]
        if 0 < labels.sum() < len(labels):
            rows.append(int(row))
            for side, label in zip(plans, (1, 0), strict=True):
                side.append(build_plan(names, labels, recent[labels[recent] == label][:MAX_NAMES].tolist()))
    if not rows:
        return {}
    liked, disliked = (planned.scorer.score_plans(np.array(rows), side) for side in plans)
    return {"sided": float((liked - disliked).mean())}


def _measure_named_lines(planned: PlannedRows) -> dict[str, float]:
    """Of the lines that plans name: how many share a keyword with the target, and how many carry the planted cause."""
    ds, world = planned.run.ds, planned.run.simulation
    table, keywords = ds.interactions, ds.items.keywords
    counts = {name: np.zeros(4) for name in ("own", "random", "rules")}
    for row, plans in zip(planned.rows, planned.own.plans, strict=True):
        names, items, labels = planned.scorer.list_history(int(row))
        target = int(table.item[row])
        cause = None if world is None else world.find_deciding_cause(int(row))
        shared = np.array([bool(set(keywords[item]) & set(keywords[target])) for item in items], dtype=bool)
        caused = np.array([cause is not None and set(cause.keywords) <= set(keywords[item]) for item in items], bool)
        rules = make_rule_plan(ds, target, items, labels)
        for j, plan in enumerate(plans):
            rng = np.random.default_rng((planned.seed, int(row), j, 1))
            for name, named in (
                ("own", plan),
                ("random", draw_random_plan(plan, names, labels, rng)),
                ("rules", rules),
            ):
                lines = mark_named_lines(named, names, labels)
                n = int(lines.sum())
                counts[name] += (n, (lines & shared).sum(), n * (cause is not None), (lines & caused).sum())
    n_plans = sum(map(len, planned.own.plans))
    measures = {"named": _divide_counts(counts["own"][0], n_plans)}
    for name, suffix in (("own", ""), ("random", "_random"), ("rules", "_rules")):
        n, shared, n_caused, caused = counts[name]
        measures |= {f"shared{suffix}": _divide_counts(shared, n), f"cause{suffix}": _divide_counts(caused, n_caused)}
    return measures


def _measure_balance(planned: PlannedRows) -> dict[str, float]:
    """What plans alone say of the label, by how many lines they name on each side."""
    ds, table = planned.run.ds, planned.run.ds.interactions
    own = [np.mean([_count_balance(plan) for plan in plans]) for plans in planned.own.plans]
    rules = []
    for row in planned.rows:
        _, items, labels = planned.scorer.list_history(int(row))
        rules.append(_count_balance(make_rule_plan(ds, int(table.item[row]), items, labels)))
    label = table.label[planned.rows]
    return {
        "balance_auc": compute_auc(label, np.array(own, dtype=np.float64)),
        "balance_auc_rules": compute_auc(label, np.array(rules, dtype=np.float64)),
    }


def _count_balance(plan: Plan) -> int:
    return len(plan.supporting) - len(plan.opposing)


def _divide_counts(above: float, below: float) -> float:
    return float(above / below) if below else float("nan")
