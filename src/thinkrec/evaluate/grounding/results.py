"""Grounding over many rows: shares with intervals over users, beside the permutation baseline."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from thinkrec.claims.citations import Catalogue
from thinkrec.claims.grounding import GroundingCase, ReasonGrounding, ground_reason
from thinkrec.errors import DataError
from thinkrec.evaluate.metrics import checks
from thinkrec.evaluate.metrics.bootstrap import (
    Estimate,
    PairedDifference,
    draw_user_multiplicities,
    summarise_difference_draws,
    summarise_draws,
)
from thinkrec.evaluate.metrics.permutation import draw_permutation_baseline
from thinkrec.io.files import to_json_value, write_json

_Ratio = tuple[np.ndarray, np.ndarray]
SCHEMA = "thinkrec-grounding/2"
POLICIES = {
    "citing": "share of reasons that cite at least one title of the visible history",
    "citation_precision": "titles cited that are in the visible history / titles cited, the target aside",
    "citation_existence": "titles cited that are in the catalogue at all / titles cited, the target aside",
    "polarity_coverage": "cited history titles of which a claim (liked or disliked) can be read / all of them",
    "polarity_accuracy": "claims that agree with the label / claims that can be read",
    "stated_side_coverage": "cited history titles of which free prose states a side (liked or disliked) / all of them, "
    "by a reader that no rule of generation asks",
    "stated_side_right": "titles whose stated side is the label's / titles of which a side is stated",
    "likes_called_disliked": "liked titles that are said to be disliked / liked titles of which a side is stated",
    "dislikes_called_liked": "disliked titles that are said to be liked / disliked titles of which a side is stated",
    "target_named": "share of reasons that name the target",
    "verdict_given": "share of reasons that open with the word Yes or No, in any case",
    "verdict_agreement": "share of reasons that open with the verdict that the score implies; others disagree",
    "cause_recall": "share of reasons that name every keyword of the planted cause that decided; rows with one only",
    "cause_precision": "keywords of that cause named / keywords of the target named, titles aside; rows with one only",
    "attribute_accuracy": "keywords said of a shown item (or denied it) that it has (or lacks) / all that are said, a "
    "claim about several titles once for each",
    "attribute_coverage": "keywords in the text of which it can be read what title they are said of / all of them, "
    "titles aside; the others are not judged",
    "said_keywords_true": "the same for these and for keywords in a title's noun phrase (\"the war drama of 'A'\")",
    "said_keywords_coverage": "keywords in the text that these are about / all of them, titles aside",
    "prediction_agreement": "reasons whose last prediction of the target agrees with the verdict / those with one",
    "finished": "share of reasons that end with a whole sentence",
    "nothing_untrue": "share of reasons in which all that is read holds: attributes, likes, titles, verdict and score, "
    "prediction and verdict, a whole end",
}
"""Metric -> how it is counted."""


@dataclass(frozen=True)
class GroundingMetric:
    """One metric of the reasons, of the baseline, and the difference on the same draws of users."""

    value: Estimate
    baseline: Estimate
    """The same rows with the reasons of other rows."""
    difference: PairedDifference
    count: int
    """What the share is of: reasons, citations or claims."""
    drawn: np.ndarray = field(default_factory=lambda: np.empty(0), repr=False, compare=False)
    """float64 (draws,): the value with each draw of users; in no file."""


@dataclass(frozen=True)
class GroundingResults:
    """All that is known about a set of reasons."""

    measures: dict[str, GroundingMetric]
    """Metric (POLICIES) -> measure; metrics that nothing could be counted for are missing."""
    rows: tuple[ReasonGrounding, ...]
    """What each reason does, in the order given."""
    baseline_rows: tuple[ReasonGrounding, ...]
    """The same for the reasons of other rows."""
    partner: tuple[int, ...]
    """Position of the reason that the permutation baseline gives to each row."""
    n_users: int
    draws: int
    seed: int
    level: float


def evaluate_grounding(
    texts: Sequence[str],
    cases: Sequence[GroundingCase],
    user: Sequence[Any] | np.ndarray,
    titles: Sequence[str],
    *,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> GroundingResults:
    """Ground reasons (n,) in their cases (n,) of users (n,); `titles` are those of the whole catalogue.

    Intervals are percentiles over draws of users with replacement, as in `metrics.bootstrap`; every metric is
    a ratio of sums, so a draw counts a user's reasons, citations and claims as often as the user was drawn.
    Raises DataError for unequal lengths or fewer than two reasons (the baseline needs another one).
    """
    if len(texts) != len(cases):
        raise DataError(f"grounding: {len(texts)} reasons for {len(cases)} rows; give one reason per row")
    if draws < 1:
        raise DataError(f"grounding: draws is {draws}; at least one is needed")
    distinct, code = checks.encode_users(user, len(texts))
    other = draw_permutation_baseline(code, seed)
    catalogue = Catalogue(titles)
    rows = [ground_reason(text, case, catalogue) for text, case in zip(texts, cases, strict=True)]
    base = [ground_reason(texts[int(j)], case, catalogue) for j, case in zip(other, cases, strict=True)]
    ratios = {name: (_count_ratio_terms(name, rows), _count_ratio_terms(name, base)) for name in POLICIES}
    counted = {name: pair for name, pair in ratios.items() if pair[0][1].sum()}
    # A draw is a multiplicity per user, so sums per user are all it needs.
    columns = [column for pair in counted.values() for ratio in pair for column in ratio]
    sums = np.stack([np.bincount(code, weights=column) for column in columns], axis=1)
    drawn = np.stack([times @ sums for times in draw_user_multiplicities(len(distinct), draws, seed)])
    measures = {
        name: _compute_metric(*pair, drawn[:, 4 * i : 4 * i + 4], level)
        for i, (name, pair) in enumerate(counted.items())
    }
    return GroundingResults(
        measures, tuple(rows), tuple(base), tuple(other.tolist()), len(distinct), draws, seed, level
    )


def _count_ratio_terms(name: str, rows: Sequence[ReasonGrounding]) -> _Ratio:
    """Numerator and denominator of a metric per row, float64 (n,) each."""
    pairs = {
        "citing": lambda r: (r.in_history > 0, 1),
        "citation_precision": lambda r: (r.in_history, r.citations),
        "citation_existence": lambda r: (r.exist, r.citations),
        "polarity_coverage": lambda r: (r.claims, r.readable),
        "polarity_accuracy": lambda r: (r.right, r.claims),
        "stated_side_coverage": lambda r: (_count_stated(r), r.readable),
        "stated_side_right": lambda r: (
            _count_stated(r) - r.likes_called_disliked - r.dislikes_called_liked,
            _count_stated(r),
        ),
        "likes_called_disliked": lambda r: (r.likes_called_disliked, r.stated_likes),
        "dislikes_called_liked": lambda r: (r.dislikes_called_liked, r.stated_dislikes),
        "target_named": lambda r: (r.target_named, 1),
        "verdict_given": lambda r: (r.verdict is not None, 1),
        "verdict_agreement": lambda r: (bool(r.agrees), r.agrees is not None),
        "cause_recall": lambda r: (bool(r.cause_named), r.cause_named is not None),
        "cause_precision": lambda r: (r.causes_named, r.keywords_named),
        "attribute_accuracy": lambda r: (r.attributes_right, r.attributes),
        "attribute_coverage": lambda r: (r.mentions_read, r.mentions),
        "said_keywords_true": lambda r: (r.said_keywords_right, r.said_keywords),
        "said_keywords_coverage": lambda r: (r.mentions_said, r.mentions),
        "prediction_agreement": lambda r: (bool(r.ends_as_it_opens), r.ends_as_it_opens is not None),
        "finished": lambda r: (r.finished, 1),
        "nothing_untrue": lambda r: (not r.untrue, 1),
    }
    terms = np.array([pairs[name](row) for row in rows], dtype=np.float64)
    return terms[:, 0], terms[:, 1]


def _count_stated(row: ReasonGrounding) -> int:
    return row.stated_likes + row.stated_dislikes


def _compute_metric(own: _Ratio, theirs: _Ratio, drawn: np.ndarray, level: float) -> GroundingMetric:
    """`drawn` (draws, 4): the sums above and below the line, of the reasons and of the baseline."""
    mine, base = _divide_or_nan(drawn[:, 0], drawn[:, 1]), _divide_or_nan(drawn[:, 2], drawn[:, 3])
    values = [_compute_share(own[0].sum(), own[1].sum()), _compute_share(theirs[0].sum(), theirs[1].sum())]
    return GroundingMetric(
        value=summarise_draws(values[0], mine, level=level),
        baseline=summarise_draws(values[1], base, level=level),
        difference=summarise_difference_draws(values[0] - values[1], mine - base, level=level),
        count=int(own[1].sum()),
        drawn=mine,
    )


def compute_metric_difference(a: GroundingMetric, b: GroundingMetric, *, level: float = 0.95) -> PairedDifference:
    """`a` minus `b`, two sets of reasons for the same rows, on the same draws of users.

    Raises DataError where they were not drawn alike.
    """
    if a.drawn.shape != b.drawn.shape:
        raise DataError(f"grounding: {len(a.drawn)} and {len(b.drawn)} draws of users; give both the same number")
    return summarise_difference_draws(a.value.value - b.value.value, a.drawn - b.drawn, level=level)


def _divide_or_nan(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0)


def _compute_share(above: float, below: float) -> float:
    return float(above / below) if below else math.nan


def write_grounding(path: Path, results: GroundingResults, provenance: Mapping[str, Any]) -> None:
    """Write a JSON file: the measures and every row, and under "provenance" where they come from."""
    write_json(path, {**to_dict(results, rows=True), "provenance": dict(provenance)})


def to_dict(results: GroundingResults, *, rows: bool = False) -> dict[str, Any]:
    """Plain JSON values, `null` for what is not defined; with `rows` also what every reason does."""
    values: Mapping[str, Any] = dataclasses.asdict(results)
    for measure in values["measures"].values():
        del measure["drawn"]
    shown = {key: value for key, value in values.items() if rows or key not in ("rows", "baseline_rows", "partner")}
    return {"schema": SCHEMA, **to_json_value(shown), "policies": {name: POLICIES[name] for name in results.measures}}
