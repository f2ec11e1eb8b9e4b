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


PAST = Query.from_ratings(DS, None, np.arange(10, 20), np.array([1, 0] * 5, dtype=np.int8), np.array([7]))


def test_no_older_rating_moves_into_the_window_of_an_erased_one() -> None:
    assert PAST.items[PAST.find_window(4)].tolist() == [16, 17, 18, 19]
    less = PAST.erase_ratings(np.array([7]))
    assert less.items.tolist() == [10, 11, 12, 13, 14, 15, 16, 18, 19] and len(PAST.items) == 10
    assert len(less.labels) == len(less.timestamps) == len(less.splits) == 9
    assert less.items[less.find_window(4)].tolist() == [16, 18, 19]
    assert less.items[less.find_recent(2)].tolist() == [18, 19], "what was erased stood before these"
    assert less.items[less.find_recent(3)].tolist() == [18, 19]
    again = less.erase_ratings(np.array([6, 8]))  # 16 and 19, by their places now
    assert again.erased.tolist() == [6, 7, 9]
    assert again.items[again.find_window(4)].tolist() == [18]
    assert again.items[again.find_window(5)].tolist() == [15, 18]
    assert PAST.items[PAST.find_window(3, 2)].tolist() == [16, 17, 18, 19]
    assert again.items[again.find_window(3, 2)].tolist() == [18]
    with pytest.raises(IndexError):
        PAST.erase_ratings(np.array([10]))


def test_a_pinned_window_begins_where_it_is_told_and_the_recent_past_does_not() -> None:
    pinned = PAST.pin_window(8)
    assert pinned.items[pinned.find_window(4)].tolist() == [18, 19]
    assert pinned.items[pinned.find_recent(4)].tolist() == [16, 17, 18, 19]
    less = pinned.erase_ratings(np.array([8]))
    assert less.items[less.find_window(4)].tolist() == [19]
    none = pinned.erase_ratings(np.array([8, 9]))
    assert none.items[none.find_window(4)].tolist() == [] and len(none.items) == 8


def test_a_flipped_label_leaves_the_rest() -> None:
    turned = PAST.flip_labels(np.array([0, 3]))
    assert turned.labels.tolist() == [0, 0, 1, 1, 1, 0, 1, 0, 1, 0] and PAST.labels[0] == 1
    assert turned.items.tolist() == PAST.items.tolist() and len(turned.erased) == 0
