"""Amazon Reviews of 2018 (ratings without header, 5-core JSON, metadata with HTML) and 2023 (JSON lines)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from thinkrec.data.loaders.records import find_file, read_records
from thinkrec.data.markup import is_page_piece
from thinkrec.data.messages import emit_warning
from thinkrec.errors import DataError
from thinkrec.io.counts import format_count

_ROWS = {"user_id": pl.String, "item_id": pl.String, "rating": pl.Float64, "timestamp": pl.Int64}
_ITEMS = {
    "item_id": pl.String,
    "title": pl.String,
    "keywords": pl.List(pl.String),
    "brand": pl.String,
    "description": pl.String,
}


def read_amazon_2018(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One category of the 2018 release.

    Files: `CATEGORY_5.json.gz` (5-core), `CATEGORY.json.gz` (all reviews) or `CATEGORY.csv` (item, user, rating, time;
    no header), and `meta_CATEGORY.json.gz`. Some lines of the metadata occur twice, and some titles are pieces of the
    shop's script or page: these count as missing. Keywords are the categories, less the first (the department).
    """
    metadata = find_file(folder, "meta_*.json.gz", "meta_*.json", source="amazon-2018")
    items = _drop_repeated_items(read_records(metadata, _ITEMS, _parse_item_2018, needed=("asin",)), metadata)
    reviews = find_file(
        folder,
        "*_5.json.gz",
        "*_5.json",
        "[!m]*.csv",
        "[!m]*.csv.gz",
        "[!m]*.json.gz",
        "[!m]*.json",
        source="amazon-2018",
    )
    if reviews.name.removesuffix(".gz").endswith(".csv"):
        return _read_ratings(reviews, items["item_id"]), items
    needed = ("reviewerID", "asin", "overall", "unixReviewTime")
    return read_records(reviews, _ROWS, _parse_review_2018, needed=needed), items


def read_amazon_2023(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One category of the 2023 release: `CATEGORY.jsonl(.gz)` and `meta_CATEGORY.jsonl(.gz)`.

    Items are `parent_asin`, under which the variants of a product stand together; times are milliseconds.
    """
    metadata = find_file(folder, "meta_*.jsonl.gz", "meta_*.jsonl", source="amazon-2023")
    items = _drop_repeated_items(read_records(metadata, _ITEMS, _parse_item_2023, needed=("parent_asin",)), metadata)
    reviews = find_file(folder, "[!m]*.jsonl.gz", "[!m]*.jsonl", source="amazon-2023")
    needed = ("user_id", "parent_asin", "rating", "timestamp")
    return read_records(reviews, _ROWS, _parse_review_2023, needed=needed), items


def read_fashion_slice(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The prepared slice of Amazon Fashion 2018: `interactions.parquet`, `items.parquet`; the brand is the keyword."""
    rows, items = (_read_parquet(folder / name) for name in ("interactions.parquet", "items.parquet"))
    brand = (
        pl.when(pl.col("brand").is_not_null()).then(pl.concat_list("brand")).otherwise(pl.lit([], pl.List(pl.String)))
    )
    return rows, items.select("item_id", "title", brand.alias("keywords"), "description")


def _read_parquet(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{path}: cannot be read ({error}). Give the folder of the prepared slice.") from error


def _read_ratings(path: Path, known: pl.Series) -> pl.DataFrame:
    try:
        df = pl.read_csv(
            path,
            has_header=False,
            schema={"item_id": pl.String, "user_id": pl.String, "rating": pl.Float64, "timestamp": pl.Int64},
        )
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"{path}: cannot be read as item,user,rating,time without a header ({str(error).splitlines()[0]}). "
            "Take the file unchanged from its publisher."
        ) from error
    # The release of 2014 has the user in front. The metadata say which column holds items.
    in_first, in_second = (int(df[name].is_in(known.implode()).sum()) for name in ("item_id", "user_id"))
    if in_second > in_first:
        emit_warning(f"{path}: the second column holds the items (as in the release of 2014); it is read so.")
        df = df.rename({"item_id": "user_id", "user_id": "item_id"})
    return df.select("user_id", "item_id", "rating", "timestamp")


def _parse_review_2018(record: dict[str, Any]) -> list[tuple]:
    return [(record["reviewerID"], record["asin"], float(record["overall"]), int(record["unixReviewTime"]))]


def _parse_review_2023(record: dict[str, Any]) -> list[tuple]:
    # The data set's times are milliseconds; the parts of a second are of no use beside whole days of reading.
    return [(record["user_id"], record["parent_asin"], float(record["rating"]), int(record["timestamp"]) // 1000)]


def _parse_item_2018(record: dict[str, Any]) -> list[tuple]:
    title = record.get("title") or ""
    if is_page_piece(title):
        title = ""
    categories = record.get("category") or record.get("categories") or []
    if categories and isinstance(categories[0], list):
        categories = categories[0]
    return [
        (
            record["asin"],
            title,
            _clean_list(categories[1:]),
            record.get("brand") or "",
            _join_texts(record.get("description")),
        )
    ]


def _parse_item_2023(record: dict[str, Any]) -> list[tuple]:
    return [
        (
            record["parent_asin"],
            record.get("title") or "",
            _clean_list((record.get("categories") or [])[1:]),
            record.get("store") or "",
            _join_texts(record.get("description")),
        )
    ]


def _clean_list(values: list[Any]) -> list[str]:
    return [text for text in values if isinstance(text, str) and text.strip() and len(text) <= 80]


def _join_texts(value: Any) -> str:
    return value if isinstance(value, str) else " ".join(text for text in value or [] if isinstance(text, str))


def _drop_repeated_items(items: pl.DataFrame, path: Path) -> pl.DataFrame:
    """The first of each item that has a title, else the first."""
    unique = (
        items.with_columns((pl.col("title") == "").alias("empty"))
        .with_row_index("row")
        .sort("empty", "row")
        .unique("item_id", keep="first", maintain_order=True)
        .sort("row")
        .drop("row", "empty")
    )
    if len(unique) < len(items):
        repeats = format_count(len(items) - len(unique), "line repeats", "lines repeat")
        emit_warning(f"{path}: {repeats} an item; the first with a title is kept.")
    return unique
