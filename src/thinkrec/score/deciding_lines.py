"""Which history lines decided a score: what a reason under the policy `deciding` may cite.

A line may stand in a reason with the side that its label gives it: a liked one is said to be liked. So it can be
evidence only where its measured effect points the same way: a liked line that raises the score, or a disliked one that
lowers it. A liked line that *lowers* the score is not said to have spoken for the item, nor can it be said to be
disliked; no reason cites it.
"""

from __future__ import annotations

import numpy as np

from thinkrec.score.line_effects import LineEffects

SHARE = 0.1
"""A line counts from this share of the strongest one of its side on. Chosen on validation rows, by
`python bench/deciding.py`: `docs/results/faithfulness.md`."""


def select_deciding_lines(effects: LineEffects, share: float = SHARE) -> np.ndarray:
    """The lines whose effect agrees with their label and is not small, bool (h,).

    Small is below `share` times the largest among such lines of the same label: what speaks for and what speaks against
    are weighed each by itself, so that a reason for Yes has a liked line to cite wherever one raised the score.

    >>> liked = np.array([1, 1, 1, 0, 0], dtype=np.int8)
    >>> moved = np.array([0.8, 0.1, -0.9, -0.1, 0.5])
    >>> effects = LineEffects(1.0, np.arange(5), liked, moved, np.full(5, np.nan))
    >>> select_deciding_lines(effects, share=0.25).tolist()  # small; a like that lowers; a dislike that raises
    [True, False, False, True, False]
    """
    strength = compute_strengths(effects)
    chosen = np.zeros(len(strength), dtype=bool)
    for label in (0, 1):
        side = effects.labels == label
        least = share * strength[side].max(initial=0.0)
        chosen |= side & (strength >= least) & ((strength > 0) | (share < 0))
    return chosen


def map_deciding_lines(effects: LineEffects, share: float = SHARE) -> dict[int, float]:
    """Place in the past of every deciding line -> how far it moves the score the way its label says."""
    chosen = select_deciding_lines(effects, share)
    strength = compute_strengths(effects)[chosen]
    return dict(zip(effects.places[chosen].tolist(), strength.tolist(), strict=True))


def compute_strengths(effects: LineEffects) -> np.ndarray:
    """float64 (h,): how far each line moves the score the way its label says; below 0 where it moves it the other way.

    The effect of erasing a liked line, the negative of that of a disliked one.
    """
    return effects.erase * (2 * effects.labels.astype(np.int64) - 1)
