"""Text metrics as plain values: what the table prints and `text-metrics.json` holds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from thinkrec.evaluate.metrics.bootstrap import Estimate, PairedDifference
from thinkrec.evaluate.text.align import References
from thinkrec.evaluate.text.compare import (
    TextBootstrapResult,
    add_distinct_share,
    bootstrap_text_metrics,
    compute_interval,
    compute_paired_difference,
)
from thinkrec.evaluate.text.metric_types import DISTINCT, TITLES, MetricResources, TextMetricValues
from thinkrec.evaluate.text.policies import describe_omissions, describe_omissions_alone, describe_policies
from thinkrec.io.files import to_json_value, write_json

SCHEMA = "thinkrec-text-metrics/2"
REFERENCES = "the references"
"""The row of the references themselves, for metrics of texts without their references."""


@dataclass(frozen=True)
class TextResults:
    """Rows of a table of text metrics, differences to the first one, and what has to be known to read them."""

    estimates: dict[str, dict[str, Estimate]]
    """System -> metric -> mean with its interval."""
    baselines: tuple[str, ...]
    """Systems that are no systems: what chance gives."""
    against: dict[str, dict[str, PairedDifference]]
    """System -> metric -> the first system minus it, on the same draws."""
    policies: dict[str, str]
    not_available: dict[str, str]
    """Metric -> why it was not measured."""
    n_rows: int
    n_users: int
    draws: int
    seed: int
    level: float
    remarks: tuple[str, ...] = ()
    """Sentences on what was left out, to stand first under the table."""
    remarks_alone: tuple[str, ...] = ()
    """The same for the table of the texts without their references."""


def summarise_texts(
    systems: Mapping[str, TextMetricValues],
    references: References,
    tools: MetricResources,
    *,
    references_alone: TextMetricValues | None = None,
    baselines: tuple[str, ...] = (),
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    remarks: tuple[str, ...] = (),
) -> TextResults:
    """Means, intervals and paired differences of systems that were measured on the same references.

    `references_alone`: the metrics of the references themselves, which become a row of their own.
    """
    measured = {**systems, **({} if references_alone is None else {REFERENCES: references_alone})}
    drawn = {
        name: bootstrap_text_metrics(values, references.user, draws=draws, seed=seed)
        for name, values in measured.items()
    }
    if references_alone is not None:
        drawn = {name: _compare_distinct_words(name, sample, drawn[REFERENCES]) for name, sample in drawn.items()}
    first = next(iter(drawn))
    policies, names = describe_policies(tools), {metric for sample in drawn.values() for metric in sample.values}
    return TextResults(
        estimates={
            n: {m: compute_interval(d, m, level=level) for m in _order_metrics(d.values)} for n, d in drawn.items()
        },
        baselines=baselines,
        against={
            name: {
                m: compute_paired_difference(drawn[first], other, m, level=level)
                for m in _order_metrics(other.values)
                if m in drawn[first].values
            }
            for name, other in drawn.items()
            if name != first
        },
        policies={metric: policy for metric, policy in policies.items() if metric in names},
        not_available=dict(tools.unavailable or {}),
        n_rows=len(references.order),
        n_users=len(np.unique(references.user)),
        draws=draws,
        seed=seed,
        level=level,
        remarks=(*remarks, *describe_omissions(systems), *tools.notes),
        remarks_alone=tuple(describe_omissions_alone(measured)),
    )


def _compare_distinct_words(
    name: str, sample: TextBootstrapResult, references: TextBootstrapResult
) -> TextBootstrapResult:
    return sample if name == REFERENCES or DISTINCT not in sample.values else add_distinct_share(sample, references)


def write_text_metrics(
    path: Path, results: TextResults, provenance: Mapping[str, Any], grounding: Mapping[str, Any] | None = None
) -> None:
    """Write `text-metrics.json`; what is not defined is null. `grounding`: system -> its measures as plain values."""
    values = {"schema": SCHEMA, **to_json_value(dataclasses.asdict(results)), "grounding": dict(grounding or {})}
    write_json(path, {**values, "provenance": dict(provenance)})


def build_row_table(systems: Mapping[str, TextMetricValues], references: References) -> pl.DataFrame:
    """One line per system and row: system, order, user_id, and every metric that is defined for a row."""
    users = pl.Series("user_id", references.user)
    tables = [
        pl.DataFrame({"order": references.order}).with_columns(
            users, system=pl.lit(name), **{m: pl.Series(v).fill_nan(None) for m, v in values.rows.items()}
        )
        for name, values in systems.items()
    ]
    table = pl.concat(tables, how="diagonal")
    return table.select("system", "order", "user_id", *(m for m in TITLES if m in table.columns))


def _order_metrics(values: Mapping[str, Any]) -> list[str]:
    return [metric for metric in TITLES if metric in values]
