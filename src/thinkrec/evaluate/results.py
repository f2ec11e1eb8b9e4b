"""The results of a comparison as plain values: what the tables print, the report draws and `metrics.json` holds."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from thinkrec.errors import DataError
from thinkrec.evaluate.bootstrap import METRICS, Estimate, Pair, Sample, interval, paired
from thinkrec.evaluate.ranking import policies
from thinkrec.model.disk import plain, write_json

Kind = Literal["model", "impersonal", "ceiling", "published"]
"""impersonal: one number per item for all. ceiling: knows what no model can. published: from a paper, not rerun."""

RANKED = ("model", "impersonal")
"""Kinds that compete for the best value."""
SCHEMA = "thinkrec-metrics/2"
PROVENANCE = "provenance"
"""Key of metrics.json for what has to stand beside the numbers; no part of the results."""


@dataclass(frozen=True)
class Row:
    """One line of a results table."""

    name: str
    kind: Kind
    estimates: dict[str, Estimate]
    """Metric (METRICS) -> estimate. A metric may be missing."""


@dataclass(frozen=True)
class Comparison:
    """`name` minus `against`, per metric."""

    name: str
    against: str
    pairs: dict[str, Pair]


@dataclass(frozen=True)
class Results:
    """Rows, paired differences, and what has to be known to read them."""

    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...]
    policies: dict[str, str]
    """Metric -> how it is counted."""
    n_rows: int
    n_users: int
    n_users_uauc: int
    """Users with both classes, over whom UAUC is a mean."""
    n_users_ranked: int
    """Users with more than one row, over whom NDCG and MAP are means."""
    k: int
    draws: int
    seed: int
    level: float
    """Share of draws inside an interval, such as 0.95."""


def summarise(
    samples: Mapping[str, Sample],
    *,
    kinds: Mapping[str, Kind] | None = None,
    against: str | Sequence[str] = (),
    published: Mapping[str, Mapping[str, float]] | None = None,
    level: float = 0.95,
) -> Results:
    """Put samples (one per model, same rows and draws) into one value.

    `kinds` marks rows that are not plain models. `against` names the models to which all other models but the ceiling
    are compared. `published` adds figures without an interval: name -> metric -> value.
    Raises DataError for a name that no sample has, or if the samples are not over the same rows and draws.
    """
    if not samples:
        raise DataError("results: there is no model to summarise; pass at least one sample")
    kinds = dict(kinds or {})
    references = (against,) if isinstance(against, str) else tuple(against)
    for name in (*references, *kinds):
        if name not in samples:
            raise DataError(f"results: no model is called '{name}'; known names: {', '.join(samples)}")
    first = next(iter(samples.values()))
    for sample in samples.values():
        paired(sample, first, "auc", level=level)  # refuses samples that cannot stand in one table
    rows = [
        Row(n, kinds.get(n, "model"), {m: interval(s, m, level=level) for m in METRICS}) for n, s in samples.items()
    ]
    rows += [
        Row(name, "published", {m: Estimate(float(figures[m])) for m in METRICS if m in figures})
        for name, figures in (published or {}).items()
    ]
    comparisons = tuple(
        Comparison(n, ref, {m: paired(s, samples[ref], m, level=level) for m in METRICS})
        for ref in references
        for n, s in samples.items()
        if n != ref and kinds.get(n) != "ceiling"
    )
    per_user = first.per_user
    return Results(
        rows=tuple(rows),
        comparisons=comparisons,
        policies=policies(first.k, first.denominator),
        n_rows=first.n_rows,
        n_users=len(per_user.user),
        n_users_uauc=int(((per_user.positives > 0) & (per_user.positives < per_user.rows)).sum()),
        n_users_ranked=int((per_user.rows > 1).sum()),
        k=first.k,
        draws=first.n_draws,
        seed=first.seed,
        level=level,
    )


def best(results: Results, metric: str) -> float:
    """Highest value among rows that were measured here and are no ceiling; NaN if there is none."""
    ranked = [r.estimates[metric].value for r in results.rows if r.kind in RANKED and metric in r.estimates]
    values = [v for v in ranked if not math.isnan(v)]
    return max(values, default=float("nan"))


def to_dict(results: Results) -> dict[str, Any]:
    """Plain JSON values, with `null` for what is not defined, and the schema's name under "schema"."""
    return {"schema": SCHEMA, **plain(dataclasses.asdict(results))}


def from_dict(values: Mapping[str, Any]) -> Results:
    """The inverse of `to_dict`. Raises DataError if the schema or a key is not what it should be."""
    if values.get("schema") != SCHEMA:
        raise DataError(f"metrics: schema is {values.get('schema')!r}, expected {SCHEMA!r}; evaluate the run again")
    try:
        fields = {name: value for name, value in values.items() if name not in ("schema", PROVENANCE)}
        fields["rows"] = tuple(
            Row(r["name"], _kind(r["kind"]), {m: Estimate(**_numbers(e, "value")) for m, e in r["estimates"].items()})
            for r in values["rows"]
        )
        fields["comparisons"] = tuple(
            Comparison(c["name"], c["against"], {m: Pair(**_numbers(p, *p)) for m, p in c["pairs"].items()})
            for c in values["comparisons"]
        )
        return Results(**fields)
    except (KeyError, TypeError) as broken:
        raise DataError(f"metrics: a key is missing or unknown ({broken}); evaluate the run again") from broken


def write_metrics(path: Path, results: Results, provenance: Mapping[str, Any]) -> None:
    """Write `metrics.json`: the results, and under "provenance" where they come from."""
    write_json(path, {**to_dict(results), PROVENANCE: dict(provenance)})


def read_metrics(path: Path) -> Results:
    """The results in what `write_metrics` wrote. Raises DataError naming the file if it is not there or damaged."""
    if not path.is_file():
        raise DataError(f"there is no {path}; the run is not finished, run its recipe again to go on")
    try:
        return from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as broken:  # DataError and JSONDecodeError are ValueErrors
        raise DataError(f"{path}: {broken}; rebuild it: thinkrec report {path.parent}") from broken


def _kind(value: str) -> Kind:
    if value not in get_args(Kind):
        raise DataError(f"metrics: row kind is {value!r}, expected one of {', '.join(get_args(Kind))}")
    return value  # pyright: ignore[reportReturnType]


def _numbers(values: Mapping[str, Any], *needed: str) -> dict[str, Any]:
    """Give NaN back to the needed numbers that JSON stored as null."""
    return {name: float("nan") if value is None and name in needed else value for name, value in values.items()}
