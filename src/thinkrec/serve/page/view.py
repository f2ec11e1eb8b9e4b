"""What one visitor of the page looks at, and what is derived from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from thinkrec.serve.values import (
    Change,
    HistoryEntry,
    ItemCard,
    Moved,
    RankedItem,
    Ranking,
    Reason,
    ServedExplanation,
    UserProfile,
    WhatIf,
)

Level = Literal["simple", "reasons", "everything"]
LEVELS: tuple[tuple[Level, str], ...] = (
    ("simple", "Simple"),
    ("reasons", "Reasons"),
    ("everything", "Everything measured"),
)


TOP = 10
"""Places of the ranking that are shown."""


@dataclass(frozen=True)
class HistoryCard:
    """One card of the history, with what the visitor changed."""

    item: Any
    title: str
    keywords: tuple[str, ...]
    liked: bool
    """As it is now; of what is taken out, as it was."""
    status: Literal["same", "flipped", "added", "removed"]


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
class View:
    """The state of one page; the session fills it, the panels draw it."""

    level: Level = "reasons"
    mode: Literal["nobody", "user", "visitor"] = "nobody"
    user: Any = None
    history: tuple[HistoryEntry, ...] = ()
    """Oldest first, without the visitor's changes."""
    changes: dict[str, tuple[ItemCard, bool | None]] = field(default_factory=dict)
    """Item id as text -> the item and the opinion from now on; None: taken out."""
    ranking: Ranking | None = None
    what_if: WhatIf | None = None
    profile: UserProfile | None = None
    item: Any = None
    """What is explained."""
    title: str = ""
    answer: ServedExplanation | None = None
    """Score and effects as the history is now."""
    before: ServedExplanation | None = None
    """The same before the changes; None without changes."""
    reason: Reason | None = None
    reason_before: Reason | None = None
    is_ranking: bool = False
    is_scoring: bool = False
    is_writing: bool = False
    message: str = ""
    """A refusal of the service, in words."""
    news: str = ""
    """What a screen reader says when something has arrived."""

    def list_cards(self) -> tuple[HistoryCard, ...]:
        """The history with its changes, newest first; what was added comes first."""
        cards: list[HistoryCard] = []
        for entry in self.history:
            _, liked = self.changes.get(str(entry.item), (None, entry.liked))
            status = "removed" if liked is None else "same" if liked == entry.liked else "flipped"
            now = entry.liked if liked is None else liked
            cards.append(HistoryCard(entry.item, entry.title, entry.keywords, now, status))
        held = {str(entry.item) for entry in self.history}
        for name, (card, liked) in self.changes.items():
            if name not in held and liked is not None:
                cards.append(HistoryCard(card.item, card.title, card.keywords, liked, "added"))
        return tuple(reversed(cards))

    def list_changes(self) -> tuple[Change, ...]:
        """What the service is asked to change."""
        return tuple(Change(card.item, liked) for card, liked in self.changes.values())

    def list_places(self) -> tuple[Place, ...]:
        """The best of the ranking as it is now."""
        return self._list_all_places()[:TOP]

    def find_place(self, item: Any) -> Place | None:
        """Where an item stands, also below the places that are shown; None beyond what was asked for."""
        return next((place for place in self._list_all_places() if str(place.item) == str(item)), None)

    def _list_all_places(self) -> tuple[Place, ...]:
        if self.what_if is not None:
            return tuple(_build_moved(one) for one in self.what_if.ranking)
        items: Sequence[RankedItem] = () if self.ranking is None else self.ranking.items
        return tuple(Place(one.rank, one.item, one.title, one.score, one.probability, None) for one in items)

    def list_candidates(self, most: int) -> list[Any] | None:
        """What is ranked again after a change: a user's best before; None, the whole catalogue, where that is small.

        For a new visitor as well, whose ranking before the first opinion says nothing of their taste.
        """
        if self.ranking is None or self.mode == "visitor" or self.ranking.scored <= most:
            return None
        return [one.item for one in self.ranking.items[:most] if str(one.item) not in self.changes]

    def describe_candidates(self) -> str:
        """Out of what the shown places are the best."""
        if self.ranking is None:
            return ""
        n = 0 if self.what_if is None else len(self.list_candidates(len(self.ranking.items)) or ())
        return f"the {n} that were best before the change" if n else self.ranking.candidates

    def get_base(self) -> tuple[tuple[Any, bool], ...] | None:
        """The history that is sent along: that of a new visitor is empty before the changes; None for a known user."""
        return () if self.mode == "visitor" else None


def _build_moved(one: Moved) -> Place:
    before = (one.rank_before, one.score_before, one.probability_before)
    return Place(one.rank_after, one.item, one.title, one.score_after, one.probability_after, before)
