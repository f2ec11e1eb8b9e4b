"""Rows that cannot be used, items that nobody knows, users with few rows: left out by a rule, with counts."""

from __future__ import annotations

import warnings
from typing import Any

import polars as pl
import pytest

from thinkrec.data.core_filter import keep_core_rows
from thinkrec.data.dataset import Dataset
from thinkrec.data.dropped_rows import drop_bad_rows
from thinkrec.data.messages import reject_rows
from thinkrec.data.row_problems import ProblemList, collect_problems
from thinkrec.data.split import ByColumn
from thinkrec.data.split_check import list_split_problems
from thinkrec.data.table_config import TableData, load_tables
from thinkrec.data.tables import check_interactions, check_items
from thinkrec.errors import DataError, DataWarning

T0 = 978_300_760
GOOD: dict[str, Any] = {
    "user_id": [1, 1, 2, 2, 3],
    "item_id": ["a", "b", "a", "b", "a"],
    "rating": ["5", "1", "4", "2", "3"],
    "timestamp": [T0, T0 + 1, T0 + 2, T0 + 3, T0 + 4],
}


def hear(work: Any) -> tuple[Any, list[str]]:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        return work(), [str(entry.message) for entry in said]


@pytest.mark.parametrize(
    ("changes", "kept", "words"),
    [
        ({"rating": ["5", "x", "4", None, "3"]}, [1, 2, 3], ["2 rows left out", "(row 2: 'x'; row 4: None"]),
        ({"rating": ["5", "1", "inf", "2", "nan"]}, [1, 1, 2], ["2 rows left out", "row 3: 'inf'"]),
        ({"user_id": [1, None, 2, 2, 3]}, [1, 2, 2, 3], ["1 row left out", "has empty ids (row 2: None"]),
        ({"user_id": [1.5, 1.0, 2.0, 2.0, float("nan")]}, [1, 2, 2], ["empty ids (row 5", "no whole numbers (row 1"]),
        ({"item_id": ["a", " ", "a", "b", "a"]}, [1, 2, 2, 3], ["'item_id' has empty ids (row 2: ' '"]),
        ({"timestamp": [T0, None, T0, T0, T0]}, [1, 2, 2, 3], ["empty timestamps (row 2"]),
        ({"timestamp": ["2001-01-01", "soon", "", "2001-01-02", "2001-01-03"]}, [1, 2, 3], ["neither numbers nor"]),
        ({"timestamp": [1.0, float("inf"), 1e300, 2.0, 3.0]}, [1, 2, 3], ["row 2: inf", "beyond any clock (row 3"]),
        ({"rating": None, "label": [1, 0, 7, 1, 0]}, [1, 1, 2, 3], ["labels other than 0 and 1 (row 3: 7"]),
        ({"order": [4, 4, 1, 2, 3]}, [2, 2, 3], ["'order' has repeated values (row 1: 4; row 2: 4"]),
        ({"split": ["train", "dev", "valid", "test", None]}, [1, 2, 2], ["unknown splits (row 2: 'dev'; row 5: None"]),
        ({"rating": ["5", "x", "4", "2", "3"], "user_id": [None, 1, 2, 2, 3]}, [2, 2, 3], ["'user_id'", "'rating'"]),
    ],
)
def test_bad_rows_are_left_out_with_counts_and_the_first(changes: dict, kept: list[int], words: list[str]) -> None:
    frame = pl.DataFrame({k: v for k, v in (GOOD | changes).items() if v is not None}, strict=False)
    threshold = None if "label" in changes else 3
    found, said = hear(lambda: check_interactions(frame, source="t.csv", threshold=threshold, on_error="drop"))
    assert found["user_id"].to_list() == kept
    assert all(any(word in text for text in said) for word in words), said
    with pytest.raises(DataError):
        check_interactions(frame, source="t.csv", threshold=threshold)


def test_later_messages_count_rows_as_the_table_does() -> None:
    frame = pl.DataFrame(GOOD | {"rating": ["x", "1", "4", "2", "0"]})
    _, said = hear(lambda: check_interactions(frame, source="t", threshold=3, on_error="drop", missing=["0"]))
    assert any("means \"not rated\" (row 5: '0'" in text for text in said), said


def test_nothing_left_is_an_error_and_nothing_wrong_changes_nothing() -> None:
    frame = pl.DataFrame(GOOD)
    assert drop_bad_rows(frame, "t", lambda: None) is frame
    with pytest.raises(DataError, match="t: no row is left: on_error is drop"):
        check_interactions(frame.with_columns(rating=pl.lit("x")), source="t", threshold=3, on_error="drop")


def test_of_several_rows_of_an_item_the_first_stays() -> None:
    items = pl.DataFrame({"item_id": ["a", "b", "a", None], "title": ["A", "B", "C", "D"]})
    found, said = hear(lambda: check_items(items, source="i", on_error="drop"))
    assert found["title"].to_list() == ["A", "B"]
    assert "i: 1 row left out (on_error: drop): column 'item_id' has the same id in several rows (row 3: 'a'" in said[1]


