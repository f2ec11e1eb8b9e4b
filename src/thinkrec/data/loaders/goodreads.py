"""Goodreads (UCSD Book Graph): books, their genres, and users' shelves as JSON lines."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from thinkrec.data.loaders.records import find_file, read_records
from thinkrec.data.messages import emit_warning
from thinkrec.errors import DataError
from thinkrec.io.counts import choose_form, format_count

_ROWS = {"user_id": pl.String, "item_id": pl.String, "rating": pl.Float64, "timestamp": pl.Int64}
_ITEMS = {"item_id": pl.String, "title": pl.String, "keywords": pl.List(pl.String), "description": pl.String}
_GENRES = {"item_id": pl.String, "genres": pl.List(pl.String)}
_SHELVES_OF_STATE = (
    "to-read",
    "currently-reading",
    "read",
    "owned",
    "books-i-own",
    "favorites",
    "default",
    "wish-list",
)
"""Shelves that say what a reader did with a book and nothing about the book."""
_MOST_SHELVES = 10


def read_goodreads(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`goodreads_interactions*.json.gz`, `goodreads_books*.json.gz` and, if it is there, `*book_genres*.json.gz`.

    A rating of 0 means not rated: such rows are dropped and counted. Keywords are the genres of the third file, else
    the books' most used shelves that say something about the book. Times are those of `date_added`, with their zone.
    """
    reviews = find_file(folder, "goodreads_interactions*.json*", "goodreads_reviews*.json*", source="goodreads")
    books = find_file(folder, "goodreads_books*.json*", source="goodreads")
    items = read_records(books, _ITEMS, _parse_book, needed=("book_id",))
    try:
        genres = find_file(folder, "*book_genres*.json*", source="goodreads")
    except DataError:
        emit_warning(f"{folder}: no file of genres (goodreads_book_genres_initial.json.gz); keywords are the shelves.")
    else:
        named = read_records(genres, _GENRES, _parse_genres, needed=("book_id",))
        items = items.join(named, on="item_id", how="left", maintain_order="left")
        items = items.with_columns(pl.coalesce("genres", "keywords").alias("keywords")).drop("genres")
    rows = read_records(reviews, _ROWS, _parse_row, needed=("user_id", "book_id", "rating", "date_added"))
    is_rated = rows["rating"] > 0
    if unrated := int((~is_rated).sum()):
        emit_warning(
            f"{reviews}: {unrated:,} of {format_count(len(rows), 'row')} {choose_form(unrated, 'is', 'are')} left out: "
            "the rating 0 means not rated."
        )
    return rows.filter(is_rated), items


def _parse_row(record: dict[str, Any]) -> list[tuple]:
    # Such as "Wed May 09 09:33:44 -0700 2018".
    time = datetime.strptime(record["date_added"], "%a %b %d %H:%M:%S %z %Y")
    return [(record["user_id"], str(record["book_id"]), float(record["rating"]), int(time.timestamp()))]


def _parse_book(record: dict[str, Any]) -> list[tuple]:
    shelves = [entry["name"] for entry in record.get("popular_shelves") or []]
    about = [name.replace("-", " ") for name in shelves if name not in _SHELVES_OF_STATE][:_MOST_SHELVES]
    return [(str(record["book_id"]), record.get("title") or "", about, record.get("description") or "")]


def _parse_genres(record: dict[str, Any]) -> list[tuple]:
    # {"history, historical fiction, biography": 12, ...}: the more votes, the further in front.
    by_votes = sorted((record.get("genres") or {}).items(), key=lambda entry: -entry[1])
    names = [name.strip() for group, _ in by_votes for name in group.split(",")]
    return [(str(record["book_id"]), names or None)]
