"""Scores on disk go by the rows' own order, and are refused for other rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from thinkrec.data.dataset import Dataset
from thinkrec.errors import CheckpointError
from thinkrec.run.predictions import PREDICTIONS, read_predictions, write_predictions


def test_scores_come_back_with_the_row_they_are_of(tiny_dataset: Dataset, tmp_path: Path) -> None:
    rows = tiny_dataset.interactions.get_split_rows(2)
    scores = np.linspace(-1, 1, len(rows))
    write_predictions(tmp_path, tiny_dataset, rows, scores)
    np.testing.assert_array_equal(read_predictions(tmp_path, tiny_dataset, rows), scores)
    table = pl.read_parquet(tmp_path / PREDICTIONS)
    assert table.columns == ["order", "user_id", "item_id", "score"]
    for row, line in zip(rows, table.iter_rows(named=True), strict=True):
        data = tiny_dataset.interactions
        assert line["order"] == data.order[row]
        assert line["user_id"] == tiny_dataset.user_ids[data.user[row]]
        assert line["item_id"] == tiny_dataset.items.ids[data.item[row]]


def test_lines_in_another_order_are_the_same_scores(tiny_dataset: Dataset, tmp_path: Path) -> None:
    rows = tiny_dataset.interactions.get_split_rows(2)
    scores = np.arange(len(rows), dtype=np.float64)
    write_predictions(tmp_path, tiny_dataset, rows, scores)
    pl.read_parquet(tmp_path / PREDICTIONS).reverse().write_parquet(tmp_path / PREDICTIONS)
    np.testing.assert_array_equal(read_predictions(tmp_path, tiny_dataset, rows), scores)


def test_scores_of_other_rows_are_refused(tiny_dataset: Dataset, tmp_path: Path) -> None:
    data = tiny_dataset.interactions
    rows = data.get_split_rows(2)
    write_predictions(tmp_path, tiny_dataset, rows, np.zeros(len(rows)))
    with pytest.raises(CheckpointError, match="scores of other test rows than the run's; run the recipe again"):
        read_predictions(tmp_path, tiny_dataset, data.get_split_rows(1))
