"""Holm's correction: by hand, and against its definition as a procedure that stops at the first test it keeps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from thinkrec.evaluate.metrics.multiple_tests import compute_adjusted_p_values


def reject_step_by_step(p_values: list[float], alpha: float) -> set[int]:
    """Holm's procedure as it was written down: smallest first, alpha / (m - i), until one is too large."""
    rejected: set[int] = set()
    for step, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[place] > alpha / (len(p_values) - step):
            break
        rejected.add(place)
    return rejected


def test_values_by_hand() -> None:
    assert compute_adjusted_p_values([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert compute_adjusted_p_values([]) == []
    assert compute_adjusted_p_values([0.4, 0.9]) == pytest.approx([0.8, 0.9])


def test_it_calls_real_what_the_procedure_rejects() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        values = (rng.random(8) ** 4).tolist()
        adjusted = compute_adjusted_p_values(values)
        for alpha in (0.01, 0.05, 0.2):
            assert {place for place, value in enumerate(adjusted) if value <= alpha} == reject_step_by_step(
                values, alpha
            )
        assert all(after >= before for before, after in zip(values, adjusted, strict=True))


def test_a_test_that_is_not_defined_belongs_to_no_family() -> None:
    adjusted = compute_adjusted_p_values([0.02, math.nan, 0.04])
    assert math.isnan(adjusted[1])
    assert [adjusted[0], adjusted[2]] == pytest.approx([0.04, 0.04])
