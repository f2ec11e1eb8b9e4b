"""What is said of the data beside a table: cold rows, like rates, threshold, split, repeats."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
import pytest

from thinkrec.data.dataset import Dataset
from thinkrec.data.split import ByColumn, ByDates, ByFractions, ByMonths
from thinkrec.evaluate.report.data_facts import count_facts, describe_facts, describe_split

DAY = 86400
START = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
ROWS = [
    # user, item, rating, day, split
    ("a", "x", 5, 0, "train"),
    ("a", "y", 2, 1, "train"),
    ("b", "x", 5, 2, "train"),
    ("a", "x", 1, 3, "valid"),  # a rated x before
    ("b", "y", 5, 4, "valid"),
    ("a", "x", 5, 5, "test"),  # and once more
    ("c", "x", 5, 6, "test"),  # the user is cold
    ("a", "z", 1, 7, "test"),  # the item is cold
    ("c", "z", 5, 8, "test"),  # both are
]


@pytest.fixture
def ds() -> Dataset:
    user, item, rating, day, split = (list(column) for column in zip(*ROWS, strict=True))
    times = [START + DAY * d for d in day]
    rows = pl.DataFrame({"user_id": user, "item_id": item, "rating": rating, "timestamp": times, "split": split})
    items = pl.DataFrame({"item_id": ["x", "y", "z"], "title": ["X", "Y", "Z"]})
    return Dataset.from_tables(rows, items, threshold=3)


def test_counts(ds: Dataset) -> None:
    assert count_facts(ds) == {
        "cold_test": {"user": 0.5, "item": 0.5, "either": 0.75},
        "repeats": {"pairs": 1, "rows": 2},
        "time": {
            "train": [START, START + 2 * DAY],
            "valid": [START + 3 * DAY, START + 4 * DAY],
            "test": [START + 5 * DAY, START + 8 * DAY],
        },
    }


def test_words(ds: Dataset) -> None:
    assert describe_facts(ds) == {
        "split": "as given with the data: train 2024-01-01 to 2024-01-03; validation 2024-01-04 to 2024-01-05; "
        "test 2024-01-06 to 2024-01-09",
        "liked": "rating > 3; like rate train .667, validation .500, test .750",
        "cold test rows": "75.0% have a user or an item without a train row (users 50.0%, items 50.0%)",
        "repeated pairs": "1 user-item pairs occur more than once (2 further rows)",
    }
    assert describe_facts(replace(ds, threshold=None))["liked"].startswith("label 1;")


def test_times_that_are_no_dates_stay_numbers() -> None:
    rows = pl.DataFrame(
        {
            "user_id": [1, 1, 1],
            "item_id": [1, 2, 3],
            "label": [1, 0, 1],
            "timestamp": [3, 4, 5],
            "split": ["train", "valid", "test"],
        }
    )
    ds = Dataset.from_tables(rows, pl.DataFrame({"item_id": [1, 2, 3], "title": ["X", "Y", "Z"]}))
    found = describe_facts(ds)
    assert found["split"].endswith("train 3 to 3; validation 4 to 4; test 5 to 5")
    assert found["repeated pairs"] == "none"


def test_every_rule_of_a_split_is_described() -> None:
    dates = ByDates(valid_from=datetime(2024, 2, 1), test_from=datetime(2024, 3, 1))
    assert describe_split(dates) == "by dates, validation from 2024-02-01, test from 2024-03-01"
    assert describe_split(ByMonths()) == "by months from 2001-06, 10 + 5 + 5"
    assert describe_split(ByFractions()) == "by time, the last 10% for test, 10% before for validation"
    assert describe_split(ByColumn()) == describe_split(None) == "as given with the data"
