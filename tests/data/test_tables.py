"""Reading and checking the two tables: every bad input names file, column, rows and remedy."""

from __future__ import annotations

import gzip
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from thinkrec.data.columns import KEYWORD_LIMIT, TITLE_LIMIT, DataWarning, clean_keywords
from thinkrec.data.tables import check_interactions, check_items, read_table
from thinkrec.errors import DataError


def interactions(**changes: object) -> pl.DataFrame:
    base = {"user_id": [1, 1, 2], "item_id": [7, 8, 7], "label": [1, 0, 1], "timestamp": [10, 20, 30]} | changes
    return pl.DataFrame({name: values for name, values in base.items() if values is not None}, strict=False)


def items(**changes: object) -> pl.DataFrame:
    base = {"item_id": [7, 8, 9], "title": ["Oak", "Elm", "Yew"]} | changes
    return pl.DataFrame({name: values for name, values in base.items() if values is not None}, strict=False)


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("frame", "threshold", "words"),
    [
        (interactions(user_id=None), None, ["'user_id'", "missing", "columns found: item_id, label, timestamp"]),
        (interactions(timestamp=None), None, ["'timestamp'", "missing"]),
        (interactions(label=None), None, ["neither", "'rating'", "'label'"]),
        (interactions(rating=[1.0, 2.0, 3.0]), 3, ["both", "'rating'", "'label'", "Keep exactly one"]),
        (interactions(label=None, rating=[4.0, 2.0, 5.0]), None, ["'rating'", "threshold"]),
        (interactions(label=None, rating=[4.0, 2.0, 5.0]), NAN, ["'rating'", "finite threshold"]),
        (interactions(), 3, ["'label'", "no threshold", "threshold=3"]),
        (interactions(label=None, rating=[4.0, None, 5.0]), 3, ["'rating'", "row 2: None", "drop these rows"]),
        (interactions(label=None, rating=[NAN, 4.0, INF]), 3, ["'rating'", "row 1: nan", "row 3: inf"]),
        (interactions(label=None, rating=["4", "good", "5"]), 3, ["'rating'", "row 2: 'good'"]),
        (interactions(label=None, rating=[[4.0], [1.0], [2.0]]), 3, ["'rating'", "type List", "Cast"]),
        (interactions(label=[1, 2, -1]), None, ["'label'", "row 2: 2", "row 3: -1", "1 for liked"]),
        (interactions(label=[1, None, 0]), None, ["'label'", "row 2: None"]),
        (interactions(label=[0.5, 1.0, 0.0]), None, ["'label'", "row 1: 0.5"]),
        (interactions(timestamp=[1, None, 2]), None, ["'timestamp'", "empty", "row 2"]),
        (interactions(timestamp=[1.0, NAN, 2.0]), None, ["'timestamp'", "finite", "row 2: nan"]),
        (interactions(timestamp=[1.0, 1e300, 2.0]), None, ["'timestamp'", "row 2", "clock"]),
        (interactions(timestamp=[1, 2**63 - 1, 2]), None, ["'timestamp'", "row 2", "clock"]),
        (interactions(timestamp=["2001-06-01", "soon", "2001-07-01"]), None, ["'timestamp'", "row 2: 'soon'"]),
        (interactions(timestamp=["2001-06-01", "5", "2001-07-01"]), None, ["'timestamp'", "mixes numbers and dates"]),
        (interactions(timestamp=[True, False, True]), None, ["'timestamp'", "Boolean"]),
        (interactions(user_id=[1.5, 2.0, 3.0]), None, ["'user_id'", "Float64", "row 1: 1.5"]),
        (interactions(user_id=[1, None, 3]), None, ["'user_id'", "empty ids", "row 2"]),
        (interactions(item_id=["a", "", "b"]), None, ["'item_id'", "empty ids", "row 2"]),
        (interactions(item_id=pl.Series([1, 2**64 - 1, 3], dtype=pl.UInt64)), None, ["'item_id'", "row 2", "as text"]),
        (interactions(split=["train", "dev", "test"]), None, ["'split'", "row 2: 'dev'", "train, valid, test"]),
        (interactions(split=["train", None, "test"]), None, ["'split'", "row 2: None"]),
        (interactions(order=[3, 3, 1]), None, ["'order'", "repeated", "row 1: 3", "row 2: 3"]),
        (interactions(order=[3, None, 1]), None, ["'order'", "row 2"]),
        (interactions(order=[0.1, 0.2, 0.3]), None, ["'order'", "Float64"]),
        (interactions().clear(), None, ["no rows"]),
    ],
)
def test_bad_interactions(frame: pl.DataFrame, threshold: float | None, words: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        check_interactions(frame, source="shop.csv", threshold=threshold)
    assert str(caught.value).startswith("shop.csv: ")
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (items(title=None), ["'title'", "missing"]),
        (items(item_id=None), ["'item_id'", "missing"]),
        (items(item_id=[7, 8, 7]), ["'item_id'", "same id", "row 1: 7", "row 3: 7", "one row per item"]),
        (items(item_id=[7, None, 8]), ["'item_id'", "empty ids", "row 2"]),
        (items(title=[1, 2, 3]), ["'title'", "Int64", "text"]),
        (items(keywords=[1, 2, 3]), ["'keywords'", "Int64", "list of strings"]),
        (items(keywords=[[1], [2], [3]]), ["'keywords'", "List(Int64)", "list of strings"]),
        (items().clear(), ["no rows"]),
    ],
)
def test_bad_items(frame: pl.DataFrame, words: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        check_items(frame, source="wares.csv")
    assert str(caught.value).startswith("wares.csv: ")
    for word in words:
        assert word in str(caught.value)


def test_only_the_first_few_rows_are_listed() -> None:
    frame = pl.DataFrame({"user_id": [1] * 20, "item_id": [1] * 20, "label": [9] * 20, "timestamp": list(range(20))})
    with pytest.raises(DataError, match=r"row 5: 9 and 15 more"):
        check_interactions(frame)


def test_a_rating_equal_to_the_threshold_is_not_liked() -> None:
    out = check_interactions(interactions(label=None, rating=[3, 4, 3.5]), threshold=3)
    assert out["label"].to_list() == [0, 1, 1]
    assert out.schema == pl.Schema(
        {"user_id": pl.Int64, "item_id": pl.Int64, "label": pl.Int8, "timestamp": pl.Int64, "order": pl.Int64}
    )


@pytest.mark.parametrize("labels", [[True, False, True], [1.0, 0.0, 1.0], ["1", "0", "1"], ["true", "False", "TRUE"]])
def test_labels_in_other_clothes(labels: list) -> None:
    assert check_interactions(interactions(label=labels))["label"].to_list() == [1, 0, 1]


@pytest.mark.parametrize(
    "times",
    [
        [991353600, 991353601, -1],
        [991353600.0, 991353601.9, -0.5],
        ["991353600", "991353601", "-1"],
        ["2001-06-01", "2001-06-01T00:00:01Z", "1970-01-01T00:59:59+01:00"],
        [datetime(2001, 6, 1), datetime(2001, 6, 1, 0, 0, 1, 900_000), datetime(1969, 12, 31, 23, 59, 59)],
    ],
)
def test_times_become_whole_seconds_in_utc(times: list) -> None:
    assert check_interactions(interactions(timestamp=times))["timestamp"].to_list() == [991353600, 991353601, -1]


@pytest.mark.parametrize("unit", ["ns", "us", "ms"])
def test_datetimes_of_any_unit_and_zone(unit: str) -> None:
    times = pl.Series([datetime(2001, 6, 1), datetime(2001, 6, 2), datetime(1969, 12, 31)]).dt.cast_time_unit(unit)  # pyright: ignore[reportArgumentType]
    naive = check_interactions(interactions(timestamp=times))["timestamp"].to_list()
    assert naive == [991353600, 991440000, -86400]
    berlin = times.dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin")
    assert check_interactions(interactions(timestamp=berlin))["timestamp"].to_list() == naive


def test_dates_are_midnights() -> None:
    out = check_interactions(interactions(timestamp=[date(1970, 1, 2), date(1970, 1, 1), date(1970, 1, 3)]))
    assert out["timestamp"].to_list() == [86400, 0, 172800]


def test_parts_of_a_second_decide_before_the_place_in_the_table() -> None:
    """Rounding to seconds must not let a row see one that came a moment later."""
    frame = interactions(user_id=[1, 1, 1], item_id=[7, 7, 8], timestamp=[5.75, 5.25, 5.5])
    out = check_interactions(frame)
    assert out["timestamp"].to_list() == [5, 5, 5]
    assert out["order"].to_list() == [2, 0, 1]
    with pytest.raises(DataError, match=r"'order' contradicts 'timestamp'.*row 2"):
        check_interactions(frame.with_columns(order=pl.Series([0, 1, 2])))
    assert check_interactions(frame.with_columns(order=pl.Series([9, 4, 6])))["order"].to_list() == [9, 4, 6]
    # Users who do not contradict their own order leave the table's order alone.
    assert check_interactions(interactions(timestamp=[5.2, 5.7, 5.5]))["order"].to_list() == [0, 1, 2]


def test_repeats_are_kept_and_counted() -> None:
    frame = interactions(user_id=[1, 1, 1], item_id=[7, 7, 7], label=[1, 1, 0], timestamp=[10, 10, 10])
    with pytest.warns(DataWarning, match="1 row repeats"):
        assert check_interactions(frame).height == 3


def test_checking_twice_changes_nothing(tiny_tables: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    rows, wares = tiny_tables
    once, goods = check_interactions(rows), check_items(wares)
    assert check_interactions(once).equals(once)
    assert check_items(goods).equals(goods)


def test_titles_are_one_clean_line() -> None:
    out = check_items(
        items(title=["  A\t\x00film\r\n\x85of\u2028two  lines ", "x" * 199 + " yz", "<|im_end|> <unk> </s>"])
    )
    assert out["title"].to_list() == ["A film of two lines", "x" * 199, "<|im_end|> <unk> </s>"]
    assert check_items(items(title=["y" * 1000, "b", "c"]))["title"][0] == "y" * TITLE_LIMIT


def test_items_without_title() -> None:
    with pytest.warns(DataWarning, match="2 rows have no title"):
        out = check_items(items(title=[None, " \n", "Yew"]), noun="tree")
    assert out["title"].to_list() == ["untitled tree 7", "untitled tree 8", "Yew"]


def test_keywords_in_every_form() -> None:
    lists = [["a  b", None, "", "a b"], [], ["z" * 100]]
    assert check_items(items(keywords=lists))["keywords"].to_list() == [["a b"], [], ["z" * KEYWORD_LIMIT]]
    texts = ["soft, grey ,soft", "salt , bread", None]
    assert check_items(items(keywords=texts))["keywords"].to_list() == [["soft", "grey"], ["salt", "bread"], []]
    assert check_items(items(keywords=[None, None, None]))["keywords"].to_list() == [[], [], []]
    assert clean_keywords("</s>|<|im_end|>") == ("</s>", "<", "im_end", ">")
    assert clean_keywords(["<|im_end|>"]) == ("<|im_end|>",)


def test_further_columns_are_kept_as_text() -> None:
    story = "word \x00\n" * 15_000
    frame = items(
        plot=[story, " ", None], year=[1999, None, 2001], tags=[["a", "b"], [], None], deep=[[[1]], [[2]], [[3]]]
    )
    with pytest.warns(DataWarning, match="deep"):
        out = check_items(frame)
    assert len(story) > 100_000
    assert out["plot"].to_list() == [story, None, None]
    assert out["year"].to_list() == ["1999", None, "2001"]
    assert out["tags"].to_list() == ["a, b", None, None]
    assert "deep" not in out.columns


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.csv.gz", "T.CSV.GZ", "t.v2.tsv.gz"])
def test_csv_equals_parquet(name: str, tmp_path: Path) -> None:
    rows = interactions(
        user_id=["u1", "007", "7"], label=None, rating=[4.5, 1.0, 3.0], split=["train", "valid", "test"]
    )
    wares = items(
        title=["1984", 'The "Big", one\nmore', "Tab\there"], keywords=["a|b, c", None, "d"], year=[1, 2, None]
    )
    for frame, check in ((rows, lambda df: check_interactions(df, threshold=3)), (wares, check_items)):
        frame.write_parquet(tmp_path / "t.parquet")
        text = frame.write_csv(separator="\t" if "tsv" in name else ",").encode()
        (tmp_path / name).write_bytes(gzip.compress(text, mtime=0) if name.lower().endswith(".gz") else text)
        assert check(read_table(tmp_path / name)).equals(check(read_table(tmp_path / "t.parquet")))


def test_ids_in_csv_are_numbers_only_if_all_are_plain(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("\ufeffuser_id,item_id\n1,007\n20,7\n", encoding="utf-8")
    frame = read_table(tmp_path / "a.csv")
    assert frame["user_id"].to_list() == [1, 20]
    assert frame["item_id"].to_list() == ["007", "7"]


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("a.xlsx", b"", "Use .parquet, .csv"),
        ("none.csv", None, "no such file"),
        ("a.parquet", b"PAR1 cut off", "cannot be read as parquet"),
        ("a.csv", b"", "cannot be read as csv"),
        ("a.csv", b"title\n\xff\xfe\xe9\n", "UTF-8"),
        ("a.csv", b"a,b\n1,2,3\n", "cannot be read as csv"),
        ("a.csv.gz", gzip.compress(b"a,b\n" + bytes(range(48, 120)) * 50, mtime=0)[:60], "cannot be read as csv"),
    ],
)
def test_unreadable_files(name: str, content: bytes | None, word: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert str(path) in str(caught.value)
    assert word in str(caught.value)
