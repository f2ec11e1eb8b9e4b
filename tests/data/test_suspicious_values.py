"""Values that nobody means: each kind is said with its rows, and what is certain is put right."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from thinkrec.data.columns import DataWarning
from thinkrec.data.dataset import Dataset
from thinkrec.data.split import ByFractions
from thinkrec.data.suspicious_values import find_outlier_values
from thinkrec.data.tables import check_interactions, check_items
from thinkrec.errors import DataError
from thinkrec.run.data_sources import load_data
from thinkrec.run.recipe import TableData

T0 = 978_300_760
BASE = {
    "user_id": ["u1"] * 4 + ["u2"] * 4,
    "item_id": [1, 2, 3, 4] * 2,
    "rating": [1.0, 2, 3, 4, 5, 5, 4, 3],
    "timestamp": [T0 + step for step in range(8)],
}


def checked(options: dict[str, Any] | None = None, **changes: Any) -> tuple[pl.DataFrame, list[str]]:
    """The canonical interactions, and what was said."""
    columns = {name: values for name, values in (BASE | changes).items() if values is not None}
    threshold = {"threshold": 3} if "rating" in columns else {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = check_interactions(columns, source="shop.csv", **(threshold | (options or {})))
    assert all(issubclass(entry.category, DataWarning) for entry in caught)
    return found, [str(entry.message) for entry in caught]


def refused(options: dict[str, Any] | None = None, **changes: Any) -> str:
    with pytest.raises(DataError) as caught:
        checked(options, **changes)
    return str(caught.value)


def test_a_sound_table_is_read_without_a_word() -> None:
    assert checked()[1] == []


@pytest.mark.parametrize(
    ("distinct", "odd"),
    [
        ([0, 1, 2, 3, 4, 5], [0]),
        ([0, 0.5, 1, 5], [0]),
        ([0, 1], []),
        ([0, 1, 2], []),
        ([-1, 0, 1], []),
        ([1, 2, 3, 5], []),
        ([-1, 1, 2, 3, 5], [-1]),
        ([-1, 0, 1, 5, 10], [-1, 0]),
        ([-9.9, -5, 0, 3, 9.9, 99], [99]),
        ([1, 2, 3, 4, 5, 9], [9]),
        ([1, 2, 3, 4, 5, 98, 99], [98, 99]),
        ([-99, -2, -1, 0, 1, 2], [-99]),
        ([1, 2, 3, 20, 500], []),
        ([1, 20, 60, 80, 88], []),
        ([1.0], []),
    ],
)
def test_ratings_that_stand_apart(distinct: list[float], odd: list[float]) -> None:
    assert find_outlier_values(distinct) == odd


def test_a_rating_of_0_is_no_silent_dislike() -> None:
    rating = [0, 2, 3, 4, 5, 5, 4, 0]
    found, (said,) = checked(rating=rating)
    assert found["label"].to_list() == [0, 0, 0, 1, 1, 1, 1, 0]
    assert "2 of 8 rows have rating 0 where all others lie between 2 and 5 (row 1: 0; row 8: 0;" in said
    assert "count as not liked" in said and "`missing: [0]`" in said
    found, (said,) = checked({"missing": [0]}, rating=rating)
    assert found["label"].to_list() == [0, 0, 1, 1, 1, 1] and found["order"].to_list() == [1, 2, 3, 4, 5, 6]
    assert '2 of 8 rows mean "not rated" (row 1: 0; row 8: 0;' in said
    found, said = checked({"missing": []}, rating=rating)
    assert found.height == 8 and said == []


def test_every_form_of_a_missing_rating_can_be_named() -> None:
    text = ["1", "NA", "3", "4", "5", "", "0", "n/a "]
    found, (said,) = checked({"missing": ["na", None, "0", "N/A"]}, rating=text)
    assert found["label"].to_list() == [0, 0, 1, 1] and "4 of 8 rows" in said
    empty = [1, math.nan, 3, None, 5, 99, 2, 4]
    for missing in ([math.nan, 99], [None, 99.0], ["nan", "99"]):
        assert checked({"missing": missing}, rating=empty)[0]["order"].to_list() == [0, 2, 4, 6, 7]
    assert "finite numbers (row 2" in refused(rating=empty) and "`missing`" in refused(rating=empty)
    assert "not finite numbers (row 4" in refused({"missing": [0]}, rating=[0, 1, 2, math.inf, 4, 5, 4, 3])
    assert "no row is left" in refused({"missing": [5]}, rating=[5] * 8)
    assert "no column 'rating'" in refused({"missing": [0]}, rating=None, label=[0, 1] * 4)
    assert "give a list" in refused({"missing": "0"}) and "give a list" in refused({"missing": 0})
    assert "finite numbers (row 1: '3,5,1'" in refused(rating=["3,5,1"] * 8)


def test_a_decimal_comma_is_read_as_a_point() -> None:
    found, said = checked(rating=["3,5", "2,5", "3", "4,0", "1", "5", "2", "3,0"])
    assert found["label"].to_list() == [1, 0, 0, 1, 0, 1, 0, 0]
    assert "4 of 8 rows have a decimal comma (row 1: '3,5'" in said[0]


@pytest.mark.parametrize(("threshold", "outcome"), [(5, "not liked"), (0.5, "liked")])
def test_a_threshold_that_nobody_or_everybody_passes(threshold: float, outcome: str) -> None:
    found, (said,) = checked({"threshold": threshold})
    assert found["label"].n_unique() == 1
    assert f"all 8 ratings lie between 1 and 5, so with threshold {threshold:g} every row is {outcome}" in said
    assert "every row is liked (8)" in checked(rating=None, label=[1] * 8)[1][0]


@pytest.mark.parametrize("threshold", ["3", True, [3], math.inf, math.nan, None, 3j])
def test_an_odd_threshold_is_one_line(threshold: Any) -> None:
    message = refused({"threshold": threshold})
    assert "finite threshold" in message and "\n" not in message


def test_units_of_time_that_are_mixed_become_seconds() -> None:
    mixed = [T0, (T0 + 1) * 1000 + 250, T0 + 2, T0 + 3, T0 + 4, (T0 + 5) * 10**6, T0 + 6, (T0 + 7) * 10**9]
    found, (said,) = checked(timestamp=mixed)
    assert found["timestamp"].to_list() == [T0 + step for step in range(8)]
    assert f"5 in seconds (row 1: {T0}), 1 in milliseconds (row 2: {mixed[1]}), 1 in microseconds (row 6" in said
    assert checked(timestamp=[str(value) for value in mixed])[0].equals(found)
    # What is left of a second still decides between two rows.
    close = [T0 * 1000 + 900, T0 * 1000 + 100, *[T0 + step for step in range(2, 8)]]
    assert checked(timestamp=close)[0]["order"].to_list()[:2] == [1, 0]
    for one_unit in ([T0 + step for step in range(8)], list(range(8)), list(range(-4, 4))):
        found, said = checked(timestamp=one_unit)
        assert found["timestamp"].to_list() == one_unit and said == []
    found, (said,) = checked(timestamp=[1000 * (T0 + step) + 7 for step in range(8)])
    assert found["timestamp"].to_list() == [T0 + step for step in range(8)]
    assert "'timestamp' is in no seconds: 8 in milliseconds (row 1" in said


def test_times_that_were_never_set_or_are_still_to_come() -> None:
    _, (said,) = checked(timestamp=[0, *BASE["timestamp"][1:6], -1, T0 + 7])
    assert "2 of 8 rows have a time of 0 or below, where others are dates (row 1: 0; row 7: -1;" in said
    _, (said,) = checked(timestamp=[4_102_444_800, *BASE["timestamp"][1:]])
    assert "1 of 8 rows lies in the future (row 1: 4102444800;" in said
    _, (said,) = checked(timestamp=["2100-01-01", *["2001-01-01"] * 2, *[f"2001-01-0{day}" for day in range(2, 7)]])
    assert "1 of 8 rows lies in the future (row 1: '2100-01-01';" in said


def test_one_time_for_all_rows_of_a_user() -> None:
    _, (said,) = checked(timestamp=[T0] * 4 + [T0 + step for step in range(4)])
    assert "1 of 2 users with several rows has one and the same time in all of them (the first: 'u1')" in said
    assert checked(timestamp=[T0] * 8, order=list(range(8)))[1] == []


def test_ids_as_other_programs_write_them() -> None:
    for ids in (
        [1.0, 2.0, 3.0, 4.0] * 2,
        ["1.0", "2.0", "3.0", "4"] * 2,
        [Decimal(n) for n in ("1.0", "2", "3", "4")] * 2,
    ):
        found, (said,) = checked(item_id=ids)
        assert found["item_id"].to_list() == [1, 2, 3, 4] * 2 and "a whole id with a point" in said
        assert found["item_id"].dtype == pl.Int64
    assert "no whole numbers (row 2: 2.5; row 6: 2.5" in refused(item_id=[1.0, 2.5, 3, 4] * 2)
    assert "empty ids (row 2" in refused(item_id=[1.0, math.nan, 3, 4] * 2)
    found, (said,) = checked(user_id=["ada", " ada", "ada\u00a0", "\ufeffada"] + ["u2"] * 4)
    assert found["user_id"].to_list() == ["ada"] * 4 + ["u2"] * 4
    assert "3 of 8 rows have white space around the id (row 2: ' ada';" in said
    assert "empty ids (row 1: ' '" in refused(user_id=[" "] + ["u"] * 7)
    assert (
        "4 of 8 rows have an id that programs write for a missing value"
        in checked(user_id=["nan"] * 4 + ["b"] * 4)[1][0]
    )
    assert checked(user_id=["a,b"] * 4 + ["c,d"] * 4)[0]["user_id"].unique(maintain_order=True).to_list() == [
        "a,b",
        "c,d",
    ]


@pytest.mark.parametrize("kind", [pl.Int8, pl.UInt64, pl.Int128, pl.UInt128])
def test_whole_numbers_of_any_width(kind: Any) -> None:
    narrow = pl.Series([1, 2, 3, 4] * 2, dtype=kind)
    found, said = checked(
        item_id=narrow, order=pl.Series(range(8), dtype=kind), timestamp=pl.Series(range(8), dtype=kind)
    )
    assert found["item_id"].dtype == pl.Int64 and found["item_id"].to_list() == [1, 2, 3, 4] * 2 and said == []
    if kind in (pl.Int128, pl.UInt128):
        wide = pl.Series([1, 2, 3, 2**100] * 2, dtype=kind)
        assert "beyond 64-bit signed integers (row 4" in refused(item_id=wide)
        assert "beyond any clock (row 4" in refused(timestamp=wide)
        assert "not whole numbers (row 4" in refused(order=wide)


def test_splits_and_labels_in_other_words() -> None:
    words = ["Train", "TRAIN", "train", " valid", "Validation", "val", "Test", "test"]
    found, (said,) = checked(split=words)
    assert found["split"].to_list() == ["train"] * 3 + ["valid"] * 3 + ["test"] * 2
    assert "6 of 8 rows name the split in another spelling (row 1: 'Train'; row 2: 'TRAIN'; row 4: ' valid';" in said
    yes = ["yes", "No", "Y", "n", "True", "FALSE", "1", "0.0"]
    assert checked(rating=None, label=yes)[0]["label"].to_list() == [1, 0] * 4
    assert "Write 0 in place of -1" in refused(rating=None, label=[1, -1] * 4)


def test_rows_of_one_user_and_item() -> None:
    rows = {"item_id": [1, 1, 1, 4] * 2, "rating": [5, 5, 1, 4, 5, 5, 1, 3], "timestamp": [3, 3, 2, 4] * 2}
    found, (said,) = checked(**rows)
    assert found.height == 8
    assert "2 rows repeat an earlier row exactly (user, item, label, time), and 2 rows name a user and item" in said
    assert checked({"duplicates": "keep"}, **rows)[1] == []
    first, (said,) = checked({"duplicates": "first"}, **rows)
    assert first["order"].to_list() == [2, 3, 6, 7] and "4 rows are left out" in said
    last, _ = checked({"duplicates": "last"}, **rows)
    assert last["order"].to_list() == [1, 3, 5, 7] and last["label"].to_list() == [1, 1, 1, 0]
    assert "more than once for one user (row 1: 1; row 2: 1; row 3: 1; row 5: 1" in refused(
        {"duplicates": "refuse"}, **rows
    )
    assert "duplicates='all' is not known" in refused({"duplicates": "all"}, **rows)
    assert checked({"duplicates": "refuse"})[1] == []


def test_titles_and_texts_that_say_there_is_none() -> None:
    words = ["nan", "None", "N/A", "<NA>", "Nancy", "Oak"]
    with pytest.warns(DataWarning) as caught:
        found = check_items({"item_id": range(6), "title": words, "plot": words}, noun="tree", source="wares")
    assert found["title"].to_list() == [*(f"untitled tree {n}" for n in range(4)), "Nancy", "Oak"]
    assert found["plot"].to_list() == [None] * 4 + ["Nancy", "Oak"]
    said = [str(entry.message) for entry in caught]
    assert "4 rows have no title" in said[0] and "(row 1: 'nan'; row 2: 'None'" in said[0]
    assert "count as empty: 'plot' in 4 rows (row 1: 'nan'" in said[1] and len(said) == 2


def test_a_recipe_has_the_same_keys(tmp_path: Path) -> None:
    rows = pl.DataFrame(BASE).with_columns(
        rating=pl.Series([0, 2, 3, 4, 5, 5, 4, 3]), item_id=pl.Series([1, 1, 3, 4] * 2)
    )
    rows.write_csv(tmp_path / "rows.csv")
    wares = pl.DataFrame({"item_id": [1, 3, 4], "title": ["A", "B", "C"], "keywords": ["a/b", "c, d", "e"]})
    wares.write_csv(tmp_path / "items.csv")
    config = TableData.model_validate(
        {
            "interactions": tmp_path / "rows.csv",
            "items": tmp_path / "items.csv",
            "threshold": 3,
            "missing": [0, None],
            "split": {"by": "fractions", "valid": 0.3, "test": 0.3},
            "duplicates": "last",
            "separators": {"keywords": "/"},
        }
    )
    with pytest.warns(DataWarning) as caught:
        data, _ = load_data(config)
    assert data.interactions.order.tolist() == [1, 2, 3, 5, 6, 7]
    assert data.items.keywords == [("a", "b"), ("c, d",), ("e",)]
    said = " ".join(str(entry.message) for entry in caught)
    assert 'means "not rated" (line 2:' in said and "1 row is left out" in said
    assert TableData.model_validate(config.model_dump(mode="json")) == config
    with pytest.raises(ValueError, match="duplicates"):
        TableData.model_validate({**config.model_dump(), "duplicates": "some"})


def test_a_data_set_takes_them_as_arguments() -> None:
    wares = {"item_id": [1, 2, 3, 4], "title": list("ABCD")}
    split = ByFractions(valid=0.3, test=0.3)
    rating = [0, 2, 3, 4, 5, 5, 4, 3]
    with pytest.warns(DataWarning, match="not rated"):
        data = Dataset.from_tables(BASE | {"rating": rating}, wares, threshold=3, split=split, missing=[0])
    assert len(data.interactions) == 7
    with pytest.raises(DataError, match="more than once"):
        Dataset.from_tables(BASE | {"item_id": [1] * 8}, wares, threshold=3, split=split, duplicates="refuse")


def test_a_command_says_each_in_one_line(tmp_path: Path) -> None:
    """In a process of its own: under pytest somebody else shows the warnings."""
    (tmp_path / "items.csv").write_text("item_id,title,plot\n1,Tom &amp; Jerry,An old lighthouse keeper\n2,nan,sea\n")
    command = [sys.executable, "-m", "thinkrec", "keywords", "items.csv", "--columns", "plot", "--out", "out.csv"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=tmp_path)
    notes = [line for line in done.stderr.splitlines() if line.startswith("note: ")]
    assert len(notes) == 2 and "values with HTML: 1 in 'title'" in notes[0] and "1 row has no title" in notes[1]
    assert "DataWarning" not in done.stderr and "tables.py" not in done.stderr
