"""Items and users by what somebody types."""

from __future__ import annotations

from heapq import nsmallest

import numpy as np

from thinkrec.data.titles import normalise_name
from thinkrec.serve.model import ServedModel
from thinkrec.serve.values import ItemCard


class ItemIndex:
    """Titles in the form in which names are compared."""

    def __init__(self, model: ServedModel) -> None:
        """Normalise all titles once."""
        self.model = model
        items = model.ds.items
        self.names = [normalise_name(title) for title in items.titles]
        self.words = [
            f"{name} {' '.join(items.keywords[code]).lower()} {items.ids[code]}" for code, name in enumerate(self.names)
        ]

    def search(self, text: str, most: int) -> tuple[ItemCard, ...]:
        """Items that hold every word of the text in title, keywords or id: beginnings first, then the most rated.

        Without text the most rated items of the catalogue.
        """
        items, wanted = self.model.ds.items, normalise_name(text).split()
        counts = self.model.item_counts[0]
        scored = []
        for code, (name, words) in enumerate(zip(self.names, self.words, strict=True)):
            if all(word in words for word in wanted):
                begins = bool(wanted) and name.startswith(" ".join(wanted))
                scored.append((str(items.ids[code]) != text.strip(), not begins, -int(counts[code]), code))
        return tuple(self.build_card(code) for *_, code in nsmallest(most, scored))

    def build_card(self, code: int) -> ItemCard:
        """The card of an item code."""
        items, (ratings, likes) = self.model.ds.items, self.model.item_counts
        n = int(ratings[code])
        rate = float(likes[code] / n) if n else None
        return ItemCard(items.ids[code], items.titles[code], items.keywords[code], n, rate)


def order_by_like_rate(model: ServedModel, codes: np.ndarray) -> np.ndarray:
    """Item codes by their smoothed like rate in the tables, best first; equal ones keep their order."""
    ratings, likes = model.item_counts
    mean = (likes.sum() + 1) / (ratings.sum() + 2)
    rates = (likes[codes] + 5 * mean) / (ratings[codes] + 5)
    return codes[np.argsort(-rates, kind="stable")]
