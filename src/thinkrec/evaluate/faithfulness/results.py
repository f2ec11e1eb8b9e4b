"""Faithfulness over many rows: how far reasons cite what moved the score, with intervals over users."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from thinkrec.errors import DataError
from thinkrec.evaluate.faithfulness.cited_lines import CitedLines
from thinkrec.evaluate.faithfulness.row_sums import build_row_sums
from thinkrec.evaluate.metrics import checks
from thinkrec.evaluate.metrics.bootstrap import (
    Estimate,
    PairedDifference,
    draw_user_multiplicities,
    summarise_difference_draws,
    summarise_draws,
)
from thinkrec.io.files import to_json_value, write_json
from thinkrec.score.line_effects import LineEffects

SCHEMA = "thinkrec-faithfulness/1"
POLICIES = {
    "cited": "history lines cited per row",
    "erase_win": "share of cited lines whose erasure moves the score further in the stated direction than that of the "
    "uncited line of the same label nearest in place; ties half, chance .5; cited lines without such a line left out",
    "erase_gain": "by how much further, in standard deviations of the scores of these rows; mean over the same pairs",
    "flip_win": "erase win, with the label turned instead of the line erased",
    "sufficiency": "1 - sum of |score with the cited lines alone - score| / sum of |score without any line - score|; 1 "
    "where the cited lines alone give the score, 0 where they do no better than none; more lines cited have it easier",
    "cct": "correlation, over all history lines and within rows, of being cited (1 for, -1 against, 0 not) with the "
    "effect of erasing the line",
    "cct_size": "the same of being cited at all with the size of the effect",
    "side_right": "cited lines said to be liked or disliked that were / cited lines of which either is said",
    "cause": "cited lines whose item has all keywords of the planted cause that decided / cited lines; rows with one",
}
"""Measure -> how it is counted. All but the correlations are ratios of sums over rows."""
_RATIOS = {
    "cited": ("cited", "rows"),
    "erase_win": ("erase_wins", "erase_pairs"),
    "erase_gain": ("erase_gain", "erase_pairs"),
    "flip_win": ("flip_wins", "flip_pairs"),
    "sufficiency": ("kept_gap", "empty_gap"),
    "side_right": ("right", "stated"),
    "cause": ("cause_cited", "cause_of"),
}
"""Measure -> the sums (`row_sums`) above and below the line; sufficiency is 1 less the ratio."""
_CORRELATIONS = {"cct": "signed", "cct_size": "size"}
"""Measure -> the prefix of its three sums."""


@dataclass(frozen=True, eq=False)
class SystemCitations:
    """What one system cites in the judged rows."""

    lines: Sequence[CitedLines]
    """(n,): per row."""
    kept_scores: np.ndarray
    """float64 (n,): the score of each row with the cited lines alone (`score.line_effects.score_kept_lines`)."""


@dataclass(frozen=True)
class FaithfulnessMetric:
    """One measure of one system."""

    value: Estimate
    difference: PairedDifference | None
    """To the system that the others are compared with, on the same draws of users; None for that one itself."""
    count: int
    """What it is over: pairs, rows, lines or statements."""


@dataclass(frozen=True)
class FaithfulnessResults:
    """All that is known about systems that cite history lines, on the same rows."""

    systems: dict[str, dict[str, FaithfulnessMetric]]
    """System -> measure (POLICIES) -> value; a measure that nothing could be counted for is missing."""
    alone: dict[str, int]
    """System -> cited lines without an uncited line of the same label, which erase win leaves out."""
    reference: str
    """The system that the others are compared with."""
    rows: int
    rows_without_lines: int
    """Rows given that show no history, which are left out."""
    n_users: int
    score_deviation: float
    """Standard deviation of the rows' scores."""
    draws: int
    seed: int
    level: float


