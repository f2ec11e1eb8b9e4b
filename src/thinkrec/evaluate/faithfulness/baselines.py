"""What reasons are compared with: lines cited by place, by the planted cause, and by their measured effect."""

from __future__ import annotations

import numpy as np

from thinkrec.evaluate.faithfulness.cited_lines import CitedLines, assign_label_directions


def cite_same_places(other: CitedLines, labels: np.ndarray) -> CitedLines:
    """The lines at the places that another row's reason cites, counted from the most recent line.

    The side is that of each line's own label (h,): a baseline for which lines are cited, not for what is said of them.

    >>> other = CitedLines(np.array([1, 0, 0, -1, 0], dtype=np.int8))  # the fifth and the second from the end
    >>> cite_same_places(other, np.array([1, 0, 1], dtype=np.int8)).directions.tolist()
    [0, -1, 0]
    """
    cited = np.zeros(len(labels), dtype=bool)
    length = min(len(labels), len(other.directions))
    if length:
        cited[-length:] = other.is_cited[-length:]
    return assign_label_directions(cited, labels)


def cite_most_recent(labels: np.ndarray) -> CitedLines:
    """The last line, with the side of its label (h,)."""
    return assign_label_directions(np.arange(len(labels)) == len(labels) - 1, labels)


def cite_largest_effect(effects: np.ndarray) -> CitedLines:
    """The line of the largest effect (h,), of whatever sign, with that sign as its side; none where all are 0.

    >>> cite_largest_effect(np.array([0.1, -0.7, 0.2])).directions.tolist()
    [0, -1, 0]
    """
    directions = np.zeros(len(effects), dtype=np.int8)
    if len(effects):
        line = int(np.abs(effects).argmax())
        directions[line] = np.sign(effects[line])
    return CitedLines(directions)
