"""Tables are written whole, in three kinds, and read back as they were."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from thinkrec.data.columns import parse_keywords
from thinkrec.data.tables import read_table
from thinkrec.data.writing import SUFFIXES, check_writable, write_table
from thinkrec.errors import DataError

TABLE = pl.DataFrame({"item_id": [1, 2, 3], "title": ['A, "b"', "Grüße", "c\nd"],
                      "keywords": [["sea", "war"], [], ["two words"]]})  # fmt: skip


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".CSV"])
def test_what_is_written_is_read_and_nothing_lies_beside(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / "deep" / f"items{suffix}"
    write_table(TABLE, path)
    write_table(TABLE, path)
    found = read_table(path)
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert found.drop("keywords").equals(TABLE.drop("keywords"))
    assert parse_keywords(found["keywords"], "items") == [("sea", "war"), (), ("two words",)]


def test_a_table_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    write_table(TABLE, path)
    before = path.read_bytes()
    with pytest.raises(pl.exceptions.PolarsError):
        write_table(TABLE.with_columns(nested=pl.struct("title")), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["items.csv"]


@pytest.mark.parametrize("name", ["items.xlsx", "items", "items.parquet.gz"])
def test_other_kinds_are_refused_by_the_name_of_their_option(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"--table .*end it with \.parquet, \.csv or \.jsonl"):
        check_writable(tmp_path / name, "--table")
    with pytest.raises(DataError, match="not a kind of table"):
        write_table(TABLE, tmp_path / name)
    assert not list(tmp_path.iterdir())
