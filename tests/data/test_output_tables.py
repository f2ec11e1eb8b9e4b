"""Tables are written whole, in three kinds, and read back as they were."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from thinkrec.data.columns import DataWarning, parse_keywords
from thinkrec.data.output_tables import SUFFIXES, check_columns, check_not_read, check_writable, write_table
from thinkrec.data.tables import read_table
from thinkrec.errors import DataError

TABLE = pl.DataFrame(
    {"item_id": [1, 2, 3], "title": ['A, "b"', "Grüße", "c\nd"], "keywords": [["sea", "war"], [], ["two words"]]}
)


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


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_line_separators_of_every_kind_come_back(suffix: str, tmp_path: Path) -> None:
    texts = ["a\u2028b", "c\u2029d", "e\x85f", "g\x0bh\x0ci", "j\rk", "l\r\nm", "n\x1co", 'p"q', "r,s", "t\tu"]
    table = pl.DataFrame({"order": range(len(texts)), "reason": texts})
    write_table(table, tmp_path / f"reasons{suffix}")
    assert read_table(tmp_path / f"reasons{suffix}")["reason"].to_list() == texts


def test_a_bar_inside_a_keyword_is_said(tmp_path: Path) -> None:
    table = pl.DataFrame({"item_id": [1], "keywords": [["a|b", "c"]]})
    with pytest.warns(DataWarning, match="1 entry of column 'keywords' holds a bar"):
        write_table(table, tmp_path / "items.csv")
    assert read_table(tmp_path / "items.csv")["keywords"].to_list() == ["a/b|c"]


def test_places_that_cannot_be_written_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.csv").mkdir()

    def refused(path: Path) -> str:
        for call in (check_writable, lambda path: write_table(TABLE, path)):
            with pytest.raises(DataError) as caught:
                call(path)
            assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "is a file, not a folder" in refused(tmp_path / "file" / "items.csv")
    assert "this is a folder" in refused(tmp_path / "folder.csv")
    with monkeypatch.context() as patched:
        patched.setattr("os.access", lambda *_: False)
        assert f"the folder {tmp_path} cannot be written to" in refused(tmp_path / "new" / "deep" / "items.csv")
    assert not (tmp_path / "new").exists()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_csv", full)
    with pytest.raises(DataError, match=r"items\.csv: cannot be written \(No space left on device\)"):
        write_table(TABLE, tmp_path / "items.csv")


def test_columns_that_csv_cannot_hold_are_refused_before_the_work(tmp_path: Path) -> None:
    nested = TABLE.with_columns(nested=pl.struct("title"))
    check_columns(nested, tmp_path / "a.parquet")
    check_columns(TABLE, tmp_path / "a.csv")
    with pytest.raises(DataError, match="CSV cannot hold the columns nested"):
        check_columns(nested, tmp_path / "a.csv")


def test_a_table_that_is_read_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "link.parquet").symlink_to(tmp_path / "rows.parquet")
    for out in (tmp_path / "rows.parquet", tmp_path / "deep" / ".." / "rows.parquet", tmp_path / "link.parquet"):
        with pytest.raises(DataError, match=r"^--out would write over .*which is read"):
            check_not_read(out, [None, tmp_path / "other.parquet", tmp_path / "rows.parquet"])
    check_not_read(tmp_path / "new.parquet", [None, tmp_path / "rows.parquet"])
