"""Rows that a table of reasons is about: by order, checked and mended by user and item."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from thinkrec.data.dataset import Dataset
from thinkrec.errors import DataError
from thinkrec.reasons.matching import match_rows


@pytest.fixture
def dataset() -> Dataset:
    rows = [(1, 7, "train"), (1, 8, "train"), (2, 7, "train"), (2, 8, "valid"), (2, 7, "test"), (1, 9, "test")]
    interactions = [
        {"user_id": user, "item_id": item, "label": number % 2, "timestamp": number, "split": split}
        for number, (user, item, split) in enumerate(rows)
    ]
    items = [{"item_id": item, "title": f"t{item}"} for item in (7, 8, 9)]
    return Dataset.from_tables(interactions, items, duplicates="keep")


def make_table(dataset: Dataset, orders: list[int], ids: list[tuple[int, int]] | None = None) -> pl.DataFrame:
    columns: dict[str, list] = {"order": orders, "reason": ["x"] * len(orders)}
    if ids is not None:
        columns |= {"user_id": [user for user, _ in ids], "item_id": [item for _, item in ids]}
    return pl.DataFrame(columns)


def get_rows(dataset: Dataset, orders: list[int]) -> list[int]:
    return [int(np.flatnonzero(dataset.interactions.order == order)[0]) for order in orders]


def test_without_ids_the_order_is_taken_at_its_word(dataset: Dataset) -> None:
    matches = match_rows(dataset, make_table(dataset, [5, 0, 3]), "t")
    assert matches.rows.tolist() == get_rows(dataset, [5, 0, 3])
    assert not matches.has_ids and not matches.moved.any() and not matches.ambiguous.any()
    with pytest.raises(
        DataError, match="order 9 is no row of the data; check the table, or give it user_id and item_id"
    ):
        match_rows(dataset, make_table(dataset, [0, 9]), "t")


def test_a_row_that_moved_is_found_by_its_ids(dataset: Dataset) -> None:
    table = make_table(dataset, [0, 3, 99], [(1, 7), (1, 8), (1, 9)])
    matches = match_rows(dataset, table, "t")
    assert matches.rows.tolist() == get_rows(dataset, [0, 1, 5])
    assert matches.moved.tolist() == [False, True, True]
    assert not matches.ambiguous.any() and matches.has_ids


def test_a_pair_of_several_rows_is_not_guessed(dataset: Dataset) -> None:
    matches = match_rows(dataset, make_table(dataset, [2, 1], [(2, 7), (2, 7)]), "t")
    assert matches.rows.tolist() == [get_rows(dataset, [2])[0], -1]
    assert matches.ambiguous.tolist() == [False, True]


def test_no_two_lines_have_one_row(dataset: Dataset) -> None:
    matches = match_rows(dataset, make_table(dataset, [1, 0, 50], [(1, 8), (1, 8), (1, 8)]), "t")
    assert matches.rows.tolist() == [get_rows(dataset, [1])[0], -1, -1]
    assert matches.ambiguous.tolist() == [False, True, True]


def test_a_pair_that_is_gone_has_no_row_and_text_is_a_number(dataset: Dataset) -> None:
    table = make_table(dataset, [0, 1], [(1, 7), (3, 3)]).with_columns(pl.col("user_id").cast(pl.String))
    matches = match_rows(dataset, table, "t")
    assert matches.rows.tolist() == [get_rows(dataset, [0])[0], -1]
    assert not matches.ambiguous.any()
    with pytest.raises(DataError, match=r"order 77 is no row of the data; check the table$"):
        match_rows(dataset, make_table(dataset, [77], [(3, 3)]), "t")
