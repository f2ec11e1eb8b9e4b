"""Which column of a table is what, by its name, else by its values; and which table is which."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from thinkrec.data.inspect.names import find_our_name, is_bare_id, is_count_name, is_maker_name, rank_name
from thinkrec.data.table_columns import split_recbole_type
from thinkrec.data.time_texts import find_date_pattern, parse_iso_time

Role = Literal["interactions", "items", "unknown"]
LOOKED_AT = 20_000
"""Rows by which the values of a column are judged."""
_RATING_VALUES = 24
"""Most distinct values of a scale of ratings."""
_DATES = "its values are dates or seconds since 1970"
UNSURE = "nothing in the values says it"
"""The end of a reason that is none."""
_ADDRESS = re.compile(r"https?://|www\.")


@dataclass(frozen=True)
class ColumnGuess:
    """A column of ours that a table has under its own name."""

    ours: str
    theirs: str
    why: str


@dataclass(frozen=True)
class Profile:
    """What the values of one column look like."""

    name: str
    distinct: float
    """Share of its values that are distinct."""
    n_distinct: int
    is_number: bool
    is_time: bool
    is_scale: bool
    """Few distinct numbers of small size: ratings."""
    has_words: bool
    """Mostly texts with a space in them, none an address."""
    has_lists: bool
    """Texts with bars, or lists."""
    is_empty: bool
    """Nothing but empty values, empty texts and empty lists."""


@dataclass(frozen=True)
class TableGuess:
    """The role of a table and its columns."""

    role: Role
    columns: tuple[ColumnGuess, ...] = ()
    missing: tuple[str, ...] = field(default=())
    """Columns of ours that the role needs and that were not found."""


def guess_columns(df: pl.DataFrame, has_names: bool, item_ids: Collection[str] = ()) -> TableGuess:
    """Role and columns of a table.

    Args:
        df: the table under its own names.
        has_names: whether it has names at all.
        item_ids: ids of the items, as text, where the other table is known: which column they stand in is seen by them.
    """
    profiles = {column.name: profile_column(column) for column in df.head(LOOKED_AT)}
    guessed_names = _guess_by_name(df, profiles) if has_names else {}
    if {"user_id", "item_id"} <= set(guessed_names) and "timestamp" not in guessed_names:
        guessed_names |= _guess_time(profiles, guessed_names)
    if not has_names or not {"item_id"} & set(guessed_names):
        guessed_names |= _guess_by_values(df, profiles, guessed_names, item_ids)
    role: Role = "unknown"
    if {"user_id", "item_id"} <= set(guessed_names):
        role = "interactions"
    elif {"item_id", "title"} <= set(guessed_names):
        role = "items"
    usual_names = ("user_id", "item_id", "rating", "label", "timestamp", "split")
    wanted = (
        usual_names
        if role == "interactions"
        else ("item_id", "title", "keywords")
        if role == "items"
        else tuple(guessed_names)
    )
    columns = tuple(guessed_names[name] for name in wanted if name in guessed_names)
    needed = ("rating or label",) if role == "interactions" and not {"rating", "label"} & set(guessed_names) else ()
    return TableGuess(role, columns, needed)


def profile_column(column: pl.Series) -> Profile:
    """What a column's values look like."""
    values = column.drop_nulls()
    n = max(len(values), 1)
    n_distinct = 0 if isinstance(values.dtype, pl.Object) else values.n_unique()
    text = values.cast(pl.String, strict=False) if not values.dtype.is_nested() else None
    number = text.str.strip_chars().cast(pl.Float64, strict=False) if text is not None else None
    is_number = number is not None and len(values) > 0 and number.null_count() == 0
    size = number.abs() if is_number and number is not None else None
    is_time = values.dtype.is_temporal()
    if size is not None:
        is_time = float(size.min() or 0) >= 1e8 and n_distinct > 1  # pyright: ignore[reportArgumentType]
    elif text is not None and len(text):
        shown = text.head(50).to_list()
        is_time = is_time or sum(parse_iso_time(entry) is not None for entry in shown) > 0.8 * len(shown)
        is_time = is_time or (len(set(shown)) > 1 and find_date_pattern(shown) is not None)
    is_scale = size is not None and n_distinct <= _RATING_VALUES and float(size.max() or 0) <= 100  # pyright: ignore[reportArgumentType]
    words = text is not None and not is_number and not is_time and len(text) > 0
    spaced = int(text.str.contains(r"\S\s\S").sum()) if words and text is not None else 0
    links = int(text.head(50).str.contains(_ADDRESS.pattern).sum()) if words and text is not None else 0
    barred = int(text.str.contains(r"\S\|\S|^\[.*\]$").sum()) if words and text is not None else 0
    return Profile(
        column.name,
        n_distinct / n,
        n_distinct,
        is_number,
        is_time,
        is_scale,
        spaced > 0.3 * n and not links,
        isinstance(values.dtype, pl.List) or barred > 0.2 * n,
        _is_empty(values),
    )


def _is_empty(values: pl.Series) -> bool:
    if isinstance(values.dtype, pl.List):
        return not (values.list.len() > 0).any()
    return not len(values) or (values.dtype == pl.String and not (values.str.strip_chars() != "").any())


