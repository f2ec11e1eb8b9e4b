"""Files of any name, separator, encoding and compression, folders and patterns; columns under their own names."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from thinkrec.data.delimited_records import name_separator
from thinkrec.data.table_columns import name_columns
from thinkrec.data.table_files import get_kind, list_table_files, read_table
from thinkrec.data.table_format import TableFormat
from thinkrec.errors import DataError, DataWarning

ROWS = [("u1", "b1", "Größe, ein „Wort“"), ("u2", "b2", "Été")]
FRAME = pl.DataFrame(ROWS, schema=["user_id", "item_id", "note"], orient="row")


def write_text(path: Path, separator: str, encoding: str = "utf-8", end: str = "\n", header: bool = True) -> Path:
    rows = [("user_id", "item_id", "note"), *ROWS] if header else ROWS
    fields = [[f'"{field}"' if separator in field else field for field in row] for row in rows]
    path.write_bytes((end.join(map(separator.join, fields)) + end).encode(encoding))
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", "::", "~"])
@pytest.mark.parametrize("encoding", [None, "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_any_separator_encoding_and_line_end(separator: str, encoding: str | None, end: str, tmp_path: Path) -> None:
    path = write_text(tmp_path / "t.dat", separator, encoding or "utf-8", end)
    assert read_table(path, TableFormat(separator=separator, encoding=encoding)).equals(FRAME)


def pack_zstd(content: bytes) -> bytes:
    """Bytes compressed by zstd, as a stream."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as out:
        out.write(content)
    return sink.getvalue().to_pybytes()


PACKERS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": pack_zstd}


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.json"])
def test_compressed_files_are_unpacked(packing: str, name: str, tmp_path: Path) -> None:
    text = FRAME.write_csv() if name == "t.csv" else FRAME.write_ndjson()
    if name == "t.json":
        text = json.dumps(FRAME.to_dicts())
    path = tmp_path / f"{name}{packing}"
    path.write_bytes(PACKERS[packing](text.encode()))
    assert read_table(path).equals(FRAME)
    assert get_kind(path) == Path(name).suffix


def test_a_file_without_header_has_numbered_columns(tmp_path: Path) -> None:
    path = write_text(tmp_path / "t.csv", ",", header=False)
    form = TableFormat(header=False, columns={"user_id": 1, "item_id": 2, "title": "column_3"})
    assert read_table(path, form).columns == ["user_id", "item_id", "title"]
    assert read_table(path, TableFormat(header=False)).rows() == ROWS


