"""Which lines a reason may cite under `deciding`: strong ones whose effect and label agree."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

from thinkrec.decoding.policy import DECIDING_POLICIES
from thinkrec.score import deciding_lines
from thinkrec.score.deciding_lines import (
    LENIENT,
    SHARES,
    STRICT,
    compute_strengths,
    map_deciding_lines,
    select_deciding_lines,
)
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
        ([0.4, 0.0, -0.1, -0.3], [1, 1, 1, 1], -0.5, [0, 1, 2]),  # by as much as the share, and no further
        ([-0.1, -0.2, 0.0], [1, 1, 1], -1.0, [2]),  # none agrees, so that none may disagree
    ],
)
def test_chosen_lines(erase, labels, share, wanted) -> None:
    assert np.flatnonzero(select_deciding_lines(effects(erase, labels), share)).tolist() == wanted


def test_the_example_holds() -> None:
    assert doctest.testmod(deciding_lines).failed == 0


def test_strengths_say_how_far_a_line_bears_its_label_out() -> None:
    moved = effects([0.4, -0.1, -0.5, 0.2], [1, 1, 0, 0])
    assert compute_strengths(moved).tolist() == [0.4, -0.1, 0.5, -0.2]
    assert map_deciding_lines(moved, LENIENT) == {0: 0.4, 1: -0.1, 2: 0.5, 3: -0.2}
    assert map_deciding_lines(moved) == {0: 0.4, 2: 0.5}, "strict unless told otherwise: the rules say that it moves"
    assert SHARES.keys() == DECIDING_POLICIES
    assert [cite for cite, share in SHARES.items() if share == STRICT] == ["deciding_and_keywords"]
