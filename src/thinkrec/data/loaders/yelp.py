"""Yelp Open Dataset: businesses and reviews as JSON lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from thinkrec.data.loaders.records import find_file, read_records

_ROWS = {"user_id": pl.String, "item_id": pl.String, "rating": pl.Float64, "timestamp": pl.String}
_ITEMS = {
    "item_id": pl.String,
    "title": pl.String,
    "keywords": pl.List(pl.String),
    "address": pl.String,
    "city": pl.String,
    "state": pl.String,
}


def read_yelp(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`yelp_academic_dataset_business.json` and `yelp_academic_dataset_review.json`.

    Keywords are the categories in their order, then city and state, as they are written there: the state is a code of
    two letters, such as PA, and stays one. Times are local, without a zone, and count as UTC.
    """
    businesses = find_file(folder, "*business.json", "*business.json.gz", source="yelp")
    reviews = find_file(folder, "*review.json", "*review.json.gz", source="yelp")
    items = read_records(businesses, _ITEMS, _parse_business, needed=("business_id", "name"))
    needed = ("user_id", "business_id", "stars", "date")
    rows = read_records(reviews, _ROWS, _parse_review, needed=needed)
    return rows, items


def _parse_business(record: dict[str, Any]) -> list[tuple]:
    city, state = ((record.get(key) or "").strip() for key in ("city", "state"))
    categories = [text.strip() for text in (record.get("categories") or "").split(",")]
    keywords = [text for text in (*categories, city, state) if text]
    return [(record["business_id"], record["name"], keywords, record.get("address") or "", city, state)]


def _parse_review(record: dict[str, Any]) -> list[tuple]:
    return [(record["user_id"], record["business_id"], float(record["stars"]), record["date"])]
