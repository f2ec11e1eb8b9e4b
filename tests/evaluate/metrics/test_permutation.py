"""The reason of another row: always another, each once, of another user where there is one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.permutation import draw_permutation_baseline


def test_partners_are_other_users_once_each_and_depend_on_the_seed() -> None:
    code = np.repeat(np.arange(12), [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6])
    found = draw_permutation_baseline(code, 3)
    assert sorted(found) == list(range(len(code)))
    assert (code[found] != code).all()
    assert (found == draw_permutation_baseline(code, 3)).all()
    assert (found != draw_permutation_baseline(code, 4)).any()
    alone = draw_permutation_baseline(np.zeros(5, dtype=np.int64), 0)
    assert (alone != np.arange(5)).all()


@given(st.lists(st.integers(0, 8), min_size=2, max_size=60), st.integers(0, 5))
def test_a_reason_of_another_row_is_always_of_another_row(users: list[int], seed: int) -> None:
    code = np.array(users)
    found = draw_permutation_baseline(code, seed)
    assert sorted(found.tolist()) == list(range(len(code)))
    assert not (found == np.arange(len(code))).any()
    assert found.tolist() == draw_permutation_baseline(code, seed).tolist()
    if 2 * np.bincount(code).max() <= len(code):
        assert (code[found] != code).all()


@pytest.mark.parametrize("n", [0, 1])
def test_one_row_has_no_other(n: int) -> None:
    with pytest.raises(DataError, match="at least two rows"):
        draw_permutation_baseline(np.zeros(n, dtype=np.int64), 0)
