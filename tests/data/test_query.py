"""A query holds what the data know at a time, and shows the window that a row would show."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.data.interactions import TEST
from thinkrec.data.query import Query
from thinkrec.testing import plant_dataset

DS = plant_dataset(n_users=12, per_user=20)
IT = DS.interactions


@pytest.mark.parametrize(("length", "block"), [(0, 1), (4, 1), (4, 3), (100, 5)])
def test_of_a_row_it_holds_what_came_before_and_shows_the_rows_window(length: int, block: int) -> None:
    for row in range(int(IT.start[3]), int(IT.start[4])):
        query, past = Query.from_row(DS, row), IT.get_history_rows(row, len(IT))
        np.testing.assert_array_equal(query.items, IT.item[past])
        np.testing.assert_array_equal(query.labels, IT.label[past])
        np.testing.assert_array_equal(query.timestamps, IT.timestamp[past])
        np.testing.assert_array_equal(query.splits, IT.split[past])
        assert (query.user, query.time) == (DS.user_ids[3], IT.timestamp[row])
        assert query.candidates.tolist() == [IT.item[row]]
        window = query.find_window(length, block)
        np.testing.assert_array_equal(query.items[window], IT.item[IT.get_history_rows(row, length, block)])


def test_of_a_user_it_holds_all_rows_and_of_ratings_those_that_are_given() -> None:
    whole = Query.from_dataset(DS, 5)
    assert len(whole.items) == 20 and whole.time == IT.timestamp.max() and len(whole.candidates) == 0
    given = Query.from_ratings(DS, None, np.array([3, 1]), np.array([1, 0], dtype=np.int8), np.array([7]))
    assert given.user is None and given.items.tolist() == [3, 1] and given.candidates.tolist() == [7]
    assert set(given.splits.tolist()) == {TEST} and set(given.timestamps.tolist()) == {whole.time}
