"""Steam (UCSD): reviews of Australian users and the games, one dict a line as Python prints it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from thinkrec.data.loaders.records import find_file, read_records
from thinkrec.data.messages import emit_warning
from thinkrec.io.counts import choose_form, format_count

_ROWS = {"user_id": pl.String, "item_id": pl.String, "label": pl.Int8, "timestamp": pl.Int64}
_ITEMS = {"item_id": pl.String, "title": pl.String, "keywords": pl.List(pl.String)}
_POSTED = re.compile(r"Posted ([A-Z][a-z]+ \d{1,2}, \d{4})\.?")


def read_steam(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`australian_user_reviews.json.gz` (a user and all reviews a line) and `steam_games.json.gz`.

    Liked is what the reviewer recommends. Reviews of the year of the collection have a date without a year ("Posted
    July 3."), which nothing in the file completes: they are dropped and counted. Keywords are the tags, else the
    genres.
    """
    reviews = find_file(folder, "australian_user_reviews.json.gz", "australian_user_reviews.json", source="steam")
    games = find_file(folder, "steam_games.json.gz", "steam_games.json", source="steam")
    rows = read_records(reviews, _ROWS, _parse_user, notation="python", needed=("user_id", "reviews"))
    dated = rows.drop_nulls("timestamp")
    if undated := len(rows) - len(dated):
        emit_warning(
            f"{reviews}: {undated:,} of {format_count(len(rows), 'review')} {choose_form(undated, 'is', 'are')} left "
            "out: the date has no year."
        )
    items = read_records(games, _ITEMS, _parse_game, notation="python")
    unnamed = items["item_id"].is_null()
    if unnamed.any():
        emit_warning(f"{games}: {format_count(int(unnamed.sum()), 'game is', 'games are')} left out: no id.")
    return dated, items.filter(~unnamed).unique("item_id", keep="first", maintain_order=True)


def _parse_user(record: dict[str, Any]) -> list[tuple]:
    user = record["user_id"]
    return [
        (user, str(review["item_id"]), int(bool(review["recommend"])), _parse_date(review.get("posted") or ""))
        for review in record["reviews"]
    ]


def _parse_date(text: str) -> int | None:
    match = _POSTED.match(text)
    if match is None:
        return None
    return int(datetime.strptime(match[1], "%B %d, %Y").replace(tzinfo=UTC).timestamp())


def _parse_game(record: dict[str, Any]) -> list[tuple]:
    title = record.get("app_name") or record.get("title") or ""
    return [(record.get("id"), title, list(record.get("tags") or record.get("genres") or []))]
