"""Whom `thinkrec recommend` is asked about: all, one id, or the users of a table."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from thinkrec.cli.recommend import choose_users
from thinkrec.data.dataset import Dataset
from thinkrec.errors import DataError


def make_dataset() -> Dataset:
    rows = {
        "user_id": ["ann", "bo", "cy"] * 3,
        "item_id": [1, 1, 1, 2, 2, 2, 3, 3, 3],
        "label": [1, 0] * 4 + [1],
        "timestamp": list(range(9)),
        "split": ["train"] * 3 + ["valid"] * 3 + ["test"] * 3,
    }
    return Dataset.from_tables(rows, {"item_id": [1, 2, 3], "title": ["A", "B", "C"]})


def test_all_one_and_those_of_a_table(tmp_path: Path) -> None:
    ds, table = make_dataset(), tmp_path / "some.csv"
    assert choose_users("all", ds) == ["ann", "bo", "cy"]
    assert choose_users("bo", ds) == ["bo"]
    table.write_text("user_id,age\ncy,30\nann,20\ncy,31\n")
    assert choose_users(str(table), ds) == ["cy", "ann"]  # each once, in the order of the table


def test_whom_the_data_do_not_know_is_counted(tmp_path: Path) -> None:
    ds, table = make_dataset(), tmp_path / "some.parquet"
    pl.DataFrame({"user_id": ["cy", "dora", "eve"]}).write_parquet(table)
    with pytest.raises(DataError, match=r"2 of 3 users are not in the data \(the first: \['dora', 'eve'\]\); leave"):
        choose_users(str(table), ds)
    pl.DataFrame({"user_id": ["dora"]}).write_parquet(table)
    with pytest.raises(DataError, match="1 of 1 user is not in the data"):
        choose_users(str(table), ds)
    pl.DataFrame({"name": ["dora"]}).write_parquet(table)
    with pytest.raises(DataError, match="column 'user_id' is missing"):
        choose_users(str(table), ds)
    with pytest.raises(DataError, match="'dora'"):
        choose_users("dora", ds)


def test_an_id_is_an_id_also_where_a_file_is_called_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bo").write_text("user_id\nann\n")
    assert choose_users("bo", make_dataset()) == ["bo"]
