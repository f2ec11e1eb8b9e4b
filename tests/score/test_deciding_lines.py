"""Which lines a reason may cite under `deciding`: strong ones whose effect and label agree."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

from thinkrec.score import deciding_lines
from thinkrec.score.deciding_lines import select_deciding_lines
from thinkrec.score.line_effects import LineEffects


def effects(erase: list[float], labels: list[int]) -> LineEffects:
    n = len(erase)
    return LineEffects(0.0, np.arange(n), np.array(labels, dtype=np.int8), np.array(erase), np.full(n, np.nan))


@pytest.mark.parametrize(
    ("erase", "labels", "share", "wanted"),
    [
        ([0.4, -0.4, 0.4, -0.4], [1, 1, 0, 0], 0.1, [0, 3]),  # the side that a label states has to be the effect's
        ([0.4, 0.1, 0.09], [1, 1, 1], 0.25, [0, 1]),
        ([0.1, -2.0, -0.3, 0.9], [1, 1, 0, 0], 0.9, [0, 2]),  # each side by itself, and only by what may be cited
        ([0.4, 0.01, -0.01], [1, 1, 0], 0.0, [0, 1, 2]),
        ([0.0, 0.0], [1, 0], 0.0, []),
        ([], [], 0.25, []),
    ],
)
def test_chosen_lines(erase, labels, share, wanted) -> None:
    assert np.flatnonzero(select_deciding_lines(effects(erase, labels), share)).tolist() == wanted


def test_the_example_holds() -> None:
    assert doctest.testmod(deciding_lines).failed == 0