def test_problems_are_collected_once_per_row() -> None:
    column = pl.Series("x", [1, 2, 3])
    with collect_problems() as found:
        reject_rows(column, column > 1, "t", "is high", "Lower it.")
        reject_rows(column, column > 2, "t", "is very high", "Lower it.")
        reject_rows(column, column < 2, "t", "is low", "Raise it.")
    assert [(p.count, p.rows) for p in found.problems] == [(2, (2, 3)), (1, (1,))]
    assert found.problems[0].text.startswith("t: column 'x' is high (row 2: 2; row 3: 3; rows counted from 1). Lower")
    assert found.mask_rows(3).to_list() == [True, True, True] and ProblemList().mask_rows(2).to_list() == [False, False]


ITEMS = pl.DataFrame({"item_id": ["a", "b"], "title": ["A", "B"]})
SPLIT = {"split": ["train", "train", "valid", "test", "test"]}


def test_unknown_items_are_refused_or_left_out() -> None:
    rows = pl.DataFrame(GOOD | SPLIT | {"item_id": ["a", "b", "a", "z", "a"]})
    with pytest.raises(DataError, match=r"names items that items does not have \(row 4: 'z'.*unknown_items: drop"):
        Dataset.from_tables(rows, ITEMS, threshold=3)
    ds, said = hear(lambda: Dataset.from_tables(rows, ITEMS, threshold=3, unknown_items="drop"))
    assert len(ds.interactions) == 4
    assert any("1 of 5 rows is left out (unknown_items: drop): it names 1 item that items" in t for t in said)
    with pytest.raises(DataError, match="no row is left: column 'item_id' names items"):
        Dataset.from_tables(rows.with_columns(item_id=pl.lit("z")), ITEMS, threshold=3, unknown_items="drop")
    with pytest.raises(DataError, match="unknown_items='keep' is not known"):
        Dataset.from_tables(rows, ITEMS, threshold=3, unknown_items="keep")  # pyright: ignore[reportArgumentType]


def test_the_core_has_enough_rows_on_both_sides() -> None:
    """User 3 goes, which leaves item c one row; so it goes, which leaves user 2 one row."""
    rows = pl.DataFrame({"user_id": [1, 1, 2, 2, 3, 4, 4], "item_id": ["a", "b", "a", "c", "c", "a", "b"]})
    kept, said = hear(lambda: keep_core_rows(rows, 2, 2, "t"))
    assert kept.rows() == [(1, "a"), (1, "b"), (4, "a"), (4, "b")]
    assert said == [
        "t: 3 of 7 rows, 2 users and 1 item with rows are left out, which have too few (min_user_rows 2, "
        "min_item_rows 2)."
    ]
    assert keep_core_rows(rows, 1, 1, "t") is rows
    with pytest.raises(DataError, match=r"no row is left of 7 by min_user_rows 3, min_item_rows 1\. Lower them\."):
        keep_core_rows(rows, 3, 1, "t")


def test_a_table_without_times_goes_where_no_split_needs_them() -> None:
    rows = pl.DataFrame({k: v for k, v in (GOOD | SPLIT).items() if k != "timestamp"})
    with pytest.raises(DataError, match="column 'timestamp' is missing"):
        Dataset.from_tables(rows, ITEMS, threshold=3)
    ds, said = hear(lambda: Dataset.from_tables(rows, ITEMS, threshold=3, split=ByColumn()))
    assert ds.interactions.timestamp.tolist() == [0] * 5 and ds.interactions.order.tolist() == [0, 1, 2, 3, 4]
    assert any(
        "there is no column 'timestamp': the place of a row in the table stands for its time" in text for text in said
    )


def test_the_keys_of_a_recipe_reach_the_tables(tmp_path) -> None:
    pl.DataFrame(GOOD | SPLIT).rename({"user_id": "who"}).write_csv(tmp_path / "r.txt", separator=";")
    ITEMS.rename({"title": "name"}).write_csv(tmp_path / "i.csv")
    config = TableData.model_validate(
        {
            "interactions": tmp_path / "r.txt",
            "items": tmp_path / "i.csv",
            "interactions_format": {"separator": ";", "columns": {"user_id": "who"}},
            "items_format": {"columns": {"title": "name"}},
            "threshold": 3,
            "min_user_rows": 2,
            "item": "tree",
        }
    )
    with pytest.warns(DataWarning, match="1 of 5 rows, 1 user and 0 items"):
        ds = load_tables(config)
    assert ds.user_ids == [1, 2] and ds.items.titles == ["A", "B"] and ds.domain.item == "tree"
    assert list_split_problems(ds) == [
        "the valid split has 1 row, all likes: training and choosing between states need likes and dislikes in it. "
        "Look at the threshold, and at the dates or shares that cut the splits."
    ]
