"""Last.fm of HetRec 2011: plays per user and artist, tags with their giver; no ratings and no times of plays."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from thinkrec.data.loaders.records import find_file, parse_column, read_latin_1, split_fields
from thinkrec.data.messages import emit_warning
from thinkrec.errors import DataError
from thinkrec.io.counts import format_count

_MOST_TAGS = 10


def read_lastfm(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`user_artists.dat` (userID, artistID, weight), `artists.dat`, `user_taggedartists.dat` and `tags.dat`.

    Every row is a user who played an artist, `weight` times: a Yes without a No. Artists' names are their titles, and
    the ten tags that most users gave them their keywords. Some tags and plays name artists that `artists.dat` lacks.
    """
    rows = _read_tabs(folder, "user_artists.dat", ("userID", "artistID", "weight"))
    artists = _read_tabs(folder, "artists.dat", ("id", "name"))
    given = _read_tabs(folder, "user_taggedartists.dat", ("artistID", "tagID"))
    tags = _read_tabs(folder, "tags.dat", ("tagID", "tagValue"))
    counts = (
        given.join(tags, on="tagID", how="left")
        .drop_nulls("tagValue")
        .group_by("artistID", "tagValue")
        .len()
        .sort(["len", "tagValue"], descending=[True, False])
    )
    keywords = counts.group_by("artistID", maintain_order=True).agg(
        pl.col("tagValue").head(_MOST_TAGS).alias("keywords")
    )
    items = artists.join(keywords, left_on="id", right_on="artistID", how="left", maintain_order="left")
    empty = pl.lit([], dtype=pl.List(pl.String))
    items = items.select(
        pl.col("id").alias("item_id"), pl.col("name").alias("title"), pl.col("keywords").fill_null(empty)
    )
    positive = rows["weight"] > 0
    if not positive.all():
        emit_warning(
            f"user_artists.dat: {format_count(int((~positive).sum()), 'row is', 'rows are')} left out: no play."
        )
    rows = rows.filter(positive).select(
        pl.col("userID").alias("user_id"), pl.col("artistID").alias("item_id"), "weight"
    )
    return rows, items


def _read_tabs(folder: Path, name: str, wanted: tuple[str, ...]) -> pl.DataFrame:
    path = find_file(folder, name, source="lastfm")
    lines = read_latin_1(path)
    header = lines[0].split("\t") if lines else []
    missing = [column for column in wanted if column not in header]
    if missing:
        raise DataError(
            f"{path}: columns {', '.join(missing)} are missing (line 1: {'; '.join(header)[:60]!r}). Take the file of "
            "hetrec2011-lastfm-2k.zip unchanged."
        )
    df = split_fields(lines[1:], "\t", header, path, first=2).select(wanted)
    numbers = [column for column in wanted if column not in ("name", "tagValue")]
    return df.with_columns(parse_column(df, column, pl.Int64, path, first=2) for column in numbers)