def test_backslashes_before_quotes_and_quotes_as_characters(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('id;title\n1;"a \\"b\\"; c"\n', encoding="utf-8")
    form = TableFormat(separator=";", quoting="backslash")
    assert read_table(tmp_path / "a.csv", form)["title"].to_list() == ['a "b"; c']
    (tmp_path / "b.csv").write_text('id,title\n1,"open\n', encoding="utf-8")
    assert read_table(tmp_path / "b.csv", TableFormat(quoting="none"))["title"].to_list() == ['"open']


def test_folders_and_patterns_are_read_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    for part in (2, 1):
        pl.DataFrame({"user_id": [part], "item_id": ["a"]}).write_parquet(folder / f"part-{part}.parquet")
    (folder / "_SUCCESS").touch()
    (folder / ".part-1.crc").touch()
    for path in (folder, folder / "part-*.parquet"):
        assert [file.name for file in list_table_files(path)] == ["part-1.parquet", "part-2.parquet"]
        assert read_table(path)["user_id"].to_list() == [1, 2]
    pl.DataFrame({"user_id": [3]}).write_parquet(folder / "part-3.parquet")
    with pytest.warns(DataWarning, match=r"column 'item_id' is missing in 1 of 3 files \(the first: part-3.parquet\)"):
        assert read_table(folder)["item_id"].to_list() == ["a", "a", None]
    pl.DataFrame({"user_id": [[1]]}).write_parquet(folder / "part-4.parquet")
    with pytest.raises(DataError, match="4 files do not fit together"):
        read_table(folder)


def test_arrow_files_and_streams(tmp_path: Path) -> None:
    FRAME.write_ipc(tmp_path / "a.feather")
    FRAME.write_ipc_stream(tmp_path / "b.arrow")
    assert all(read_table(tmp_path / name).equals(FRAME) for name in ("a.feather", "b.arrow"))
    (tmp_path / "c.arrow").write_bytes(b"no")
    with pytest.raises(DataError, match="cannot be read as arrow: the file is damaged"):
        read_table(tmp_path / "c.arrow")


def test_recboles_files_lose_their_types(tmp_path: Path) -> None:
    (tmp_path / "m.inter").write_text("user_id:token\titem_id:token\trating:float\n7\t1\t4\n", encoding="utf-8")
    assert read_table(tmp_path / "m.inter").columns == ["user_id", "item_id", "rating"]
    (tmp_path / "m.item").write_text("item_id:token\tname:token_seq\tclass:token_seq\n1\tToy Story\tA B\n", "utf-8")
    found = read_table(tmp_path / "m.item", TableFormat(columns={"title": "name", "keywords": "class"}))
    assert found.to_dicts() == [{"item_id": 1, "title": "Toy Story", "keywords": ["A", "B"]}]


@pytest.mark.parametrize(
    ("name", "content", "form", "words"),
    [
        ("t.dat", "a::b\n", {}, ["not a known kind of table", "`separator`", "thinkrec check"]),
        ("t.csv", "a;b\n1;2\n", {}, ["no comma but semicolons", "separator: ';'"]),
        ("t.csv", b"a\nb\xe9\n", {}, ["line 2 is not UTF-8", "encoding: cp1252"]),
        ("t.csv", b"a\nb\x81\n", {"encoding": "cp1252"}, ["line 2 is not cp1252"]),
        ("t.csv", "a,b\n".encode("utf-16"), {}, ["in UTF-16", "encoding: utf-16"]),
        ("t.csv", "1,2\n1\n", {"header": False}, ["line 2 has 1 field where the first line has 2"]),
        ("t.csv", "1,1\n1,2\n", {}, ["seems to be a row already", "header: false"]),
        ("t.csv", "a,b\n1,2\n", {"columns": {"user_id": "c"}}, ["`columns` names 'c'", "columns found: a, b"]),
        ("t.csv", "userId,b\n1,2\n", {"columns": {"user_id": "userid"}}, ["Did you mean 'userId'"]),
        ("t.csv", "a,b\n1,2\n", {"columns": {"user_id": 3}}, ["names place 3, but the table has 2 columns"]),
        ("t.csv", "a::b\n", {"separator": "::", "quoting": "quotes"}, ["a separator of one character alone"]),
        ("t.json", "[1]", {}, ["entry 1 of the list is no object (1)"]),
        ("t.json", "[]", {}, ["it is empty"]),
        ("t.json", '[{"a": 1', {}, ["begins as a list, but is no JSON"]),
    ],
)
def test_what_is_refused_says_what_to_do(name: str, content, form: dict, words: list[str], tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(DataError) as caught:
        read_table(tmp_path / name, TableFormat.model_validate(form))
    for word in words:
        assert word in str(caught.value)


def test_places_that_hold_no_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    (tmp_path / "b.parquet").touch()
    (tmp_path / "empty").mkdir()
    for path, words in (
        (tmp_path, "several kinds (.csv, .parquet)"),
        (tmp_path / "empty", "a folder without a table in it"),
        (tmp_path / "*.tsv", "no file has a name like this"),
        (tmp_path / "c.csv", "no such file"),
    ):
        with pytest.raises(DataError) as caught:
            list_table_files(path)
        assert words in str(caught.value)


BROKEN = 'a,b\n1,2\n3\n4,5,6\n"x" y,7\n8,9\n"open,10\n11,12\n'


def test_wrong_lines_are_left_out_and_counted(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(BROKEN.encode() + b"caf\xe9,13\nn\0,14\n15,16\n")
    with pytest.warns(DataWarning) as caught:
        found = read_table(tmp_path / "t.csv", on_error="drop")
    assert found.rows() == [("1", "2"), ("8", "9"), ("11", "12"), ("15", "16")]
    (said,) = (str(entry.message) for entry in caught)
    assert "6 lines left out (on_error: drop): line 3 has 1 field where the header has 2 ('3" in said
    assert "line 8 is not" not in said and said.endswith("and 1 more.")
    lines = '{"a": 1}\n{"a": \n[2]\n{"a": 3}\n'
    (tmp_path / "t.jsonl").write_bytes(lines.encode() + b'{"a": "\xe9"}\n')
    with pytest.warns(DataWarning, match="3 lines left out .*line 2, character 8 is not JSON.*; line 3 is no object"):
        assert read_table(tmp_path / "t.jsonl", on_error="drop")["a"].to_list() == [1, 3]


def test_a_column_that_loses_its_name_is_said() -> None:
    frame = pl.DataFrame({"title": ["review"], "name": ["Oak"]})
    with pytest.warns(DataWarning, match="column 'title' is left out"):
        assert name_columns(frame, {"title": "name"}, "t").to_dicts() == [{"title": "Oak"}]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"encoding": "utf-99"}, "no encoding that Python knows"),
        ({"columns": {"user_id": 0}}, "counted from 1, not 0"),
        ({"columns": {"user_id": "a", "item_id": "a"}}, "'a' is given two names"),
    ],
)
def test_wrong_formats(values: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        TableFormat.model_validate(values)


def test_separators_have_names() -> None:
    assert [name_separator(mark) for mark in ("|", "~")] == ["bars", "'~'"]
