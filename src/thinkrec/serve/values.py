"""What the service answers, as plain frozen values: the page reads them as they are, HTTP turns them into JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Source = Literal["data", "added", "given"]
"""Where a history entry comes from: the run's tables, an interaction appended since, or the request."""


@dataclass(frozen=True)
class ModelInfo:
    """The run that answers now."""

    run: str
    """Name of its folder."""
    version: str
    """Hash of what was trained; another one after a swap."""
    row: str
    """Row of the run's table that answers."""
    users: int
    items: int
    item_word: str
    """What one item is called, such as film."""
    items_word: str
    user_word: str
    warning: str | None
    """What the run's own table says against ranking with it; None without a warning."""
    has_groups: bool
    """Whether adapters are mixed per user."""
    has_user_vectors: bool
    """Whether similar users and the map can be asked for."""
    history_lines: int
    """The last so many entries of a history stand in the prompt."""


@dataclass(frozen=True)
class ItemCard:
    """One item of the catalogue."""

    item: Any
    """Original id."""
    title: str
    keywords: tuple[str, ...]
    n_ratings: int
    """Ratings in the run's tables."""
    like_rate: float | None
    """Share of them that are likes; None without any."""


@dataclass(frozen=True)
class UserCard:
    """One user in a list."""

    user: Any
    """Original id."""
    n_ratings: int
    """Appended ones included."""
    n_liked: int
    is_known: bool
    """Whether the run's tables hold the user; else only interactions that were appended."""


@dataclass(frozen=True)
class HistoryEntry:
    """One opinion of a history."""

    item: Any
    """Original item id."""
    title: str
    keywords: tuple[str, ...]
    liked: bool
    timestamp: int
    """In the data's time; of entries sent along, the time of the last row."""
    source: Source


@dataclass(frozen=True)
class Citation:
    """One title that a reason names."""

    start: int
    """First character in the reason, its quote included."""
    end: int
    """Behind the last one."""
    kind: Literal["history", "target", "catalogue", "nothing"]
    """What it names: shown history entries, the item asked about, another item, or nothing at all."""
    lines: tuple[int, ...] = ()
    """Places in `Explanation.history` that it names."""


@dataclass(frozen=True)
class Reason:
    """A reason, who wrote it, and whether what it says holds."""

    text: str
    writer: Literal["model", "rules", "plain"]
    """plain: the rules, with nothing shared to argue from."""
    fallback: str | None
    """Why the rules wrote although the model was asked: busy or deadline; None where nothing
    stood in for it."""
    grounded: bool
    """Whether nothing untrue was found in it."""
    faults: tuple[str, ...]
    """What does not hold, or why the text does not read like prose, in words. A grounded one may have the latter."""
    citations: tuple[Citation, ...]


@dataclass(frozen=True)
class RankedItem:
    """One place of a ranking."""

    rank: int
    """From 1 on."""
    item: Any
    title: str
    score: float
    probability: float
    """Of a like, 0..1."""
    reason: Reason | None = None


@dataclass(frozen=True)
class Ranking:
    """Items from best to worst."""

    user: Any
    """The user asked about; None for a history of nobody known."""
    items: tuple[RankedItem, ...]
    scored: int
    """How many candidates the model scored."""
    candidates: str
    """Which these were: given, the whole catalogue, or so many of it by prior, in words."""
    dropped: int
    """Candidates that were named more than once and count once."""
    model: ModelInfo


@dataclass(frozen=True)
class ShownLine:
    """A history line that the model saw, with what it did."""

    item: Any
    title: str
    liked: bool
    effect: float | None
    """The score less the score without the line; positive speaks for the item. None where not asked for."""


@dataclass(frozen=True)
class ServedExplanation:
    """Whether a user would like an item, and why."""

    user: Any
    item: Any
    title: str
    verdict: Literal["Yes", "No"]
    score: float
    probability: float
    history: tuple[ShownLine, ...]
    """What the prompt showed of the past, oldest first."""
    unseen: int
    """Older entries of the past that had no room in the prompt."""
    gate: tuple[tuple[str, float], ...]
    """(adapter, weight), the global one first; weights sum to 1."""
    reason: Reason | None
    model: ModelInfo


@dataclass(frozen=True)
class Change:
    """One change of a history."""

    item: Any
    liked: bool | None
    """The opinion from then on; None: the item is taken out."""


@dataclass(frozen=True)
class Moved:
    """One candidate before and after a change of the history."""

    item: Any
    title: str
    rank_before: int
    rank_after: int
    score_before: float
    score_after: float
    probability_before: float
    probability_after: float


@dataclass(frozen=True)
class WhatIf:
    """A known history and a changed one, side by side."""

    changes: tuple[Change, ...]
    """What was changed, as understood."""
    history: tuple[HistoryEntry, ...]
    """The changed history."""
    ranking: tuple[Moved, ...]
    """Candidates by their place after the change."""
    mixture_before: tuple[tuple[str, float], ...]
    mixture_after: tuple[tuple[str, float], ...]
    before: ServedExplanation | None
    """Of the item asked about, where one was."""
    after: ServedExplanation | None
    model: ModelInfo


@dataclass(frozen=True)
class SimilarUser:
    """A user whose vector points the same way."""

    user: Any
    similarity: float
    """Cosine, -1..1."""
    group: int | None
    """Group, from 1 on; None without groups."""
    shared_likes: tuple[str, ...]
    """Titles that both liked, at most five."""


@dataclass(frozen=True)
class UserProfile:
    """How a user's adapters are mixed, and who is like them."""

    user: Any
    mixture: tuple[tuple[str, float], ...]
    """(adapter, weight), the global one first; weights sum to 1."""
    region: str
    """Rule of the gate that decided: single, global or fuse."""
    group: int | None
    """Group, from 1 on; None without groups or a vector."""
    similar: tuple[SimilarUser, ...]
    """Most similar first."""
    position: tuple[float, float] | None
    """Place on the map of users."""
    note: str | None
    """Why something is missing."""


@dataclass(frozen=True)
class MapPoint:
    """One user on the map."""

    user: Any
    x: float
    y: float
    group: int | None


@dataclass(frozen=True)
class Appended:
    """What became of an interaction that was sent."""

    number: int
    """Place in the log of interactions, from 1 on."""
    is_new: bool
    """False where the same request key was stored before; nothing was written then."""
