"""Which earlier rows a row may see, where the split is in time order and where it is not."""

from __future__ import annotations

import warnings

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thinkrec.data.columns import DataWarning
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST, TRAIN, VALID, Interactions
from thinkrec.data.visible_past import VisiblePast

ROW = st.tuples(st.integers(0, 2), st.integers(0, 3), st.sampled_from((TRAIN, VALID, TEST)))


@settings(max_examples=80)
@given(rows=st.lists(ROW, min_size=1, max_size=30), length=st.integers(0, 6), block=st.integers(1, 4))
def test_a_row_sees_the_earlier_rows_of_its_split_and_of_those_before_it(rows, length: int, block: int) -> None:
    user, time, split = (np.array(column) for column in zip(*rows, strict=True))
    n = len(user)
    table = Interactions.build(user, np.zeros(n), np.zeros(n), time, split, np.arange(n), n_users=4)
    for row in range(n):
        seen = [j for j in range(row) if table.user[j] == table.user[row] and table.split[j] <= table.split[row]]
        first = max(0, (len(seen) - length) // block * block)
        shown = np.arange(n)[table.get_history(row, length, block)]
        assert shown.tolist() == table.get_history_rows(row, length, block).tolist() == seen[first:]
        assert table.past.count_visible_rows(np.array([row]))[0] == len(seen)
        assert table.past.row[table.past.end[row]] == row
        stretch = range(int(table.past.begin[row]), int(table.past.end[row]) + 1)
        assert len({int(table.past.owner[place]) for place in stretch}) == 1
    owners = [(int(o), int(table.user[r])) for o, r in zip(table.past.owner, table.past.row, strict=True)]
    assert len({owner for owner, _ in owners}) == len(set(owners))
    assert (np.diff(table.past.owner) >= 0).all()


@pytest.mark.parametrize("split", [[0, 0, 1, 2, 0, 1], [2, 1, 0, 0, 1, 0]], ids=["in time order", "out of order"])
def test_stretches_hold_the_visible_rows(split: list[int]) -> None:
    user, start = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 4, 6])
    past = VisiblePast.from_columns(user, np.array(split), start)
    for row in range(6):
        seen = [j for j in range(row) if user[j] == user[row] and split[j] <= split[row]]
        assert past.row[past.begin[row] : past.end[row]].tolist() == seen
        index = past.to_row_index(past.find_slice(row, 2))
        assert np.arange(6)[index].tolist() == seen[-2:]
    assert past.is_complete == (split == sorted(split[:4]) + sorted(split[4:]))


def test_a_split_in_time_order_is_read_in_slices() -> None:
    table = Interactions.build([0, 0, 0, 1], [0] * 4, [1] * 4, [1, 2, 3, 0], [0, 1, 2, 0], range(4), n_users=2)
    assert table.past.is_complete and table.get_history(2, 5) == slice(0, 2) and table.get_history(3, 5) == slice(3, 3)
    assert table.past.row.tolist() == [0, 1, 2, 3]
    mixed = Interactions.build([0, 0, 0], [0] * 3, [1] * 3, [1, 2, 3], [2, 1, 0], range(3), n_users=1)
    assert not mixed.past.is_complete
    assert [mixed.get_history_rows(row, 5).tolist() for row in range(3)] == [[], [], []]


def test_an_empty_table_has_an_empty_past() -> None:
    assert len(Interactions.build([], [], [], [], [], [], n_users=0).past.row) == 0


def tables(split: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    n = len(split)
    rows = pl.DataFrame(
        {
            "user_id": ["ada"] * (n - 2) + ["ben"] * 2,
            "item_id": list(range(n)),
            "timestamp": range(n),
            "label": [1, 0] * (n // 2),
            "split": split,
        }
    )
    return rows, pl.DataFrame({"item_id": range(n), "title": [f"T{i}" for i in range(n)]})


def test_what_is_hidden_is_said_once_with_counts() -> None:
    rows, wares = tables(["test", "valid", "train", "train", "train", "valid", "train", "test"])
    with pytest.warns(DataWarning) as caught:
        Dataset.from_tables(rows, wares, interactions_source="shop.csv")
    (message,) = [str(entry.message) for entry in caught]
    assert message.startswith("shop.csv: the split is not in time order: 3 of 4 train rows come after a validation or ")
    assert "2 of 2 valid rows come after a test row of the same user (users 'ada')" in message


def test_leave_one_out_is_in_time_order_for_every_user() -> None:
    rows, wares = tables(["train", "train", "valid", "test", "train", "train", "valid", "test"])
    rows = rows.with_columns(pl.Series("user_id", ["ada"] * 4 + ["ben"] * 4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Dataset.from_tables(rows, wares).interactions.past.is_complete
