"""MovieLens-1M: the facts of the published split, and the original format giving the same data as the slice."""

from __future__ import annotations

import html
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import SPLITS, TEST
from thinkrec.data.loaders.movielens import (
    FILM_WORDS,
    format_display_title,
    load_ml1m_slice,
    load_movielens_dataset,
    load_movielens_tables,
)
from thinkrec.data.split import ByMonths, assign_split
from thinkrec.errors import DataError

ROWS = ["user_id", "item_id", "label", "timestamp", "split"]
OUTSIDE = [(1, 1, 5, 991353599), (1, 2, 1, 978300760), (838, 3, 4, 1044057600), (6040, 4, 3, 956703932)]
"""(user, item, rating, time): a second before the window, long before, at its end, and a user with no row inside."""


def write_original(folder: Path, rows: pl.DataFrame, films: pl.DataFrame) -> None:
    """ratings.dat and movies.dat as the published archive has them; `rows` in the order to be written."""
    ratings = rows.select(pl.concat_str(["user_id", "item_id", "rating", "timestamp"], separator="::")).to_series()
    (folder / "ratings.dat").write_text("".join(f"{line}\n" for line in ratings), encoding="latin-1")
    lines = [f"{a}::{b}::{'|'.join(c)}\n" for a, b, c in films.select("item_id", "title", "genres").iter_rows()]
    (folder / "movies.dat").write_text("".join(lines), encoding="latin-1")


def rated(slice_: pl.DataFrame) -> pl.DataFrame:
    """The slice with stars for labels and rows outside the window, by user, and in `order` within a user."""
    stars = slice_.select(
        "user_id", "item_id", pl.col("label").replace_strict({0: 2, 1: 5}).alias("rating"), "timestamp", "order"
    )
    outside = pl.DataFrame(OUTSIDE, schema=["user_id", "item_id", "rating", "timestamp"], orient="row")
    both = pl.concat([stars, outside.with_columns(order=pl.lit(-1))], how="vertical_relaxed")
    return both.sort("user_id", "order")


def as_rows(data: Dataset) -> list[tuple]:
    """Every row with its original ids, in the sorted order of the data set."""
    table = data.interactions
    users, wares = [data.user_ids[code] for code in table.user], [data.items.ids[code] for code in table.item]
    splits = [SPLITS[code] for code in table.split]
    return list(zip(users, wares, table.label.tolist(), table.timestamp.tolist(), splits, strict=True))


