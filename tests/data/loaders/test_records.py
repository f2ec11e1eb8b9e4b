"""Files of one record a line: what is found, read, and refused with its line."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from thinkrec.data.loaders.records import find_file, parse_column, read_latin_1, read_records, split_fields
from thinkrec.errors import DataError

SCHEMA = {"name": pl.String}


def read_names(path: Path) -> list[str]:
    return read_records(path, SCHEMA, lambda record: [(record["name"],)], needed=("name",))["name"].to_list()


def test_a_file_is_found_one_folder_down_and_two_are_refused(tmp_path: Path) -> None:
    inner = tmp_path / "ml-100k"
    inner.mkdir()
    (inner / "a.json").write_text("{}")
    assert find_file(tmp_path, "*.json.gz", "*.json", source="s") == inner / "a.json"
    (inner / "b.json").write_text("{}")
    with pytest.raises(DataError, match=r"several files fit \*.json \(a.json, b.json\)"):
        find_file(tmp_path, "*.json", source="s")
    (inner / "c.csv").write_text("x")
    (inner / "c.csv.gz").write_bytes(b"x")
    assert find_file(tmp_path, "*.csv*", source="s") == inner / "c.csv"
    (inner / "c.csv").unlink()
    (inner / "c.csv.gz").unlink()
    with pytest.raises(DataError, match=r"no file \*.csv"):
        find_file(tmp_path, "*.csv", source="s")


def test_a_wrong_line_is_named_and_an_empty_one_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"name": "x"}\n\n{"name": "y"}\n')
    with pytest.warns(match="1 empty line"):
        assert read_names(path) == ["x", "y"]
    path.write_text('{"name": "x"}\n{"title": "y"}\n')
    with pytest.raises(DataError, match="line 2 has no name"):
        read_names(path)
    path.write_text('{"name": "x"}\n{"name": null}\n')
    with pytest.raises(DataError, match="line 2 has no name"):
        read_names(path)
    path.write_text('{"name": "x"}\n[1]\n')
    with pytest.raises(DataError, match="line 2 is no record"):
        read_names(path)
    (tmp_path / "b.json.gz").write_bytes(b"no gzip")
    with pytest.raises(DataError, match="damaged"):
        read_names(tmp_path / "b.json.gz")


def test_fields_and_numbers_name_their_line(tmp_path: Path) -> None:
    path = tmp_path / "u.item"
    path.write_bytes("1|Caf\u00e9\nx|Bar\n".encode("latin-1"))
    table = split_fields(read_latin_1(path), "|", ["id", "title"], path)
    assert table["title"].to_list() == ["Caf\u00e9", "Bar"]
    with pytest.raises(DataError, match="line 2: id 'x' is no number"):
        parse_column(table, "id", pl.Int64, path)
    with pytest.raises(DataError, match="line 5 has 1 field"):
        split_fields(["1|a", "2"], "|", ["id", "title"], path, first=4)
