"""What is read in compiled code is what the interpreting reader reads, and all else is left to that."""

from __future__ import annotations

import warnings
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkrec.data import plain_lines
from thinkrec.data.dataset import Dataset
from thinkrec.data.plain_lines import read_plain_lines
from thinkrec.data.split import ByFractions
from thinkrec.data.table_format import PLAIN_FORMAT, TableFormat
from thinkrec.data.tables import check_interactions, read_table
from thinkrec.errors import DataError

NEVER = 1 << 60
FIELDS = st.text(alphabet='a1.é \u2028"', max_size=4)
ROWS = st.lists(st.lists(FIELDS, min_size=1, max_size=4), min_size=1, max_size=6)


def read_either_way(path: Path, least: int, monkeypatch: pytest.MonkeyPatch) -> tuple[object, list[str]]:
    """The frame as text, or the message of the error; and the warnings."""
    monkeypatch.setattr(plain_lines, "MIN_BYTES", least)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            frame = read_table(path)
        except DataError as error:
            return str(error), []
    frame = frame.with_columns(pl.col(pl.Categorical).cast(pl.String))
    return (frame.columns, frame.dtypes, frame.rows()), [str(w.message) for w in caught]


@given(ROWS, st.sampled_from(["\n", "\r\n", "\r", "\n\n"]), st.booleans(), st.sampled_from([".csv", ".tsv"]))
def test_either_reader_gives_the_same(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], end: str, closed: bool, kind: str
) -> None:
    separator = "," if kind == ".csv" else "\t"
    header = ["user_id", "item_id", "rating", "note"][: len(rows[0])]
    text = end.join(separator.join(row) for row in [header, *rows]) + (end if closed else "")
    path = tmp_path_factory.mktemp("plain") / f"table{kind}"
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        assert read_either_way(path, 0, patch) == read_either_way(path, NEVER, patch)


PLAIN = "user_id,item_id,title\n" + "".join(f"u{i % 7},i{i},a title {i}\n" for i in range(50))


@pytest.mark.parametrize(
    ("change", "is_plain"),
    [
        (lambda text: text, True),
        (lambda text: text.replace("\n", "\r\n"), True),
        (lambda text: "\ufeff" + text, True),
        (lambda text: text.rstrip("\n"), True),
        (lambda text: text.replace("a title 9\n", 'a "title" 9\n'), False),
        (lambda text: text.replace("a title 9\n", "a title, 9\n"), False),
        (lambda text: text.replace(",a title 9\n", "\n"), False),
        # A line too long and one too short: the number of separators is right.
        (lambda text: text.replace("a title 9\n", "a title, 9\n").replace(",a title 8\n", "\n"), False),
        (lambda text: text.replace("a title 9\n", "a title 9\n\n"), False),
        (lambda text: text.replace("user_id,item_id,title\n", "user_id,item_id,title\n\n"), False),
        (lambda text: text.replace("a title 9\n", "a title\r9\n"), False),
        (lambda text: text.replace("a title 9\n", "a\0title 9\n"), False),
    ],
)
def test_what_is_plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change, is_plain: bool) -> None:
    monkeypatch.setattr(plain_lines, "MIN_BYTES", 0)
    monkeypatch.setattr(plain_lines, "_CHUNK", 5)  # every mark lies across two chunks somewhere
    path = tmp_path / "table.csv"
    path.write_bytes(change(PLAIN).encode())
    frame = read_plain_lines(path, "csv", PLAIN_FORMAT, ",")
    assert (frame is not None) == is_plain
    if frame is not None:
        assert frame.columns == ["user_id", "item_id", "title"] and frame.height == 50
        assert frame["title"].to_list() == [f"a title {i}" for i in range(50)]
    path.write_bytes(PLAIN.encode() + b"u1,i1,\xff\n")
    assert read_plain_lines(path, "csv", PLAIN_FORMAT, ",") is None
    assert read_plain_lines(path, "csv", TableFormat(header=False), ",") is None


def test_ids_are_held_once_in_interactions_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_lines, "MIN_BYTES", 0)
    path = tmp_path / "table.csv"
    path.write_text(PLAIN.replace("user_id", "who"))
    form = TableFormat(columns={"user_id": 1, "item_id": "item_id"})
    frame = read_plain_lines(path, "csv", form, ",")
    assert frame is not None and frame.dtypes == [pl.Categorical, pl.Categorical, pl.String]
    frame = read_plain_lines(path, "csv", PLAIN_FORMAT, ",")
    assert frame is not None and frame.dtypes == [pl.String] * 3


@pytest.mark.parametrize("ids", ["text", "numbers", "odd"])
def test_a_data_set_is_the_same_either_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ids: str) -> None:
    user = {"text": "u{}", "numbers": "{}", "odd": " u{}"}[ids]
    rows = [(user.format(i % 9), f"i{i % 20}", i % 5 + 1, 10**9 + 977 * i % 5000) for i in range(200)]
    rows += rows[:3]  # repeats are counted, in either table
    (tmp_path / "r.csv").write_text(
        "user_id,item_id,rating,timestamp\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)
    )
    (tmp_path / "i.csv").write_text("item_id,title\n" + "".join(f"i{i},Title {i}\n" for i in range(20)))
    prints, told = [], []
    for least in (0, NEVER):
        monkeypatch.setattr(plain_lines, "MIN_BYTES", least)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            ds = Dataset.from_tables(tmp_path / "r.csv", tmp_path / "i.csv", threshold=3, split=ByFractions())
        prints.append(ds.compute_fingerprint())
        told.append([str(w.message) for w in caught])
    assert prints[0] == prints[1] and told[0] == told[1]
    assert any("repeat an earlier row exactly" in text for text in told[0])
    (tmp_path / "i.csv").write_text("item_id,title\n" + "".join(f"i{i},Title {i}\n" for i in range(19)))
    messages = []
    for least in (0, NEVER):
        monkeypatch.setattr(plain_lines, "MIN_BYTES", least)
        with warnings.catch_warnings(), pytest.raises(DataError) as refused:
            warnings.simplefilter("ignore")
            Dataset.from_tables(tmp_path / "r.csv", tmp_path / "i.csv", threshold=3, split=ByFractions())
        messages.append(str(refused.value))
    assert messages[0] == messages[1] and "i19" in messages[0]


TIMED = "user_id,item_id,rating,timestamp\n" + "".join(f"u{i % 7},i{i},{i % 5}.0,{10**9 + i}\n" for i in range(50))


@pytest.mark.parametrize("last", ["1000000050", "2001-09-09", "1000000050.5", " 1000000050", "", "soon", "9" * 25])
def test_times_are_numbers_where_all_are_and_mean_the_same_either_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    monkeypatch.setattr(plain_lines, "MIN_BYTES", 0)
    path = tmp_path / "table.csv"
    path.write_text(TIMED + f"u1,i50,5.0,{last}\n")
    frame = read_plain_lines(path, "csv", PLAIN_FORMAT, ",")
    is_number = (last.strip().isdecimal() and len(last) < 19) or not last
    assert (frame is not None) == is_number
    assert frame is None or frame["timestamp"].dtype == pl.Int64

    def read(least: int) -> object:
        monkeypatch.setattr(plain_lines, "MIN_BYTES", least)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                table = check_interactions(read_table(path), threshold=3)
            except DataError as error:
                return str(error)
        return table["timestamp"].to_list()

    assert read(0) == read(NEVER)
