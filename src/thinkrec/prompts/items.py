"""Items as text and as tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from thinkrec.data.dataset import Items
from thinkrec.errors import DataError


def format_item_entry(title: str, keywords: tuple[str, ...], columns: Sequence[str] = ()) -> str:
    """An item's text up to the bar before its vector or its label; `columns`: what stands between, empty ones left out.

    >>> format_item_entry("Fargo (1996)", ("kidnapping", "bleak"), ("Crime, Drama",))
    'Fargo (1996) | Crime, Drama | kidnapping, bleak'
    """
    return " | ".join(part for part in (title, *columns, ", ".join(keywords)) if part)


def read_text_column(items: Items, column: str, key: str) -> list[str]:
    """One line of text per item, empty where there is none; a list of texts is joined by commas.

    `key`: of the recipe, for messages. Raises DataError where the items have no such column, or one of another type.
    """
    if column not in items.texts.columns:
        known = ", ".join(items.texts.columns) or "none"
        raise DataError(f"{key} names `{column}`, which is no text column of the items (there are: {known})")
    values = items.texts[column].to_list()
    if not all(value is None or isinstance(value, str | list) for value in values):
        raise DataError(
            f"{key} names `{column}`, a column of the items that holds {items.texts[column].dtype}, not text"
        )
    lines = (", ".join(map(str, value)) if isinstance(value, list) else value or "" for value in values)
    return [" ".join(line.split()) for line in lines]


def truncate_keywords(keywords: tuple[str, ...], most: int) -> tuple[str, ...]:
    """At most `most` keywords: the first ones and the last, since lists often end with an item's general standing."""
    if len(keywords) <= most:
        return keywords
    return (*keywords[: most - 1], keywords[-1]) if most > 0 else ()


def encode_plain_text(tokenizer: Any, texts: list[str]) -> list[np.ndarray]:
    """Token ids (int32) of each text, with anything that looks like a special token read as plain text."""
    if not texts:
        return []
    coded = tokenizer(texts, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return [np.asarray(ids, dtype=np.int32) for ids in coded]


class ItemEntries:
    """Token ids of every item with at most so many keywords, by item code."""

    def __init__(self, tokenizer: Any, items: Items, max_keywords: int, columns: Sequence[str] = ()) -> None:
        """Of all `items`, by `tokenizer`; `columns`: text columns that stand before the keywords."""
        shown = [read_text_column(items, column, "prompt.item_columns") for column in columns]
        texts = [
            format_item_entry(title, truncate_keywords(keywords, max_keywords), parts)
            for title, keywords, *parts in zip(items.titles, items.keywords, *shown, strict=True)
        ]
        self.ids: Sequence[np.ndarray] = encode_plain_text(tokenizer, texts)
        """int32 per item."""
        self.lengths = np.array([len(ids) for ids in self.ids], dtype=np.int64)
        """int64 (n_items,): tokens of each."""


class ItemTexts:
    """Token ids of every item's own text, as it stands in the prompt of a reason, by item code."""

    def __init__(self, tokenizer: Any, items: Items, column: str, before: np.ndarray, max_tokens: int) -> None:
        """Of the text column `column`; each text stands behind the tokens `before` and has at most `max_tokens`."""
        texts = read_text_column(items, column, "prompt.reason_text")
        encoded = encode_plain_text(tokenizer, [f" {text}" if text else "" for text in texts])
        self.n_without = sum(not text for text in texts)
        """Items without a text."""
        self.n_cut = sum(len(ids) > max_tokens for ids in encoded)
        """Items whose text is longer."""
        self.ids: Sequence[np.ndarray] = [
            np.concatenate([before, ids[:max_tokens]]) if len(ids) else ids for ids in encoded
        ]
        """int32 per item; empty where there is no text."""
        self.lengths = np.array([len(ids) for ids in self.ids], dtype=np.int64)
        """int64 (n_items,): tokens of each."""