def _guess_by_name(df: pl.DataFrame, profiles: Mapping[str, Profile]) -> dict[str, ColumnGuess]:
    guessed_names: dict[str, str] = {}
    for name in df.columns:
        ours = find_our_name(name)
        if ours == "keywords" and profiles[name].is_empty:
            continue  # as `category` in metadata of Amazon 2018: the next one may say something
        if ours and (ours not in guessed_names or rank_name(ours, name) < rank_name(ours, guessed_names[ours])):
            guessed_names[ours] = name
    if "user_id" in guessed_names and "rating" not in guessed_names and "label" not in guessed_names:
        count = next((name for name in df.columns if is_count_name(name)), None)
        if count is not None:
            guessed_names["rating"] = count
    if "item_id" not in guessed_names and "user_id" not in guessed_names and "title" in guessed_names:
        bare = next((name for name in df.columns if is_bare_id(name) and profiles[name].distinct > 0.99), None)
        if bare is not None:
            guessed_names["item_id"] = bare
    if "user_id" in guessed_names and "title" in guessed_names and "item_id" in guessed_names:
        del guessed_names["title"]  # of a review, not of an item
    return {ours: ColumnGuess(ours, theirs, _explain_name(ours, theirs)) for ours, theirs in guessed_names.items()}


def _guess_time(profiles: Mapping[str, Profile], known: Mapping[str, ColumnGuess]) -> dict[str, ColumnGuess]:
    """The first column of dates that no name tells."""
    taken = {guess.theirs for guess in known.values()}
    name = next((p.name for p in profiles.values() if p.is_time and p.name not in taken), None)
    return {} if name is None else {"timestamp": ColumnGuess("timestamp", name, _DATES)}


def _explain_name(ours: str, theirs: str) -> str:
    if ours == theirs:
        return "its name"
    if split_recbole_type(theirs) == (ours, split_recbole_type(theirs)[1]):
        return "its name, in RecBole's way"
    if is_count_name(theirs):
        return "its name; it counts how often or how long, which is no opinion"
    if ours == "keywords" and is_maker_name(theirs):
        return "its name says who made the item, and no other column has keywords"
    return "its name is a usual one for it"


def _guess_by_values(
    df: pl.DataFrame, profiles: Mapping[str, Profile], known: Mapping[str, ColumnGuess], item_ids: Collection[str]
) -> dict[str, ColumnGuess]:
    """Columns that no name tells, from a table of interactions if it has a time or a scale, else from one of items."""
    taken = {guess.theirs for guess in known.values()}
    free = [profile for profile in profiles.values() if profile.name not in taken]
    time = next((p for p in free if p.is_time), None)
    ids = [p for p in free if not p.is_scale and p is not time and not p.has_words and not p.has_lists]
    repeated = [p for p in ids if p.distinct < 0.9]
    title = next((p for p in free if p.has_words and not p.has_lists and p.distinct > 0.5), None)
    # ids of few users may look like a scale: what a table of three numbers has in front is no rating
    scales = [p for p in free if p.is_scale and p is not time]
    if title is None and (time is not None or scales) and len(profiles) >= 3:
        scale = scales[-1] if scales else None
        pair = [p for p in free if p is not time and p is not scale][:2]
        return _name_interactions(df, pair, scale, time, item_ids) if len(pair) == 2 else {}
    first = next((p for p in free if p.distinct > 0.99 and not p.is_time), None)
    if title is None or first is None or repeated[:1] == [first]:
        return {}
    guesses = {
        "item_id": ColumnGuess("item_id", first.name, "the first column whose values are all distinct"),
        "title": ColumnGuess("title", title.name, "the first column with texts of several words"),
    }
    if title is first:
        return {}
    lists = next((p for p in free if p.has_lists and p is not title), None)
    if lists is not None:
        guesses["keywords"] = ColumnGuess("keywords", lists.name, "its texts hold bars or lists")
    return guesses


def _name_interactions(
    df: pl.DataFrame, pair: list[Profile], scale: Profile | None, time: Profile | None, item_ids: Collection[str]
) -> dict[str, ColumnGuess]:
    known = set(item_ids)
    shares = [
        sum(value in known for value in df[p.name].head(2000).cast(pl.String).to_list()) / min(len(df), 2000)
        for p in pair
    ]
    user, item = pair if shares[1] >= shares[0] else pair[::-1]
    if max(shares) > min(shares) + 0.1:
        why = f"{max(shares):.0%} of its values are ids of the items table, {min(shares):.0%} of the other column's"
        guesses = {"item_id": ColumnGuess("item_id", item.name, why)}
        guesses["user_id"] = ColumnGuess("user_id", user.name, "the other column of ids")
    else:
        guesses = {
            "user_id": ColumnGuess("user_id", user.name, f"the first column of ids; {UNSURE}"),
            "item_id": ColumnGuess("item_id", item.name, f"the second column of ids; {UNSURE}"),
        }
    if scale is not None:
        guesses["rating"] = ColumnGuess("rating", scale.name, f"{scale.n_distinct} distinct small numbers")
    if time is not None:
        guesses["timestamp"] = ColumnGuess("timestamp", time.name, _DATES)
    return guesses
