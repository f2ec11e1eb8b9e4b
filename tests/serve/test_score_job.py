"""A job: even slices, their cost, one outcome."""

from __future__ import annotations

import numpy as np
import pytest
from support.simulated_lanes import ask

from thinkrec.serve.score_job import QUESTION, ScoreJob


@pytest.mark.parametrize(("n", "most", "slices"), [(50, 64, [50]), (54, 64, [54]), (60, 64, [30, 30]), (7, 1, [1] * 7)])
def test_slices_are_even_and_cost_what_is_counted(n: int, most: int, slices: list[int]) -> None:
    job, taken = ScoreJob(ask(n), None), []
    assert job.count_cost(most) == n + QUESTION * len(slices)
    while job.taken < job.size:
        taken.append(job.count_next(most))
        job.taken += taken[-1]
    assert taken == slices


def test_the_first_outcome_stays() -> None:
    job = ScoreJob(ask(1), None)
    job.finish(ValueError("first"))
    job.finish(np.ones(1))
    assert job.ended is not None and job.ended >= job.submitted
    with pytest.raises(ValueError, match="first"):
        job.future.result(0)
