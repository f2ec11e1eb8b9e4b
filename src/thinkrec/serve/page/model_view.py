"""What one model answers to what a visitor looks at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from thinkrec.serve.values import Moved, RankedItem, Ranking, Reason, ServedExplanation, WhatIf

TOP = 10
"""Places of the ranking that are shown."""


@dataclass(frozen=True)
class Place:
    """One place of the shown ranking."""

    rank: int
    item: Any
    title: str
    score: float
    probability: float
    before: tuple[int, float, float] | None
    """Rank, score and probability before the change of the history; None without a change."""


@dataclass
class ModelView:
    """The answers of one model; the session fills them, the panels draw them."""

    name: str = ""
    """A letter by which the page calls the model, where there are two; else empty."""
    label: str = ""
    """Which run it is, where there are two."""
    ranking: Ranking | None = None
    what_if: WhatIf | None = None
    answer: ServedExplanation | None = None
    """Score and effects as the history is now."""
    before: ServedExplanation | None = None
    """The same before the changes; None without changes."""
    reason: Reason | None = None
    reason_before: Reason | None = None
    is_old: bool = False
    """Whether the ranking is that of an earlier history, since the one for this history was refused."""
    is_ranking: bool = False
    is_scoring: bool = False
    is_writing: bool = False

    def list_values(self) -> tuple[Any, ...]:
        """All fields, for a section that compares them with those it has drawn."""
        return tuple(vars(self).values())

    def clear_answer(self) -> None:
        """Forget what was answered about an item."""
        self.answer = self.before = self.reason = self.reason_before = None

    def list_places(self) -> tuple[Place, ...]:
        """The best of the ranking as it is now."""
        return self._list_all_places()[:TOP]

    def find_place(self, item: Any) -> Place | None:
        """Where an item stands, also below the places that are shown; None beyond what was asked for."""
        return next((place for place in self._list_all_places() if str(place.item) == str(item)), None)

    def count_places(self) -> int:
        """How many places are known, shown or not."""
        return len(self._list_all_places())

    def _list_all_places(self) -> tuple[Place, ...]:
        if self.what_if is not None:
            return tuple(_build_moved(one) for one in self.what_if.ranking)
        items: Sequence[RankedItem] = () if self.ranking is None else self.ranking.items
        return tuple(Place(one.rank, one.item, one.title, one.score, one.probability, None) for one in items)


def _build_moved(one: Moved) -> Place:
    before = (one.rank_before, one.score_before, one.probability_before)
    return Place(one.rank_after, one.item, one.title, one.score_after, one.probability_after, before)
