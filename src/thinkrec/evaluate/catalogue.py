"""Results of ranking a catalogue: metrics with intervals over users, differences, and the table that says how."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

from thinkrec.evaluate.metrics.bootstrap import (
    Estimate,
    PairedDifference,
    draw_user_multiplicities,
    summarise_difference_draws,
    summarise_draws,
)
from thinkrec.evaluate.metrics.catalogue_ranking import TITLES, TOP_K, compute_top_k_metrics
from thinkrec.evaluate.metrics.list_properties import compute_coverage, compute_diversity, compute_novelty
from thinkrec.evaluate.metrics.ranking import compute_mean
from thinkrec.evaluate.number_format import format_interval, format_number
from thinkrec.evaluate.table import make_captioned_table

PROPERTIES = ("coverage", "novelty", "diversity")


@dataclass(frozen=True)
class RankedUsers:
    """What one model put in order for the users that are judged."""

    places: list[np.ndarray]
    """Per user the places, from 1, of the relevant items that were ranked."""
    lists: list[np.ndarray]
    """Per user the item codes of the first places, best first."""
    n_ranked: np.ndarray
    """int64 (n_users,): items that were put in order."""
    tied: int
    """Users with equal scores on both sides of the cut of the largest K."""


@dataclass(frozen=True)
class CatalogueFacts:
    """What lists are described by."""

    n_items: int
    information: np.ndarray
    """float64 (n_items,): see `compute_item_information`."""
    keywords: Sequence[Collection[str]]
    """Per item, in lower case."""


@dataclass(frozen=True)
class CatalogueRow:
    """One model's line: metric such as "hr@10" -> value; coverage has no interval, since it is no mean over users."""

    model: str
    personal: bool
    estimates: dict[str, Estimate]
    reached: float
    """Recall of what was ranked: the mean share of a user's relevant items that the model was asked about."""
    ranked: float
    """Mean number of items that were put in order for a user."""
    tied: int
    differences: dict[str, PairedDifference] = field(default_factory=dict)
    """Metric -> this row minus the reference row, on the same draws of users."""


def evaluate_rankings(
    rankings: Mapping[str, RankedUsers],
    relevant: Sequence[int],
    facts: CatalogueFacts | None,
    *,
    cuts: Sequence[int],
    reference: str,
    impersonal: Collection[str] = (),
    draws: int = 1000,
    seed: int = 0,
) -> list[CatalogueRow]:
    """A row per model, in the order given.

    Args:
        rankings: by model, of the same users in the same order.
        relevant: relevant items per user, at least one each.
        facts: for coverage, novelty and diversity; None where lists are no recommendations, as with sampled negatives.
        cuts: the values of K.
        reference: the model that the others are compared to.
        impersonal: models that put items in the same order for everybody.
        draws: of users, with replacement; the same for all models.
        seed: of the draws.
    """
    values = {name: _compute_user_values(ranked, relevant, facts, cuts) for name, ranked in rankings.items()}
    multiplicities = np.stack(list(draw_user_multiplicities(len(relevant), draws, seed)))
    sampled = {name: {key: _draw_means(v, multiplicities) for key, v in of.items()} for name, of in values.items()}
    rows = []
    for name, ranked in rankings.items():
        estimates = {key: summarise_draws(compute_mean(v), sampled[name][key]) for key, v in values[name].items()}
        differences = {}
        if name != reference:
            differences = {
                key: summarise_difference_draws(
                    compute_mean(values[name][key]) - compute_mean(values[reference][key]),
                    sampled[name][key] - sampled[reference][key],
                )
                for key in values[name]
            }
        if facts is not None:
            for k in cuts:
                covered = compute_coverage([items[:k] for items in ranked.lists], facts.n_items)
                estimates[f"coverage@{k}"] = Estimate(covered)
        shares = [len(at) / count for at, count in zip(ranked.places, relevant, strict=True)]
        reached, n_ranked = float(np.mean(shares)), float(ranked.n_ranked.mean())
        rows.append(CatalogueRow(name, name not in impersonal, estimates, reached, n_ranked, ranked.tied, differences))
    return rows


def _compute_user_values(
    ranked: RankedUsers, relevant: Sequence[int], facts: CatalogueFacts | None, cuts: Sequence[int]
) -> dict[str, np.ndarray]:
    values: dict[str, np.ndarray] = {}
    for k in cuts:
        values |= {f"{key}@{k}": of for key, of in compute_top_k_metrics(ranked.places, relevant, k).items()}
        if facts is not None:
            lists = [items[:k] for items in ranked.lists]
            values[f"novelty@{k}"] = compute_novelty(lists, facts.information)
            values[f"diversity@{k}"] = compute_diversity(lists, facts.keywords)
    return values


def _draw_means(values: np.ndarray, multiplicities: np.ndarray) -> np.ndarray:
    """float64 (draws,): the mean over users on each draw, users without a value left out."""
    is_defined = ~np.isnan(values)
    total = multiplicities @ is_defined.astype(np.float64)
    sums = multiplicities @ np.where(is_defined, values, 0.0)
    return np.divide(sums, total, out=np.full(len(total), np.nan), where=total > 0)


def describe_rows(rows: Sequence[CatalogueRow]) -> list[dict[str, Any]]:
    """The rows as plain values."""
    return [asdict(row) for row in rows]


def render_catalogue_results(measured: Mapping[str, Any]) -> Group:
    """A table per K, with how it was measured under it. `measured`: see `run.catalogue_metrics.measure_catalogue`."""
    tables: list[Table | Text] = []
    for k in measured["k"]:
        names = [f"{key}@{k}" for key in (*TOP_K, *PROPERTIES) if f"{key}@{k}" in measured["rows"][0]["estimates"]]
        table = make_captioned_table(measured["title"], measured["notes"] if k == measured["k"][-1] else [])
        table.add_column("model", overflow="fold")
        for name in names:
            key, _, cut = name.partition("@")
            table.add_column(f"{TITLES.get(key, key)}@{cut}", justify="right")
        for row in measured["rows"]:
            cells = [_format_cell(row["estimates"].get(name)) for name in names]
            table.add_row(Text(row["model"] + ("" if row["personal"] else " †")), *cells)
        tables.append(table)
    lines = [line for row in measured["rows"] for line in _describe_difference(row, measured["reference"])]
    return Group(*tables, *map(Text, lines))


def _format_cell(estimate: Mapping[str, Any] | None) -> Text:
    if estimate is None or estimate["value"] is None:
        return Text("n/a", style="dim")
    text = Text(format_number(estimate["value"]))
    return text.append(" " + format_interval(estimate["low"], estimate["high"]), style="dim")


def _describe_difference(row: Mapping[str, Any], reference: str) -> list[str]:
    """One line on a model's differences to the reference; none for the reference itself."""
    parts = []
    for name, pair in row["differences"].items():
        key, _, k = name.partition("@")
        if key in ("recall", "ndcg"):
            shown = format_interval(pair["low"], pair["high"], signed=True)
            parts.append(f"{TITLES[key]}@{k} {format_number(pair['difference'], signed=True)} {shown}")
    return [f"{row['model']} minus {reference}: {', '.join(parts)}"] if parts else []
