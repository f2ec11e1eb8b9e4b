"""Files of text: every line is read or the file is refused, with the line, the column, the text and what to do."""

from __future__ import annotations

import gzip
import json
import warnings
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkrec.data.columns import DataWarning, require_columns
from thinkrec.data.tables import check_interactions, check_items, read_table
from thinkrec.errors import DataError

NAMES = ("user_id", "item_id", "note", "rating", "timestamp")
LIBRARY = ("infer_schema", "ignore_errors", "null_values", "schema_overrides", "truncate_ragged", "polars", "Hint")


def opening(note: str) -> str:
    return '"' + note


def closing(note: str) -> str:
    return note + '"'


def inside(note: str) -> str:
    return note[:1] + '"' + note[1:]


def forty(separator: str, changes: dict[int, Callable[[str], str]]) -> str:
    """Forty rows, those given (from 1) with a changed note."""
    lines = [separator.join(NAMES)]
    for row in range(1, 41):
        note = changes.get(row, str)(f"note {row}")
        lines.append(separator.join((f"u{row % 5}", f"i{row}", note, str(row % 5 + 1), str(1000 + row))))
    return "\n".join(lines) + "\n"


def write(path: Path, text: str | bytes) -> Path:
    content = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_table(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and not any(word in message for word in LIBRARY), message
    return message


@pytest.mark.parametrize("ending", [".tsv", ".tsv.gz"])
@pytest.mark.parametrize("first", [opening, closing, inside])
@pytest.mark.parametrize("second", [opening, closing, inside])
def test_a_quote_in_tsv_is_a_character(first, second, ending: str, tmp_path: Path) -> None:
    found = read_table(write(tmp_path / f"t{ending}", forty("\t", {6: first, 31: second})))
    assert found.height == 40
    assert found["note"][5] == first("note 6") and found["note"][30] == second("note 31")
    labels = check_interactions(found, threshold=3)["label"].to_list()
    assert labels == [int(row % 5 + 1 > 3) for row in range(1, 41)]


@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
@pytest.mark.parametrize("first", [opening, closing, inside])
@pytest.mark.parametrize("second", [opening, closing, inside])
def test_a_stray_quote_in_csv_costs_no_row(first, second, ending: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"t{ending}", forty(",", {6: first, 31: second}))
    if opening not in (first, second):
        found = read_table(path)
        assert found.height == 40
        assert found["note"][5] == first("note 6") and found["note"][30] == second("note 31")
        return
    message = refusal(path)
    line = 7 if first is opening else 32
    assert f"line {line}, column 3" in message and "note" in message and "quote" in message


def test_lines_that_look_like_rows_are_not_swallowed(tmp_path: Path) -> None:
    """Also where only two rows are joined, and where one of the lines between is not whole."""
    two = write(tmp_path / "two.csv", forty(",", {6: opening, 7: closing}))
    assert "line 7, column 3 ('\"note 6,2,1006') is closed only in line 8" in refusal(two)
    torn = forty(",", {6: opening, 31: closing}).replace("note 18,", "note 18")
    assert "25 of these 26 lines look like rows of their own" in refusal(write(tmp_path / "torn.csv", torn))
    torn = forty("\t", {6: opening, 31: closing}).replace("note 18\t", "note 18")
    assert "line 19 has 4 fields where the header has 5" in refusal(write(tmp_path / "torn.tsv", torn))


def test_texts_of_several_lines_are_one_field(tmp_path: Path) -> None:
    story = 'He said "no",\nand, in the end,\r\nshe said\u2028yes\tthen; so: "b2,x"'
    frame = pl.DataFrame({"item_id": ["b1", "b2"], "title": ["A", "B"], "plot": [story, "short"]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, separator in (("t.csv", ","), ("t.tsv", "\t")):
            frame.write_csv(tmp_path / name, separator=separator)
            assert read_table(tmp_path / name).equals(frame)


def test_a_line_of_prose_that_could_be_a_row_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", 'item_id,keywords\nada,"war\nbut, also love"\n')
    with pytest.warns(DataWarning, match="1 field in quotes runs over lines .* lines 2 to 3"):
        assert read_table(path)["keywords"].to_list() == ["war\nbut, also love"]


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)


@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=8))
@pytest.mark.filterwarnings("ignore::thinkrec.data.columns.DataWarning")
def test_what_csv_holds_is_read_or_refused_and_never_changed(rows, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    frame = pl.DataFrame({"number": range(len(rows)), "a": [a for a, _ in rows], "b": [b for _, b in rows]})
    frame.write_csv(path, quote_style="always")
    try:
        found = read_table(path)
    except DataError as error:
        assert "look like rows of their own" in str(error)
        return
    assert found.with_columns(pl.col("number").cast(pl.Int64)).equals(frame)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "a,b\n1,2\n3\n", ["line 3 has 1 field where the header has 2", "'3"]),
        ("a.csv", "a,b\n1,2\n3,4,5\n6,7\n", ["line 3 has 3 fields", "every line every field"]),
        ("a.csv", "a,b\n1,2\n3", ["line 3 has 1 field", "was it cut off"]),
        ("a.tsv", "a\tb\n1\t2\n3\n", ["line 3 has 1 field", "tabs"]),
        ("a.csv", 'a,b\n"x" y,2\n', ["line 2: a quote closes the field", "line 2, column 1", "then comes more"]),
        ("a.csv", 'a,b\n1,2\n3,"x\n4,5\n', ["line 3, column 2", "never closed"]),
        ("a.csv", "title,x,title\n1,2,3\n", ["names two columns 'title'", "columns 1, 3"]),
        ("a.csv", "u1,i1,4,4\nu2,i2,3,5\n", ["seems to be a row already", "names in front"]),
        ("a.csv", "user_id;item_id;rating\n1;2;3,5\n", ["no comma but semicolons", "Save the table with commas"]),
        ("a.csv", "user_id\titem_id\n1\t2\n", ["no comma but tabs"]),
        ("a.tsv", "user_id,item_id\n1,2\n", ["no tab but commas"]),
        ("a.csv", "user_id::item_id\n1::2\n", ["no comma but double colons"]),
        ("a.csv", b"title\nab\ncaf\xe9 noir\n", ["line 3 is not UTF-8", "café noir", "Save the whole file in UTF-8"]),
        ("a.csv", "title\nné\n".encode() + b"\xe9t\xe9\n", ["line 3 is not UTF-8"]),
        ("a.csv", "a,b\n1,x\0y\n", ["line 2 holds a NUL byte"]),
        ("a.csv", "a,b\n1,2\n".encode("utf-16"), ["in UTF-16"]),
        ("a.csv", gzip.compress(b"a,b\n1,2\n", mtime=0), ["compressed by gzip", ".gz"]),
        ("a.csv", b"PK\x03\x04rest", ["zip archive or an Excel"]),
        ("a.csv", b"\n\n", ["the file is empty"]),
        ("a.jsonl", '{"a": 1}\n{"a": 2,}\n{"a": 3}\n', ["line 2, character", "is not JSON"]),
        ("a.jsonl", '{"a": 1}\n{"a": ', ["line 2", "was it cut off"]),
        ("a.jsonl", "{'a': 1, 'title': \"It's\"}\n", ["line 1", "single quotes", "json.dumps"]),
        ("a.jsonl", '[{"a": 1}]\n', ["line 1 is no object", "without brackets"]),
        ("a.jsonl", '{\n "a": 1\n}\n', ["line 1 is only '{'", "on one line"]),
        ("a.jsonl", '{"a": 1, "b": 2, "a": 3}\n', ["line 1 has the key 'a' twice"]),
        ("a.jsonl", b'{"a": "\xe9"}\n', ["line 1 is not UTF-8"]),
        ("a.jsonl", b"", ["the file is empty"]),
        ("a.parquet", b"PAR1 cut off", ["the file is damaged"]),
    ],
)
def test_what_is_refused_says_where_and_what_to_do(name: str, content, words: list[str], tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    message = refusal(path)
    assert f"cannot be read as {name.split('.')[1]}" in message
    for word in words:
        assert word in message


def test_unpacked_files_are_refused_alike(tmp_path: Path) -> None:
    assert "line 3 has 1 field" in refusal(write(tmp_path / "a.csv.gz", "a,b\n1,2\n3\n"))
    whole = gzip.compress(b"a,b\n" + b"1,2\n" * 5000, mtime=0)
    (tmp_path / "b.csv.gz").write_bytes(whole[:-20])
    assert "damaged or was not written in full" in refusal(tmp_path / "b.csv.gz")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends_and_the_mark_of_utf8_make_no_difference(end: str, mark: str, last: bool, tmp_path: Path) -> None:
    lines = ["user_id,item_id , title", "1,b1,Oak", '2,"b,2",""'] + ([""] if last else [])
    found = read_table(write(tmp_path / "a.csv", mark + end.join(lines)))
    assert found.columns == ["user_id", "item_id", "title"]
    assert found.rows() == [(1, "b1", "Oak"), (2, "b,2", None)]


def test_empty_lines_are_left_out_and_those_between_are_said(tmp_path: Path) -> None:
    with pytest.warns(DataWarning, match=r"2 empty lines are left out \(the first: line 3\)"):
        assert read_table(write(tmp_path / "a.csv", "a,b\n1,2\n\n \n3,4\n\n\n")).rows() == [("1", "2"), ("3", "4")]
    with pytest.warns(DataWarning, match=r"1 empty line .* line 2"):
        assert read_table(write(tmp_path / "a.jsonl", '{"a": 1}\n\n{"a": 2}\n')).rows() == [(1,), (2,)]


def test_columns_without_a_name(tmp_path: Path) -> None:
    found = read_table(write(tmp_path / "a.csv", ",title,,\n0,Oak,,\n1,Elm,,x\n"))
    assert found.columns == ["column_1", "title", "column_4"]


def test_long_texts_are_read(tmp_path: Path) -> None:
    long = "word, " * 60_000
    frame = pl.DataFrame({"item_id": [1], "plot": [long]})
    frame.write_csv(tmp_path / "a.csv")
    assert read_table(tmp_path / "a.csv")["plot"][0] == long


def test_many_rows_are_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from thinkrec.data import delimited_records

    monkeypatch.setattr(delimited_records, "_CHUNK", 7)
    assert read_table(write(tmp_path / "a.tsv", forty("\t", {})))["timestamp"].to_list() == [
        str(1000 + n) for n in range(1, 41)
    ]


def test_json_lines_keep_types_and_every_line_end_in_a_text(tmp_path: Path) -> None:
    rows = [{"item_id": 1, "title": "a\u2028b\u2029c\x85d\re", "x": 1}, {"item_id": 2, "title": "Elm", "x": 2.5}]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    for name in ("a.jsonl", "a.jsonl.gz"):
        found = read_table(write(tmp_path / name, "\ufeff" + text))
        assert found["title"].to_list() == [row["title"] for row in rows]
        assert found["x"].to_list() == [1.0, 2.5] and found["item_id"].dtype == pl.Int64
    assert check_items(found.drop("x"))["title"].to_list() == ["a b c d e", "Elm"]


def test_values_of_several_types_become_text_or_lists_or_are_refused(tmp_path: Path) -> None:
    mixed = '{"id": 7, "price": 1, "about": "x"}\n{"id": "b", "price": 2.5, "about": ["y", "z"]}\n'
    with pytest.warns(DataWarning) as caught:
        found = read_table(write(tmp_path / "a.jsonl", mixed))
    assert found.rows() == [("7", 1.0, ["x"]), ("b", 2.5, ["y", "z"])]
    said = [str(entry.message) for entry in caught]
    assert "column 'id' mixes values of several types (line 1: 7; line 2: 'b'); all are read as text" in said[0]
    assert "'about'" in said[1] and "list of one" in said[1] and len(said) == 2
    nested = write(tmp_path / "b.jsonl", '{"a": 1}\n{"a": ["x"]}\n')
    assert "column 'a' mixes values of several types (line 1: 1; line 2: ['x'])" in refusal(nested)


def test_keys_that_lines_lack_are_counted(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl", '{"item_id": 1, "title": "Oak"}\n{"item_id": 2}\n{"item_id": 3, "title": null}\n'
    )
    with pytest.warns(DataWarning, match=r"missing are 'title' in 1 \(the first: line 2\)"):
        assert read_table(path)["title"].to_list() == ["Oak", None, None]


@pytest.mark.parametrize(
    ("columns", "check", "words"),
    [
        (["userId", "item_id", "rating", "timestamp"], check_interactions, ["'user_id' is missing", "mean 'userId'"]),
        (["user_id", "movieId", "rating", "timestamp"], check_interactions, ["Did you mean 'movieId'"]),
        (["user_id", "item_id", "rating", "time"], check_interactions, ["Did you mean 'time'"]),
        (["user_id", "item_id", "stars", "timestamp"], check_interactions, ["neither", "Did you mean 'stars'"]),
        (["item_id", "Title"], check_items, ["Did you mean 'Title'"]),
        (["item_id", "tilte"], check_items, ["Did you mean 'tilte'"]),
        (["1", "1193", "5", "978300760"], check_interactions, ["seems to be a row already", "user_id, item_id"]),
        (["b1", "The Long Tide", "sea"], check_items, ["names in front if there is none"]),
        (["user_id", "item_id", "rating", "timestamp"], check_items, ["looks like a table of interactions"]),
        (["item_id", "title"], check_interactions, ["looks like a table of items"]),
    ],
)
def test_a_wrong_name_is_answered_with_the_right_one(columns, check, words: list[str]) -> None:
    with pytest.raises(DataError, match=r"^shop\.csv: ") as caught:
        check(
            pl.DataFrame({name: ["1"] for name in columns}),
            source="shop.csv",
            **({"threshold": 3} if check is check_interactions else {}),
        )
    assert "shop.csv: " in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_ratings_where_predictions_are_wanted() -> None:
    with pytest.raises(DataError, match=r"column 'order' is missing .* looks like a table of interactions"):
        require_columns(pl.DataFrame({name: [1] for name in NAMES}), ("order", "score"), "predictions.csv")
    with pytest.raises(DataError, match=r"looks like a table of predictions"):
        require_columns(pl.DataFrame({"order": [1], "score": [1.0]}), ("item_id", "label"), "history.csv")
