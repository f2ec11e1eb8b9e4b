"""Runs are compared by what stands in their tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from thinkrec import Dataset
from thinkrec.errors import DataError
from thinkrec.serve.same_tables import check_same_tables

ROWS = [
    {
        "user_id": user,
        "item_id": item,
        "label": (user + item) % 2,
        "timestamp": 10 * user + item,
        "split": ("train", "valid", "test")[item - 1],
    }
    for user in (1, 2, 3)
    for item in (1, 2, 3)
]
ITEMS = [{"item_id": item, "title": f"Film {item}", "keywords": "dry"} for item in (1, 2, 3)]


def build(rows: list[dict[str, Any]] = ROWS, items: list[dict[str, Any]] = ITEMS) -> Dataset:
    return Dataset.from_tables(rows, items)


def test_equal_tables_from_other_places_are_the_same() -> None:
    assert check_same_tables(build(), build([dict(row) for row in ROWS])) == ()


@pytest.mark.parametrize(
    ("rows", "items", "words"),
    [
        ([*ROWS[:-1], {**ROWS[-1], "label": 1}], ITEMS, "likes and dislikes differ"),
        ([*ROWS[:-1], {**ROWS[-1], "timestamp": 99}], ITEMS, "times of the opinions differ"),
        (ROWS[:-1], ITEMS, "the first has 9 and the second 8"),
        ([{**row, "user_id": row["user_id"] + 1} for row in ROWS], ITEMS, "ids of users differ"),
        (
            ROWS,
            [*ITEMS[:-1], {**ITEMS[-1], "title": "x" * 100}],
            "place 3 the first has 'Film 3' and the second 'xx",
        ),
    ],
)
def test_a_difference_is_named(rows: list[dict[str, Any]], items: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(DataError, match=words) as error:
        check_same_tables(build(), build(rows, items))
    assert "--beside" in str(error.value) and len(str(error.value)) < 400


def test_keywords_and_splits_may_differ_and_it_is_said() -> None:
    ds = build()
    others = build(items=[{**item, "keywords": "wry"} for item in ITEMS])
    split = replace(ds.interactions, split=(ds.interactions.split + 1) % 3)
    assert "keywords" in check_same_tables(ds, others)[0]
    assert "split" in check_same_tables(ds, replace(ds, interactions=split))[0]
