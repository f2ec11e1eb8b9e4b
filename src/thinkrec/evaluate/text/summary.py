"""Text metrics as plain values: what the table prints and `text-metrics.json` holds."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.console import Group
from rich.table import Table
from rich.text import Text

from thinkrec.evaluate.metrics.bootstrap import Estimate, PairedDifference
from thinkrec.evaluate.table import format_interval, format_number, make_captioned_table
from thinkrec.evaluate.text import compare
from thinkrec.evaluate.text.align import References
from thinkrec.evaluate.text.compare import (
    TITLES,
    MetricResources,
    TextMetricValues,
    bootstrap_text_metrics,
    compute_interval,
    compute_paired_difference,
    describe_policies,
)
from thinkrec.io.files import to_json_value, write_json

SCHEMA = "thinkrec-text-metrics/1"
NOT_AVAILABLE = "not available"


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


def summarise_texts(
    systems: Mapping[str, TextMetricValues],
    references: References,
    tools: MetricResources,
    *,
    baselines: tuple[str, ...] = (),
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    remarks: tuple[str, ...] = (),
) -> TextResults:
    """Means, intervals and paired differences of systems that were measured on the same references."""
    drawn = {
        name: bootstrap_text_metrics(values, references.user, draws=draws, seed=seed)
        for name, values in systems.items()
    }
    first = next(iter(drawn))
    return TextResults(
        estimates={
            n: {m: compute_interval(d, m, level=level) for m in _order_metrics(d.values)} for n, d in drawn.items()
        },
        baselines=baselines,
        against={
            name: {
                m: compute_paired_difference(drawn[first], other, m, level=level) for m in _order_metrics(other.values)
            }
            for name, other in drawn.items()
            if name != first
        },
        policies=describe_policies(tools),
        not_available=dict(tools.unavailable or {}),
        n_rows=len(references.order),
        n_users=len(np.unique(references.user)),
        draws=draws,
        seed=seed,
        level=level,
        remarks=(*remarks, *compare.describe_omissions(systems)),
    )


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


def format_table_notes(results: TextResults) -> list[str]:
    """The sentences that belong under the table."""
    lines = [
        *results.remarks,
        f"{results.n_rows:,} rows of {results.n_users:,} users, matched by order. Brackets: {results.level:.0%} "
        f"interval over {results.draws:,} draws of users with replacement, seed {results.seed}, the same draws for "
        "every row.",
    ]
    lines += [f"{TITLES[metric]}: {policy}." for metric, policy in results.policies.items()]
    lines += [f"{TITLES[metric]}: {NOT_AVAILABLE}: {why}." for metric, why in results.not_available.items()]
    return lines


def render_text_results(results: TextResults, title: str) -> Group:
    """The table and, with several systems, the differences; print with rich."""
    metrics = [m for m in TITLES if m in results.policies or m in results.not_available]
    table = make_captioned_table(title, format_table_notes(results))
    table.add_column("reasons", overflow="fold")
    for metric in metrics:
        table.add_column(TITLES[metric], justify="right")
    for name, estimates in results.estimates.items():
        style = "dim" if name in results.baselines else ""
        table.add_row(Text(name, style=style), *(_format_estimate(estimates.get(metric)) for metric in metrics))
    if not results.against:
        return Group(table)
    first = next(iter(results.estimates))
    differences = Table(title=Text(f"{first} minus (same draws; share of draws above zero)"), title_justify="left")
    differences.add_column("reasons", overflow="fold")
    for metric in (m for m in metrics if m in results.policies):
        differences.add_column(TITLES[metric], justify="right")
    for name, pairs in results.against.items():
        differences.add_row(
            Text(name), *(_format_difference(pairs[metric]) for metric in metrics if metric in results.policies)
        )
    return Group(table, differences)


def _format_estimate(estimate: Estimate | None) -> Text:
    if estimate is None:
        return Text(NOT_AVAILABLE, style="dim")
    return Text(format_number(estimate.value)).append("\n" + format_interval(estimate.low, estimate.high), style="dim")


def _format_difference(pair: PairedDifference) -> Text:
    share = "n/a" if math.isnan(pair.share_above) else f"{pair.share_above:.0%}"
    return Text(
        f"{format_number(pair.difference, signed=True)} {share}\n{format_interval(pair.low, pair.high, signed=True)}"
    )


def _order_metrics(values: Mapping[str, Any]) -> list[str]:
    return [metric for metric in TITLES if metric in values]
