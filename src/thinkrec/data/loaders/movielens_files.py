"""MovieLens in its other formats: `u.data` of 100K, and the CSV files of latest-small, 20M and 32M."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from thinkrec.data.loaders.movielens import format_display_title
from thinkrec.data.loaders.records import find_file, number_filled_lines, parse_column, read_latin_1, split_fields
from thinkrec.data.row_trace import get_row_numbers
from thinkrec.data.tables import read_table
from thinkrec.errors import DataError

_ITEM_FIELDS = 24
_NO_GENRES = "(no genres listed)"


def read_movielens_100k(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`u.data` (tabs: user, item, rating, time), `u.item` (Latin-1, bars, one column per genre) and `u.genre`."""
    data, item, genre = (find_file(folder, name, source="movielens-100k") for name in ("u.data", "u.item", "u.genre"))
    names = ["user_id", "item_id", "rating", "timestamp"]
    rows = split_fields(read_latin_1(data), "\t", names, data)
    rows = rows.with_columns(parse_column(rows, name, pl.Int64, data) for name in names)
    genres = [line.split("|")[0] for line in read_latin_1(genre) if line.strip()]
    columns = [f"column_{number}" for number in range(_ITEM_FIELDS - len(genres))] + genres
    lines, numbers = number_filled_lines(read_latin_1(item))
    films = split_fields(lines, "|", columns, item, first=numbers)
    films = films.with_columns(parse_column(films, "column_0", pl.Int64, item, first=numbers))
    flags = films.select(genres).rows()
    keywords = [
        [name for name, flag in zip(genres, values, strict=True) if flag == "1" and name != "unknown"]
        for values in flags
    ]
    return rows, _build_films(films["column_0"], films["column_1"], keywords)


def read_movielens_1m(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`ratings.dat` and `movies.dat` ("::" between the fields, Latin-1)."""
    ratings, movies = (find_file(folder, name, source="movielens-1m") for name in ("ratings.dat", "movies.dat"))
    names = ["user_id", "item_id", "rating", "timestamp"]
    rows = split_fields(read_latin_1(ratings), "::", names, ratings)
    rows = rows.with_columns(parse_column(rows, name, pl.Int64, ratings) for name in names)
    films = split_fields(read_latin_1(movies), "::", ["item_id", "title", "genres"], movies)
    ids = parse_column(films, "item_id", pl.Int64, movies)
    return rows, _build_films(ids, films["title"], films["genres"].str.split("|").to_list())


def read_movielens_csv(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`ratings.csv` (userId, movieId, rating, timestamp) and `movies.csv` (movieId, title, genres with bars).

    Ratings are half stars. Genres are "(no genres listed)" where there are none.
    """
    ratings = find_file(folder, "ratings.csv", source="movielens-latest-small")
    movies = find_file(folder, "movies.csv", source="movielens-latest-small")
    try:
        rows = pl.read_csv(
            ratings,
            schema={"userId": pl.Int64, "movieId": pl.Int64, "rating": pl.Float64, "timestamp": pl.Int64},
        ).rename({"userId": "user_id", "movieId": "item_id"})
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"{ratings}: cannot be read as userId,movieId,rating,timestamp ({str(error).splitlines()[0]}). Take "
            "the file "
            "unchanged from its publisher."
        ) from error
    films = read_table(movies)
    if missing := {"movieId", "title", "genres"} - set(films.columns):
        raise DataError(f"{movies}: columns {sorted(missing)} are missing. Take the file unchanged from its publisher.")
    genres = films["genres"].fill_null("")
    keywords = [[] if text in ("", _NO_GENRES) else text.split("|") for text in genres.to_list()]
    numbers = get_row_numbers(range(len(films)), len(films), str(movies))
    return rows, _build_films(parse_column(films, "movieId", pl.Int64, movies, first=numbers), films["title"], keywords)


def _build_films(ids: pl.Series, titles: pl.Series, keywords: list[list[str]]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            ids.alias("item_id"),
            pl.Series("title", [title and format_display_title(title) for title in titles.to_list()], dtype=pl.String),
            pl.Series("keywords", keywords, dtype=pl.List(pl.String)),
        ]
    )
