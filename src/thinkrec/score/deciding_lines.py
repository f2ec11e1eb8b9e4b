"""Which history lines decided a score: what a reason under the policies `deciding` may cite.

A line stands in a reason with the side that its label gives it: a liked one is said to be liked. So it is evidence
where its measured effect points the same way: a liked line that raises the score, or a disliked one that lowers it.
What argues by itself (the rules, and models in their plain form) cites no other. A model that lists much of the history
loses likeness to people's reasons with every title that it may not name; it may go on to weaker lines once it has cited
the stronger ones (`decoding.citations.AHEAD`), and never to one that contradicts its label as far as the strongest
bears its own out.
"""

from __future__ import annotations

import numpy as np

from thinkrec.decoding.policy import Cite
from thinkrec.score.line_effects import LineEffects

STRICT, LENIENT = 0.1, -1.0
"""From which share of the strongest line of its label on a line may be cited. Chosen on validation rows, by
`python bench/deciding.py`: `docs/results/faithfulness.md`."""
SHARES: dict[Cite, float] = {
    "deciding": LENIENT,
    "deciding_and_prose_keywords": LENIENT,
    "deciding_and_keywords": STRICT,
}
"""Policy -> the share for a model's reasons. The rules' are held to STRICT: they say that a line moves a score."""


def select_deciding_lines(effects: LineEffects, share: float = STRICT) -> np.ndarray:
    """The lines whose effect agrees with their label and is not small, bool (h,).

    Small is below `share` times the largest among such lines of the same label: what speaks for and what speaks against
    are weighed each by itself, so that a reason for Yes has a liked line to cite wherever one raised the score. With a
    `share` below 0 also lines that do nothing, and those whose effect disagrees with their label by no more than that
    share of the largest that agrees.

    >>> liked = np.array([1, 1, 1, 0, 0], dtype=np.int8)
    >>> moved = np.array([0.8, 0.1, -0.9, -0.1, 0.5])
    >>> effects = LineEffects(1.0, np.arange(5), liked, moved, np.full(5, np.nan))
    >>> select_deciding_lines(effects, share=0.25).tolist()  # small; a like that lowers; a dislike that raises
    [True, False, False, True, False]
    >>> select_deciding_lines(effects, share=-1).tolist()  # the second like lowers more than the first raises
    [True, True, False, True, False]
    """
    strength = compute_strengths(effects)
    chosen = np.zeros(len(strength), dtype=bool)
    for label in (0, 1):
        side = effects.labels == label
        least = share * strength[side].max(initial=0.0)
        chosen |= side & (strength >= least) & ((strength > 0) | (share < 0))
    return chosen


def map_deciding_lines(effects: LineEffects, share: float = STRICT) -> dict[int, float]:
    """Place in the past of every deciding line -> how far it moves the score the way its label says."""
    chosen = select_deciding_lines(effects, share)
    strength = compute_strengths(effects)[chosen]
    return dict(zip(effects.places[chosen].tolist(), strength.tolist(), strict=True))


def compute_strengths(effects: LineEffects) -> np.ndarray:
    """float64 (h,): how far each line moves the score the way its label says; below 0 where it moves it the other way.

    The effect of erasing a liked line, the negative of that of a disliked one.
    """
    return effects.erase * (2 * effects.labels.astype(np.int64) - 1)
