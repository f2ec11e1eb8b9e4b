"""Small files in the format of goodreads, quirks included, through `load_source`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.published_files import PAIRS, compute_star, load_with_warnings, write_lines

from thinkrec.data.loaders.goodreads import read_goodreads
from thinkrec.errors import DataError


def test_shelves_and_unrated_books(tmp_path: Path) -> None:
    books = [
        {"book_id": f"{i}", "title": "T", "popular_shelves": [{"name": "to-read"}, {"name": "sci-fi"}]}
        for i in range(1, 7)
    ]
    write_lines(tmp_path / "goodreads_books_poetry.json.gz", [json.dumps(row) for row in books])
    rows = [
        {
            "user_id": f"u{u}",
            "book_id": f"{i}",
            "rating": compute_star(u, i) - 1,
            "date_added": f"Wed May {u:02} 09:33:4{i} -0700 2018",
        }
        for u, i in PAIRS
    ]
    write_lines(tmp_path / "goodreads_interactions_poetry.json.gz", [json.dumps(row) for row in rows])
    ds, said = load_with_warnings("goodreads", tmp_path)
    assert ds.items.keywords[0] == ("sci fi",) and "rating 0" in said


def test_without_the_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        read_goodreads(tmp_path / "none")


def test_genres_with_more_votes_come_first(tmp_path: Path) -> None:
    books = [json.dumps({"book_id": f"{i}", "title": "T", "popular_shelves": []}) for i in range(1, 7)]
    write_lines(tmp_path / "goodreads_books_poetry.json.gz", books)
    genres = {"poetry": 3, "history, biography": 12, "fiction": 5}
    write_lines(tmp_path / "goodreads_book_genres_initial.json.gz", [json.dumps({"book_id": "1", "genres": genres})])
    rows = [
        {
            "user_id": f"u{u}",
            "book_id": f"{i}",
            "rating": compute_star(u, i),
            "date_added": f"Wed May {u:02} 09:33:4{i} -0700 2018",
        }
        for u, i in PAIRS
    ]
    write_lines(tmp_path / "goodreads_interactions_poetry.json.gz", [json.dumps(row) for row in rows])
    ds, said = load_with_warnings("goodreads", tmp_path)
    assert ds.items.keywords[0] == ("history", "biography", "fiction", "poetry") and ds.items.keywords[1] == ()
    assert "rating 0" not in said and len(ds.interactions) == len(PAIRS)
