"""What is summed over rows for the measures of faithfulness: one number per row and sum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from thinkrec.evaluate.faithfulness.cited_lines import CitedLines
from thinkrec.evaluate.faithfulness.measures import compare_with_uncited, compute_correlation_terms
from thinkrec.score.line_effects import LineEffects


def build_row_sums(
    effects: Sequence[LineEffects],
    empty_scores: np.ndarray,
    lines: Sequence[CitedLines],
    kept_scores: np.ndarray,
    causes: Sequence[np.ndarray | None] | None,
    rows: Sequence[int],
) -> dict[str, np.ndarray]:
    """Name of a sum -> float64 (len(rows),), for the row numbers `rows` of what one system cites.

    Other arguments as in `results.evaluate_faithfulness`; `kept_scores`: float64 (n,), with the cited lines alone.
    """
    entries = [
        _compute_row_sums(
            effects[row],
            float(empty_scores[row]),
            lines[row],
            float(kept_scores[row]),
            None if causes is None else causes[row],
        )
        for row in rows
    ]
    return {name: np.array([entry[name] for entry in entries], dtype=np.float64) for name in entries[0]}


def _compute_row_sums(
    effects: LineEffects, empty_score: float, lines: CitedLines, kept_score: float, cause: np.ndarray | None
) -> dict[str, float]:
    directions, cited = lines.directions.astype(np.float64), lines.is_cited
    erased = compare_with_uncited(effects.erase, effects.labels, lines.directions)
    signed = compute_correlation_terms(directions, effects.erase)
    size = compute_correlation_terms(cited.astype(np.float64), np.abs(effects.erase))
    sums = {
        "rows": 1.0,
        "lines": float(len(directions)),
        "cited": float(cited.sum()),
        "erase_wins": erased.wins,
        "erase_gain": erased.gain,
        "erase_pairs": float(erased.pairs),
        "alone": float(erased.alone),
        "kept_gap": abs(kept_score - effects.score),
        "empty_gap": abs(empty_score - effects.score),
        "stated": float(lines.stated),
        "right": float(lines.right),
        "cause_cited": 0.0 if cause is None else float((cited & cause).sum()),
        "cause_of": 0.0 if cause is None else float(cited.sum()),
        "flip_wins": 0.0,
        "flip_pairs": 0.0,
    }
    if np.isfinite(effects.flip).all():
        flipped = compare_with_uncited(effects.flip, effects.labels, lines.directions)
        sums |= {"flip_wins": flipped.wins, "flip_pairs": float(flipped.pairs)}
    for prefix, terms in (("signed", signed), ("size", size)):
        sums |= {f"{prefix}_{part}": getattr(terms, part) for part in ("product", "first", "second")}
    return sums