@pytest.fixture(scope="module")
def tables(ml1m_folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    rows = pl.read_parquet(ml1m_folder / "interactions.parquet").with_columns(pl.col("split").cast(pl.String))
    return rows, pl.read_parquet(ml1m_folder / "items.parquet")


@pytest.fixture(scope="module")
def slice_data(ml1m_folder: Path) -> Dataset:
    return load_ml1m_slice(ml1m_folder)


@pytest.fixture(scope="module")
def original(tables: tuple[pl.DataFrame, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ml-1m")
    write_original(folder, rated(tables[0]), tables[1])
    return folder


def test_the_published_facts(slice_data: Dataset) -> None:
    summary = slice_data.summarise()
    assert summary["rows"] == {"all": 51_623, "train": 33_891, "valid": 10_401, "test": 7_331}
    assert {name: round(rate, 3) for name, rate in summary["like_rate"].items()} == {
        "all": 0.536,
        "train": 0.537,
        "valid": 0.528,
        "test": 0.545,
    }
    assert (summary["users"], summary["items"], summary["items_with_rows"]) == (838, 3_883, 3_255)
    assert slice_data.user_ids == list(range(1, 839))
    assert round(summary["cold_test_share"], 2) == 0.42
    table = slice_data.interactions
    test = table.get_split_rows(TEST)
    users, counts = np.unique(table.user[test], return_counts=True)
    likes = np.bincount(table.user[test], weights=table.label[test], minlength=838)[users]
    assert (len(users), int((counts > 1).sum()), int(((likes > 0) & (likes < counts)).sum())) == (320, 287, 224)


def test_the_slices_order_is_its_time_order_with_ties(slice_data: Dataset) -> None:
    """`order` runs by user, then time; so sorting by (user, time, order) leaves it 0, 1, 2, ..."""
    assert np.array_equal(slice_data.interactions.order, np.arange(51_623))
    assert np.array_equal(slice_data.interactions.find_rows(np.array([0, 51_622])), [0, 51_622])


def test_canonical_frames_and_the_paper_split(original: Path, tables: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    rows, films = tables
    interactions, wares = load_movielens_tables(original)
    assert interactions.height == rows.height + len(OUTSIDE)
    # One title of the original has a character written as HTML does: "Et Dieu&#8230;Créa la Femme".
    assert wares["title"].to_list() == [html.unescape(title) for title in films["title"]]
    assert any("…" in title for title in wares["title"]) and not any("&#" in title for title in wares["title"])
    assert "Misérables, Les (1995)" in wares["title"]
    assert wares["keywords"].to_list() == films["genres"].to_list()
    inside = assign_split(interactions, ByMonths())
    assert inside.select(ROWS).equals(rows.sort("order").select(ROWS).cast(inside.select(ROWS).schema))


def test_the_original_format_gives_the_same_data(original: Path, slice_data: Dataset) -> None:
    data = load_movielens_dataset(original)
    assert as_rows(data) == as_rows(slice_data)
    assert data.summarise() == slice_data.summarise()
    assert (data.items.ids, data.items.titles, data.items.keywords) == (
        slice_data.items.ids,
        slice_data.items.titles,
        slice_data.items.keywords,
    )
    assert data.domain == slice_data.domain == FILM_WORDS
    # The same rows in the same order; only the numbers in `order` differ, as the file has further lines.
    assert [np.argsort(data.interactions.order).tolist()] == [np.argsort(slice_data.interactions.order).tolist()]


def test_rows_of_a_user_need_not_be_in_time_order(
    tables: tuple[pl.DataFrame, pl.DataFrame], slice_data: Dataset, tmp_path: Path
) -> None:
    """As in the published file. Moments are shuffled, rows of one moment keep their order: the result is the same."""
    mixed = rated(tables[0]).with_columns(
        shuffled=pl.struct("user_id", "timestamp").hash(seed=5), place=pl.int_range(pl.len())
    )
    mixed = mixed.sort("user_id", "shuffled", "place")
    assert not mixed.group_by("user_id").agg(pl.col("timestamp").is_sorted().alias("ok"))["ok"].all()
    write_original(tmp_path, mixed, tables[1])
    assert as_rows(load_movielens_dataset(tmp_path)) == as_rows(slice_data)


def test_keywords_of_the_slice(ml1m_folder: Path, slice_data: Dataset) -> None:
    assert slice_data.items.keywords[0] == ("Animation", "Children's", "Comedy")
    written = load_ml1m_slice(ml1m_folder, keywords="written")
    came = pl.read_parquet(ml1m_folder / "keywords.parquet")
    assert written.items.keywords == [tuple(words) for words in came.sort("item_id")["keywords"].to_list()]
    both = load_ml1m_slice(ml1m_folder, keywords="both")
    assert both.items.keywords[0] == (*written.items.keywords[0], *slice_data.items.keywords[0])
    none = load_ml1m_slice(ml1m_folder, keywords="none")
    assert set(none.items.keywords) == {()}
    assert len({data.compute_fingerprint() for data in (slice_data, written, both, none)}) == 4
    assert {"year", "genres", "plot", "director", "actors", "country", "summary", "tags"} == set(
        written.items.texts.columns
    )
    assert slice_data.items.texts["genres"][0] == "Animation, Children's, Comedy"
    assert slice_data.items.titles[10] == "The American President (1995)"
    with pytest.raises(DataError, match="Use 'genres', 'written', 'both' or 'none'"):
        load_ml1m_slice(ml1m_folder, keywords="plots")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("Matrix, The (1999)", "The Matrix (1999)"),
        ("Midsummer Night's Dream, A (1999)", "A Midsummer Night's Dream (1999)"),
        ("Enfer, L' (1994)", "L'Enfer (1994)"),
        ("Big Blue, The (Le Grand Bleu) (1988)", "The Big Blue (Le Grand Bleu) (1988)"),
        ("Tin Drum, The (Blechtrommel, Die) (1979)", "The Tin Drum (Die Blechtrommel) (1979)"),
        ("Wonderful, Horrible Life, The (1993)", "The Wonderful, Horrible Life (1993)"),
        ("Associate, The (L'Associe)(1982)", "The Associate (L'Associe)(1982)"),
        ("Girl, Interrupted (1999)", "Girl, Interrupted (1999)"),
        ("Paris, Texas (1984)", "Paris, Texas (1984)"),
        (
            "Strike! (a.k.a. All I Wanna Do, The Hairy Bird) (1998)",
            "Strike! (a.k.a. All I Wanna Do, The Hairy Bird) (1998)",
        ),
        ("Matrix, The", "The Matrix"),
        ("", ""),
    ],
)
def test_display_title(raw: str, shown: str) -> None:
    assert format_display_title(raw) == shown
    assert format_display_title(shown) == shown


def test_damaged_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"ratings\.dat: cannot be read"):
        load_movielens_tables(tmp_path)
    (tmp_path / "movies.dat").write_bytes("1::Caf\u00e9\x85 Noir (1990)::Drama|War\r\n".encode("latin-1"))
    (tmp_path / "ratings.dat").write_text("1::1::5::991353600\n1::1::4\n")
    with pytest.raises(DataError, match=r"ratings\.dat: line 2 does not have the fields user_id::item_id"):
        load_movielens_tables(tmp_path)
    (tmp_path / "ratings.dat").write_text("1::1::5::991353600\nx::1::4::991353600\n")
    with pytest.raises(DataError, match=r"ratings\.dat: line 2: user_id 'x' is not a whole number"):
        load_movielens_tables(tmp_path)
    (tmp_path / "ratings.dat").write_text("")
    with pytest.raises(DataError, match=r"ratings\.dat: the table has no rows"):
        load_movielens_tables(tmp_path)
    (tmp_path / "ratings.dat").write_text("1::1::3::991353600\n")
    rows, films = load_movielens_tables(tmp_path)
    assert rows["label"].to_list() == [0]
    assert films.row(0) == (1, "Caf\u00e9 Noir (1990)", ["Drama", "War"])
    with pytest.raises(DataError, match="split by months leaves no rows for valid, test"):
        load_movielens_dataset(tmp_path)
    with pytest.raises(DataError, match=r"items\.parquet: no such file"):
        load_ml1m_slice(tmp_path)
