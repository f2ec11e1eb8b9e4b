"""Small files in the true formats of the published sources, quirks included, through `load_source`."""

from __future__ import annotations

import gzip
import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from thinkrec.data.dataset import Dataset
from thinkrec.data.loaders.prepare import load_source
from thinkrec.data.split import ByFractions
from thinkrec.errors import DataError, DataWarning

DAY = 86_400
PAIRS = [(user, item) for user in range(1, 9) for item in range(1, 7) if (user + item) % 3]


def load(name: str, folder: Path, **settings) -> tuple[Dataset, str]:
    """The data set and all warnings as one text."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        ds = load_source(name, folder, **settings)
    return ds, "\n".join(str(entry.message) for entry in caught)


def star(user: int, item: int) -> int:
    return 1 + (user * item) % 5


def when(user: int, item: int) -> int:
    return 1_400_000_000 + (user * 7 + item * 3) * DAY


def write_lines(path: Path, lines: list[str], encoding: str = "utf-8") -> None:
    data = "".join(f"{line}\n" for line in lines).encode(encoding)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def test_movielens_100k(tmp_path: Path) -> None:
    write_lines(tmp_path / "u.data", [f"{u}\t{i}\t{star(u, i)}\t{when(u, i)}" for u, i in PAIRS])
    genres = ["unknown", *(f"G{number}" for number in range(18))]
    write_lines(tmp_path / "u.genre", [f"{name}|{number}" for number, name in enumerate(genres)] + [""])
    flags = "|".join(["0", "1", "1", *["0"] * 16])
    films = [f"{i}|Mis\u00e9rables, Les (199{i})|01-Jan-1995||http://x|{flags}" for i in range(1, 7)]
    write_lines(tmp_path / "u.item", films, "latin-1")
    ds, _ = load("movielens-100k", tmp_path)
    assert len(ds.interactions) == len(PAIRS)
    assert ds.items.titles[0] == "Les Mis\u00e9rables (1991)" and ds.items.keywords[0] == ("G0", "G1")
    assert ds.interactions.label.sum() == sum(star(u, i) > 3 for u, i in PAIRS)
    write_lines(tmp_path / "u.data", ["1\t2\t3"])
    with pytest.raises(DataError, match="line 1 has 3 fields"):
        load("movielens-100k", tmp_path)


def test_movielens_latest_small(tmp_path: Path) -> None:
    rows = [f"{u},{i},{star(u, i) - 0.5},{when(u, i)}" for u, i in PAIRS]
    write_lines(tmp_path / "ratings.csv", ["userId,movieId,rating,timestamp", *rows])
    films = [f'{i},"American President, The (199{i})",Comedy|Drama' for i in range(1, 6)]
    write_lines(tmp_path / "movies.csv", ["movieId,title,genres", *films, "6,Oak (1990),(no genres listed)"])
    ds, _ = load("movielens-latest-small", tmp_path)
    assert ds.items.titles[0] == "The American President (1991)"
    assert ds.items.keywords[0] == ("Comedy", "Drama") and ds.items.keywords[-1] == ()
    assert ds.interactions.label.sum() == sum(star(u, i) - 0.5 > 3 for u, i in PAIRS)


def test_book_crossing(tmp_path: Path) -> None:
    rows = [f'"{u}";"00000000{i}x";"{2 * star(u, i)}"' for u, i in PAIRS]
    zeros = ['"1";"000000003x";"0"', '"2";"9999";"8"']
    write_lines(tmp_path / "BX-Book-Ratings.csv", ['"User-ID";"ISBN";"Book-Rating"', *rows, *zeros], "latin-1")
    book = '"00000000{}X";"The \\"Real\\" J; caf\u00e9 &amp; co";"Ann B";"1999"'
    books = [book.format(i) for i in range(1, 7)]
    header = '"ISBN";"Book-Title";"Book-Author";"Year-Of-Publication"'
    write_lines(tmp_path / "BX-Books.csv", [header, *books], "latin-1")
    ds, said = load("book-crossing", tmp_path)
    assert ds.items.titles[0] == 'The "Real" J; caf\u00e9 & co' and ds.items.keywords[0] == ("Ann B",)
    assert len(ds.interactions) == len(PAIRS)
    for part in ("1 of 34 rows have the rating 0", "1 of 33 rows name items", "has no times"):
        assert part in said, said
    with pytest.raises(DataError, match="has no times"):
        load("book-crossing", tmp_path, split=ByFractions())


def test_lastfm(tmp_path: Path) -> None:
    plays = [f"{u}\t{i}\t{u * i}" for u in range(1, 9) for i in range(1, 13) if (u + i) % 2]
    write_lines(tmp_path / "user_artists.dat", ["userID\tartistID\tweight", *plays])
    artists = [f"{i}\tArtist {i}\thttp://x\thttp://y" for i in range(1, 13)]
    write_lines(tmp_path / "artists.dat", ["id\tname\turl\tpictureURL", *artists])
    given = ["1\t1\t7\t1\t4\t2009", "2\t1\t7\t1\t4\t2009", "2\t1\t8\t1\t4\t2009"]
    write_lines(tmp_path / "user_taggedartists.dat", ["userID\tartistID\ttagID\tday\tmonth\tyear", *given])
    write_lines(tmp_path / "tags.dat", ["tagID\ttagValue", "7\tm\u00e9tal", "8\tambient"], "latin-1")
    ds, _ = load("lastfm", tmp_path)
    table = ds.interactions
    assert ds.items.keywords[0] == ("m\u00e9tal", "ambient")
    assert table.label.sum() == len(plays) and (table.label == 0).any()
    positive = {(u, i) for u, i in zip(table.user[table.label == 1], table.item[table.label == 1], strict=True)}
    assert not positive & set(zip(table.user[table.label == 0], table.item[table.label == 0], strict=True))


def test_yelp_window_activity_and_states(tmp_path: Path) -> None:
    business = [
        {"business_id": f"b{i}", "name": "A &amp; B", "city": "Reno", "state": "NV", "categories": "Bars, Food"}
        for i in range(1, 7)
    ]
    write_lines(tmp_path / "yelp_academic_dataset_business.json", [json.dumps(row) for row in business])
    dates = [
        "2009-12-31 23:59:59",
        "2015-03-01 10:00:00",
        "2019-11-30 23:59:59",
        "2019-12-01 00:00:00",
        "2022-05-05 01:02:03",
    ]
    review = [
        {"user_id": f"u{u}", "business_id": f"b{i}", "stars": float(star(u, i)), "date": dates[(u + i) % 5]}
        for u in range(1, 9)
        for i in range(1, 7)
    ]
    write_lines(tmp_path / "yelp_academic_dataset_review.json", [json.dumps(row) for row in review])
    ds, said = load("yelp", tmp_path, activity=2)
    assert ds.items.keywords[0] == ("Bars", "Food", "Reno", "NV") and ds.items.titles[0] == "A & B"
    late = int((ds.interactions.split > 0).sum())
    assert abs(int((ds.interactions.split == 2).sum()) * 2 - late) <= 1
    assert ds.interactions.timestamp.min() > 1_262_304_000 and "48 rows" not in said.split("activity")[0]
    _, said = load("yelp", tmp_path, activity=0)
    assert "not checked" not in said  # other settings than the paper's


def test_amazon_2018_and_2023(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    meta = [
        {"asin": f"B{i}", "title": "var aPageStart = (new Date()).getTime();" if i == 1 else "Tom &amp; <b>Jerry</b>",
         "category": ["Books", "Fiction"], "brand": "X", "description": ["a", "b"]}
        for i in (1, 1, 2, 3, 4, 5, 6)
    ]  # fmt: skip
    meta[1]["title"] = "Second line"
    write_lines(old / "meta_Books.json.gz", [json.dumps(row) for row in meta])
    write_lines(old / "Books.csv", [f"B{i},A{u},{star(u, i)}.0,{when(u, i)}" for u, i in PAIRS])
    ds, said = load("amazon-2018", old)
    assert ds.items.titles[:2] == ["Second line", "Tom & Jerry"] and ds.items.keywords[0] == ("Fiction",)
    assert "1 lines repeat an item" in said and ds.user_ids[0] == "A1"
    write_lines(old / "Books.csv", [f"A{u},B{i},{star(u, i)}.0,{when(u, i)}" for u, i in PAIRS])
    swapped, said = load("amazon-2018", old)
    assert "second column holds the items" in said and swapped.user_ids == ds.user_ids
    write_lines(
        new / "meta_X.jsonl.gz",
        [json.dumps({"parent_asin": f"P{i}", "title": "T", "categories": ["X", "Y"]}) for i in range(1, 7)],
    )
    rows = [
        {"user_id": f"A{u}", "asin": "other", "parent_asin": f"P{i}", "rating": 5.0 if star(u, i) > 3 else 1.0,
         "timestamp": when(u, i) * 1000 + 7}
        for u, i in PAIRS
    ]  # fmt: skip
    write_lines(new / "X.jsonl", [json.dumps(row) for row in rows])
    ds, _ = load("amazon-2023", new)
    assert ds.items.keywords[0] == ("Y",) and ds.interactions.timestamp.min() == min(when(u, i) for u, i in PAIRS)
    write_lines(new / "X.jsonl", ['{"user_id": '])
    with pytest.raises(DataError, match="line 1 is not JSON"):
        load("amazon-2023", new)


def test_goodreads_and_steam(tmp_path: Path) -> None:
    books = [
        {"book_id": f"{i}", "title": "T", "popular_shelves": [{"name": "to-read"}, {"name": "sci-fi"}]}
        for i in range(1, 7)
    ]
    write_lines(tmp_path / "goodreads_books_poetry.json.gz", [json.dumps(row) for row in books])
    rows = [
        {"user_id": f"u{u}", "book_id": f"{i}", "rating": star(u, i) - 1,
         "date_added": f"Wed May {u:02} 09:33:4{i} -0700 2018"}
        for u, i in PAIRS
    ]  # fmt: skip
    write_lines(tmp_path / "goodreads_interactions_poetry.json.gz", [json.dumps(row) for row in rows])
    ds, said = load("goodreads", tmp_path)
    assert ds.items.keywords[0] == ("sci fi",) and "rating 0" in said
    steam = tmp_path / "steam"
    steam.mkdir()
    lines = [
        repr({"user_id": f"u{u}", "reviews": [
            {"item_id": f"{i}", "recommend": bool(star(u, i) % 2), "posted": f"Posted May {i}, 2014."} for i in range(1, 7)  # noqa: E501
        ] + [{"item_id": "1", "recommend": True, "posted": "Posted July 3."}]})
        for u in range(1, 9)
    ]  # fmt: skip
    write_lines(steam / "australian_user_reviews.json.gz", lines)
    games = [f"{{u'id': u'{i}', u'app_name': u'Game {i}', u'genres': [u'Indie']}}" for i in range(1, 7)]
    write_lines(steam / "steam_games.json.gz", games)
    ds, said = load("steam", steam)
    assert "8 of 56 reviews have a date without a year" in said and ds.items.keywords[0] == ("Indie",)
    assert np.array_equal(np.bincount(ds.interactions.split), [32, 8, 8])
