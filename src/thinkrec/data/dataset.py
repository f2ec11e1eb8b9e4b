"""`Dataset`: checked tables as the value that every other room receives."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from thinkrec.data.rows import Interactions


@dataclass(frozen=True)
class Domain:
    """The words that prompts use for this data; never guessed from a path."""

    item: str = "item"
    items: str = "items"
    user: str = "user"


@dataclass(frozen=True)
class Items:
    """Items by dense code (position)."""

    ids: list
    """Original ids, integers or strings."""
    titles: list[str]
    """One clean line of text per item."""
    keywords: list[tuple[str, ...]]
    """Short phrases per item, most telling first; may be empty."""
    texts: pl.DataFrame
    """Any further text columns, one row per item in the same order."""

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Dataset:
    """Interactions, items, and the words for them."""

    interactions: Interactions
    items: Items
    domain: Domain
    user_ids: list
    """Original user ids by dense code."""
