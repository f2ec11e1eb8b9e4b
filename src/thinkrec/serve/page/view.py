"""What one visitor of the page looks at, and what is derived from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from thinkrec.serve.page.model_view import ModelView
from thinkrec.serve.values import Change, HistoryEntry, ItemCard, UserProfile

Level = Literal["simple", "reasons", "everything"]
LEVELS: tuple[tuple[Level, str], ...] = (
    ("simple", "Simple"),
    ("reasons", "Reasons"),
    ("everything", "Everything measured"),
)


@dataclass(frozen=True)
class HistoryCard:
    """One card of the history, with what the visitor changed."""

    item: Any
    title: str
    keywords: tuple[str, ...]
    liked: bool
    """As it is now; of what is taken out, as it was."""
    status: Literal["same", "flipped", "added", "removed"]


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
    models: tuple[ModelView, ...] = field(default_factory=lambda: (ModelView(),))
    """What the run that is served answers, and after it what the one beside it does."""
    profile: UserProfile | None = None
    item: Any = None
    """What is explained."""
    title: str = ""
    message: str = ""
    """A refusal of the service, in words."""
    can_retry: bool = False
    """Whether the same question may be answered a little later."""
    news: str = ""
    """What a screen reader says when something has arrived."""

    @property
    def first(self) -> ModelView:
        """The answers of the run that is served."""
        return self.models[0]

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

    def list_candidates(self, most: int) -> list[Any] | None:
        """What is ranked again after a change: each model's best before; None, the whole catalogue, where it is small.

        For a new visitor as well, whose ranking before the first opinion says nothing of their taste. All models rank
        the same, so that their places can be compared.
        """
        rankings = [model.ranking for model in self.models]
        if self.mode == "visitor" or any(ranking is None or ranking.scored <= most for ranking in rankings):
            return None
        best = {str(one.item): one.item for ranking in rankings if ranking is not None for one in ranking.items[:most]}
        return [item for name, item in best.items() if name not in self.changes]

    def describe_candidates(self, model: ModelView, most: int) -> str:
        """Out of what the shown places of a model are the best."""
        if model.ranking is None:
            return ""
        n = 0 if model.what_if is None else len(self.list_candidates(most) or ())
        return f"the {n} that were best before the change" if n else model.ranking.candidates

    def get_base(self) -> tuple[tuple[Any, bool], ...] | None:
        """The history that is sent along: that of a new visitor is empty before the changes; None for a known user."""
        return () if self.mode == "visitor" else None
