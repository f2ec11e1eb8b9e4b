"""Items as text and as tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from thinkrec.data.dataset import Items


def format_item_entry(title: str, keywords: tuple[str, ...]) -> str:
    """An item's text up to the bar before its vector or its label."""
    return f"{title} | {', '.join(keywords)}" if keywords else title


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

    def __init__(self, tokenizer: Any, items: Items, max_keywords: int) -> None:
        """Of all `items`, by `tokenizer`."""
        texts = [
            format_item_entry(title, truncate_keywords(keywords, max_keywords))
            for title, keywords in zip(items.titles, items.keywords, strict=True)
        ]
        self.ids: Sequence[np.ndarray] = encode_plain_text(tokenizer, texts)
        """int32 per item."""
        self.lengths = np.array([len(ids) for ids in self.ids], dtype=np.int64)
        """int64 (n_items,): tokens of each."""
