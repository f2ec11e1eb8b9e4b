"""How well one reason cites what moves the score: strong lines, with the right side, whatever their label."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pytest

from thinkrec.evaluate.faithfulness import agreement
from thinkrec.evaluate.faithfulness.agreement import compute_agreement
from thinkrec.evaluate.faithfulness.cited_lines import CitedLines
from thinkrec.score.line_effects import LineEffects

LABELS = np.array([1, 1, 1, 0, 0], dtype=np.int8)
ERASE = np.array([0.9, 0.1, -0.4, -0.8, 0.0])
"""A strong like, a weak one, one that lowers the score; a strong dislike, one that does nothing."""


def agree(*directions: int, erase: np.ndarray = ERASE) -> float:
    n = len(LABELS)
    effects = LineEffects(0.3, np.arange(n), LABELS, erase, np.full(n, np.nan))
    return compute_agreement(effects, CitedLines(np.array(directions, dtype=np.int8)))


def test_the_example_holds() -> None:
    assert doctest.testmod(agreement).failed == 0


def test_strong_lines_on_either_side_are_best() -> None:
    best = agree(1, 0, 0, -1, 0)
    assert best == max(
        agree(*(d if cited else 0 for d, cited in zip((1, 1, 1, -1, -1), mask, strict=True)))
        for mask in np.ndindex(2, 2, 2, 2, 2)
        if 0 < sum(mask) < 5
    )
    assert best > agree(1, 0, 0, 0, 0) > agree(0, 1, 0, 0, 0) > agree(0, 0, 1, 0, 0), "one strong line is not all"
    assert agree(0, 0, 0, -1, 0) > agree(0, 0, 0, 0, -1), "a dislike is as good as a like"


def test_the_wrong_side_counts_against_it() -> None:
    assert agree(-1, 0, 0, 0, 0) == pytest.approx(-agree(1, 0, 0, 0, 0))
    assert agree(1, 0, 0, 1, 0) < agree(1, 0, 0, 0, 0)


@pytest.mark.parametrize("directions", [(0, 0, 0, 0, 0), (1, 1, 1, -1, -1)])
def test_what_cites_nothing_or_everything_has_none(directions: tuple[int, ...]) -> None:
    assert math.isnan(agree(*directions))


def test_lines_that_move_the_score_alike_tell_nothing() -> None:
    assert math.isnan(agree(1, 0, 0, 0, 0, erase=np.array([1e-5, 0, 0, 0, 0])))
    assert math.isnan(compute_agreement(LineEffects(0.0, *[np.zeros(0)] * 4), CitedLines(np.zeros(0, dtype=np.int8))))