def evaluate_faithfulness(
    effects: Sequence[LineEffects],
    empty_scores: np.ndarray,
    systems: Mapping[str, SystemCitations],
    user: Sequence[Any] | np.ndarray,
    *,
    reference: str,
    causes: Sequence[np.ndarray | None] | None = None,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> FaithfulnessResults:
    """Measure how far systems cite what moves the score.

    Intervals are percentiles over draws of users with replacement; every measure is a function of sums over rows, so a
    draw counts a user's rows as often as the user was drawn. The standard deviation of the scores is that of the rows
    as they are, on every draw.

    Args:
        effects: (n,), of rows that may show no line.
        empty_scores: float64 (n,), the scores without any shown line.
        systems: name -> what it cites in these rows.
        user: (n,), whose rows they are.
        reference: the system that the others are compared with.
        causes: per row bool (h,), the lines whose items have all keywords of the planted cause; None where there is
            none. None: nothing was planted.
        draws: of users.
        seed: of the draws.
        level: of the intervals.

    Raises:
        DataError: for unequal lengths, and where no row shows a history line.
    """
    n = len(effects)
    _check_lengths(n, empty_scores, systems, causes)
    shown = [row for row, measured in enumerate(effects) if len(measured.erase)]
    if not shown:
        raise DataError("faithfulness: no row shows a history line; give rows of users with a past")
    distinct, code = checks.encode_users(np.asarray(user)[shown], len(shown))
    scores = np.array([effects[row].score for row in shown])
    sums = {
        name: build_row_sums(effects, empty_scores, cited.lines, cited.kept_scores, causes, shown)
        for name, cited in systems.items()
    }
    times = np.stack(list(draw_user_multiplicities(len(distinct), draws, seed)))
    deviation = float(scores.std(ddof=1)) if len(scores) > 1 else math.nan
    measured = {name: _measure_system(columns, code, times, deviation) for name, columns in sums.items()}
    base = measured[reference]
    return FaithfulnessResults(
        systems={
            name: {
                key: _summarise_metric(measure, base.get(key) if name != reference else None, level)
                for key, measure in values.items()
            }
            for name, values in measured.items()
        },
        alone={name: int(columns["alone"].sum()) for name, columns in sums.items()},
        reference=reference,
        rows=len(shown),
        rows_without_lines=n - len(shown),
        n_users=len(distinct),
        score_deviation=deviation,
        draws=draws,
        seed=seed,
        level=level,
    )


@dataclass(frozen=True, eq=False)
class _Measured:
    value: float
    draws: np.ndarray
    count: int


def _check_lengths(n: int, empty_scores: np.ndarray, systems: Mapping[str, SystemCitations], causes: Any) -> None:
    lengths = {"scores without lines": len(empty_scores)}
    lengths |= {f"rows of {name!r}": len(system.lines) for name, system in systems.items()}
    lengths |= {f"scores of {name!r} with its lines alone": len(s.kept_scores) for name, s in systems.items()}
    lengths |= {} if causes is None else {"planted causes": len(causes)}
    for what, length in lengths.items():
        if length != n:
            raise DataError(f"faithfulness: {length} {what} for the effects of {n} rows; give one per row")


def _measure_system(
    columns: Mapping[str, np.ndarray], code: np.ndarray, times: np.ndarray, deviation: float
) -> dict[str, _Measured]:
    """All measures of a system: on the rows, and on every draw of users, `times` (draws, n_users)."""
    whole = {name: np.array([column.sum()]) for name, column in columns.items()}
    by_user = {name: np.bincount(code, weights=column, minlength=times.shape[1]) for name, column in columns.items()}
    drawn = {name: times @ column for name, column in by_user.items()}
    measured = {}
    for name, (above, below) in _RATIOS.items():
        if whole[below][0] > 0:
            value, draws = (_divide_sums(sums[above], sums[below]) for sums in (whole, drawn))
            if name == "sufficiency":
                value, draws = 1 - value, 1 - draws
            if name == "erase_gain":
                value, draws = value / deviation, draws / deviation
            below_count = "rows" if name == "sufficiency" else below
            measured[name] = _Measured(float(value[0]), draws, int(whole[below_count][0]))
    for name, prefix in _CORRELATIONS.items():
        value, draws = (_compute_correlations(sums, prefix) for sums in (whole, drawn))
        if not math.isnan(value[0]):
            measured[name] = _Measured(float(value[0]), draws, int(whole["lines"][0]))
    return {name: measured[name] for name in POLICIES if name in measured}


def _divide_sums(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """NaN where nothing stands below the line."""
    return np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0)


def _compute_correlations(sums: Mapping[str, np.ndarray], prefix: str) -> np.ndarray:
    """Pooled correlation from sums within rows; NaN where either side never varies."""
    spread = np.sqrt(sums[f"{prefix}_first"] * sums[f"{prefix}_second"])
    return _divide_sums(sums[f"{prefix}_product"], spread)


def _summarise_metric(measured: _Measured, base: _Measured | None, level: float) -> FaithfulnessMetric:
    difference = None
    if base is not None:
        change = measured.draws - base.draws
        difference = summarise_difference_draws(measured.value - base.value, change, level=level)
    return FaithfulnessMetric(summarise_draws(measured.value, measured.draws, level=level), difference, measured.count)


def write_faithfulness(path: Path, tables: Mapping[str, FaithfulnessResults], provenance: Mapping[str, Any]) -> None:
    """Write a JSON file: the results by table of reasons, how they are counted, and under "provenance" whence."""
    values = {name: to_json_value(dataclasses.asdict(results)) for name, results in tables.items()}
    write_json(path, {"schema": SCHEMA, "tables": values, "policies": POLICIES, "provenance": dict(provenance)})
