"""Ranking results summarised from bootstrap results, and written as `metrics.json`."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.bootstrap import (
    METRICS,
    BootstrapResult,
    Estimate,
    PairedDifference,
    compute_interval,
    compute_paired_difference,
)
from thinkrec.evaluate.metrics.ranking import compute_tied_share, describe_policies
from thinkrec.evaluate.number_format import format_metric_titles
from thinkrec.evaluate.result_types import RANKED, Kind, ModelComparison, RankingResults, ResultRow
from thinkrec.evaluate.verdict import build_verdict
from thinkrec.io.files import to_json_value, write_json

__all__ = [
    "RANKED",
    "Kind",
    "ModelComparison",
    "RankingResults",
    "ResultRow",
    "find_best_value",
    "from_dict",
    "read_metrics",
    "read_verdict",
    "summarise_results",
    "to_dict",
    "write_metrics",
]

SCHEMA = "thinkrec-metrics/2"
PROVENANCE, VERDICT = "provenance", "verdict"
"""Keys of metrics.json beside the results: where they come from, and what they say in words (see `verdict`)."""


def summarise_results(
    samples: Mapping[str, BootstrapResult],
    *,
    kinds: Mapping[str, Kind] | None = None,
    against: str | Sequence[str] = (),
    published: Mapping[str, Mapping[str, float]] | None = None,
    level: float = 0.95,
) -> RankingResults:
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
        compute_paired_difference(sample, first, "auc", level=level)  # refuses samples that cannot stand in one table
    rows = [
        ResultRow(
            n, kinds.get(n, "model"), {m: compute_interval(s, m, level=level) for m in METRICS}, _get_tied_share(s)
        )
        for n, s in samples.items()
    ]
    rows += [
        ResultRow(name, "published", {m: Estimate(float(figures[m])) for m in METRICS if m in figures})
        for name, figures in (published or {}).items()
    ]
    comparisons = tuple(
        ModelComparison(n, ref, {m: compute_paired_difference(s, samples[ref], m, level=level) for m in METRICS})
        for ref in references
        for n, s in samples.items()
        if n != ref and kinds.get(n) != "ceiling"
    )
    per_user = first.per_user
    return RankingResults(
        rows=tuple(rows),
        comparisons=comparisons,
        policies=describe_policies(first.k, first.denominator),
        n_rows=first.n_rows,
        n_users=len(per_user.user),
        n_users_uauc=int(((per_user.positives > 0) & (per_user.positives < per_user.rows)).sum()),
        n_users_ranked=int((per_user.rows > 1).sum()),
        k=first.k,
        draws=first.n_draws,
        seed=first.seed,
        level=level,
        remarks=tuple(_describe_undefined_metrics(first)),
    )


def find_best_value(results: RankingResults, metric: str) -> float:
    """Highest value among rows that were measured here and are no ceiling; NaN if there is none."""
    ranked = [r.estimates[metric].value for r in results.rows if r.kind in RANKED and metric in r.estimates]
    values = [v for v in ranked if not math.isnan(v)]
    return max(values, default=float("nan"))


def to_dict(results: RankingResults) -> dict[str, Any]:
    """Plain JSON values, with `null` for what is not defined, the schema's name, and the verdict if there is one."""
    verdict = build_verdict(results)
    verdict_values = None if verdict is None else dataclasses.asdict(verdict)
    return {"schema": SCHEMA, **to_json_value(dataclasses.asdict(results)), VERDICT: verdict_values}


def from_dict(values: Mapping[str, Any]) -> RankingResults:
    """The inverse of `to_dict`. Raises DataError if the schema or a key is not what it should be."""
    if values.get("schema") != SCHEMA:
        raise DataError(f"metrics: schema is {values.get('schema')!r}, expected {SCHEMA!r}; evaluate the run again")
    try:
        fields = {name: value for name, value in values.items() if name not in ("schema", PROVENANCE, VERDICT)}
        fields["rows"] = tuple(
            ResultRow(
                r["name"],
                _parse_row_kind(r["kind"]),
                {m: Estimate(**_restore_nan(e, "value")) for m, e in r["estimates"].items()},
                r.get("tied"),
            )
            for r in values["rows"]
        )
        fields["comparisons"] = tuple(
            ModelComparison(
                c["name"], c["against"], {m: PairedDifference(**_restore_nan(p, *p)) for m, p in c["pairs"].items()}
            )
            for c in values["comparisons"]
        )
        fields["remarks"] = tuple(values.get("remarks", ()))
        return RankingResults(**fields)
    except (KeyError, TypeError) as broken:
        raise DataError(f"metrics: a key is missing or unknown ({broken}); evaluate the run again") from broken


def write_metrics(path: Path, results: RankingResults, provenance: Mapping[str, Any]) -> None:
    """Write `metrics.json`: the results, and under "provenance" where they come from."""
    write_json(path, {**to_dict(results), PROVENANCE: to_json_value(dict(provenance))})


def read_metrics(path: Path) -> RankingResults:
    """The results in what `write_metrics` wrote. Raises DataError naming the file if it is not there or damaged."""
    if not path.is_file():
        raise DataError(f"there is no {path}; the run is not finished, run its recipe again to go on")
    try:
        return from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as broken:  # DataError and JSONDecodeError are ValueErrors
        raise DataError(f"{path}: {broken}; rebuild it: thinkrec report {path.parent}") from broken


def read_verdict(folder: Path) -> str | None:
    """The sentence of a run's metrics.json that warns of ranking with its model; None without a warning.

    A run without metrics.json, such as a saved recommender, was never compared: None.
    """
    path = folder / "metrics.json"
    if not path.is_file():
        return None
    try:
        verdict = build_verdict(read_metrics(path))
    except DataError as broken:
        return f"whether this model ranks better than one number per item is not known: {broken}"
    return verdict.sentence if verdict is not None and verdict.lost else None


_WHY = {
    "auc": "all rows have the same label",
    "uauc": "no user has a liked and a not liked row",
    "ndcg": "every user has one row",
    "map": "every user has one row",
}


def _describe_undefined_metrics(sample: BootstrapResult) -> list[str]:
    """A sentence for each metric that has no value on the rows or on some draws; the same for all models of a table."""
    sentences = []
    for metric in METRICS:
        title, undefined_draws = format_metric_titles(sample.k)[metric], int(np.isnan(sample.draws[metric]).sum())
        if math.isnan(sample.values[metric]):
            sentences.append(f"{title} is not defined: {_WHY[metric]}.")
        elif undefined_draws:
            sentences.append(
                f"{title} is not defined on {undefined_draws:,} of {sample.n_draws:,} draws of users ({_WHY[metric]} "
                "there); its interval leaves them out."
            )
    return sentences


def _get_tied_share(sample: BootstrapResult) -> float | None:
    share = compute_tied_share(sample.per_user)
    return None if math.isnan(share) else share


def _parse_row_kind(value: str) -> Kind:
    if value not in get_args(Kind):
        raise DataError(f"metrics: row kind is {value!r}, expected one of {', '.join(get_args(Kind))}")
    return value  # pyright: ignore[reportReturnType]


def _restore_nan(values: Mapping[str, Any], *needed: str) -> dict[str, Any]:
    """Give NaN back to the needed numbers that JSON stored as null."""
    return {name: float("nan") if value is None and name in needed else value for name, value in values.items()}
