"""Whether a ranking knows who it is for: overlap of the top of made-up users of opposite taste, and of nobody's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def compute_overlap(first: Sequence[Any], second: Sequence[Any]) -> int:
    """Items that two tops have in common, whatever their order.

    >>> compute_overlap([1, 2, 3], [3, 4, 1])
    2
    """
    return len(set(first) & set(second))


def measure_personality(
    tops: Mapping[str, tuple[Sequence[Any], Sequence[Any]]], nobody: Sequence[Any]
) -> dict[str, Any]:
    """Overlaps of tops of equal length.

    Args:
        tops: name of a pair -> the tops of two users whose opinions are each other's opposites.
        nobody: the top of somebody without any past.

    Returns per pair, and as means over pairs, `opposite`: items that both have; `nobody`: items that each of them has
    in common with `nobody`, the mean of the two. All in items; the length of a top is `top`.
    """
    pairs = {
        name: {
            "opposite": compute_overlap(one, other),
            "nobody": (compute_overlap(one, nobody) + compute_overlap(other, nobody)) / 2,
        }
        for name, (one, other) in tops.items()
    }
    means = {key: float(np.mean([pair[key] for pair in pairs.values()])) for key in ("opposite", "nobody")}
    return {"top": len(nobody), "pairs": pairs, "mean": means}
