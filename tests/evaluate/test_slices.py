"""Parts of the rows: what they hold, and that each is judged by itself."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST
from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.ranking import compute_auc, compute_uauc
from thinkrec.evaluate.slices import build_slices, measure_slices

ROWS = [
    # user, item, label, time, split
    ("a", 1, 1, 1, "train"),
    ("a", 2, 0, 2, "train"),
    ("b", 1, 1, 3, "train"),
    ("a", 3, 1, 4, "valid"),
    ("a", 1, 1, 5, "test"),
    ("a", 3, 0, 6, "test"),
    ("c", 2, 1, 7, "test"),
    ("c", 3, 0, 8, "test"),
]
ITEMS = {"item_id": [1, 2, 3], "title": ["x", "y", "z"]}


@pytest.fixture(scope="module")
def ds() -> Dataset:
    names = ["user_id", "item_id", "label", "timestamp", "split"]
    return Dataset.from_tables(pl.DataFrame(ROWS, schema=names, orient="row"), ITEMS)


def test_rows_are_parted_by_users_pasts_and_items(ds: Dataset) -> None:
    rows = ds.interactions.get_split_rows(TEST)
    parts = {(part.group, part.name): part.mask.tolist() for part in build_slices(ds, rows, (1, 4), (1, 2))}
    assert parts == {
        ("all", "all rows"): [True] * 4,
        ("user", "no train row"): [False, False, True, True],
        ("user", "train rows"): [True, True, False, False],
        # a has three rows before its first test row, c none before its own.
        ("earlier rows", "0"): [False, False, True, False],
        ("earlier rows", "1 to 3"): [True, False, False, True],
        ("earlier rows", "4 and more"): [False, True, False, False],
        # In training item 1 has two rows, item 2 one, item 3 none.
        ("train rows of the item", "0"): [False, True, False, True],
        ("train rows of the item", "1"): [False, False, True, False],
        ("train rows of the item", "2 and more"): [True, False, False, False],
    }


@pytest.mark.parametrize("edges", [(), (0, 3), (3, 3), (5, 2)])
def test_edges_have_to_ascend(ds: Dataset, edges: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="ascending whole numbers from 1 on"):
        build_slices(ds, ds.interactions.get_split_rows(TEST), edges)


def test_each_part_is_judged_on_its_own_rows(ds: Dataset) -> None:
    rows = ds.interactions.get_split_rows(TEST)
    user, label = ds.interactions.user[rows], ds.interactions.label[rows].astype(np.int64)
    scores = {"right": np.array([1.0, -1.0, 0.5, -0.5]), "half": np.array([1.0, -1.0, -0.5, 0.5])}
    entries = measure_slices(build_slices(ds, rows), user, label, scores, draws=50)
    by = {(entry["group"], entry["slice"], entry["model"]): entry for entry in entries}
    whole = by["all", "all rows", "half"]
    assert whole["auc"]["value"] == compute_auc(label, scores["half"])
    assert whole["uauc"]["value"] == compute_uauc(user, label, scores["half"]) == 0.5
    assert (whole["rows"], whole["users"], whole["users_in_uauc"], whole["like_rate"]) == (4, 2, 2, 0.5)
    assert by["user", "no train row", "half"]["uauc"]["value"] == 0
    assert by["user", "train rows", "half"]["uauc"]["value"] == 1
    assert by["user", "no train row", "right"]["uauc"]["value"] == 1
    # One liked row alone: neither metric means anything, and no number stands there.
    alone = by["train rows of the item", "1 to 9", "right"]
    assert alone["rows"] == 2 and alone["auc"]["value"] is None and alone["uauc"]["value"] is None


def test_calibration_reads_scores_as_log_odds(ds: Dataset) -> None:
    rows = ds.interactions.get_split_rows(TEST)
    user, label = ds.interactions.user[rows], ds.interactions.label[rows].astype(np.int64)
    even = {
        "even": np.zeros(4),
        "sure": np.where(label == 1, 900.0, -900.0),
        "wrong": np.where(label == 1, -900.0, 900.0),
    }
    entries = measure_slices(build_slices(ds, rows)[:1], user, label, even, draws=10)
    assert [entry["ece"] for entry in entries] == pytest.approx([0.0, 0.0, 1.0], abs=1e-9)
