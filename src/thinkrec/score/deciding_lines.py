"""Which history lines decided a score: what a reason under the policy `deciding` may cite.

A line may stand in a reason with the side that its label gives it: a liked one is said to be liked. So it can be
evidence for what the score says only where its measured effect points the same way: a liked line that raises the score,
or a disliked one that lowers it. A liked line that *lowers* the score is not said to have spoken for the item, nor can
it be said to be disliked; no reason cites it.
"""

from __future__ import annotations

import numpy as np

from thinkrec.score.line_effects import LineEffects

SHARE = 0.25
"""A line counts from this share of the largest effect of all lines of the question on. Chosen with MOST on validation
rows: `python bench/deciding.py`."""
MOST = 6
"""Lines at most, the strongest ones."""


def select_deciding_lines(effects: LineEffects, share: float = SHARE, most: int = MOST) -> np.ndarray:
    """The at most `most` strongest lines whose effect agrees with their label and is not small, bool (h,).

    Small is below `share` times the largest effect of any line, of whatever sign.

    >>> liked = np.array([1, 1, 0, 0], dtype=np.int8)
    >>> moved = np.array([0.8, 0.1, -0.4, 0.5])
    >>> effects = LineEffects(1.0, np.arange(4), liked, moved, np.full(4, np.nan))
    >>> select_deciding_lines(effects, share=0.25).tolist()  # the second is small, the last disliked and raises
    [True, False, True, False]
    """
    size = np.abs(effects.erase)
    agrees = effects.erase * (2 * effects.labels.astype(np.int64) - 1) > 0
    is_large = size >= share * size.max(initial=0.0)
    chosen = np.zeros(len(size), dtype=bool)
    fitting = np.flatnonzero(agrees & is_large)
    chosen[fitting[np.argsort(-size[fitting], kind="stable")][:most]] = True
    return chosen
