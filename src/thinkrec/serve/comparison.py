"""What two models answer to the same question, side by side, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from thinkrec.serve.values import Moved, RankedItem, ServedExplanation


@dataclass(frozen=True)
class Standing:
    """Where one model puts an item."""

    rank: int
    """From 1 on, among the candidates of both."""
    score: float
    probability: float
    """Of a like, 0..1."""


@dataclass(frozen=True)
class ComparedItem:
    """One item in both rankings."""

    item: Any
    title: str
    first: Standing
    second: Standing


@dataclass(frozen=True)
class ComparedModel:
    """One of the two models, and its answer about the item asked about."""

    name: str
    """As little of its folder's path as tells it from the other's."""
    row: str
    """Row of its run's table that answers."""
    version: str
    """Hash of what was trained."""
    warning: str | None
    """What the run's own table says against it."""
    answer: ServedExplanation | None


@dataclass(frozen=True)
class Comparison:
    """Two models about the same user, history and candidates."""

    user: Any
    items: tuple[ComparedItem, ...]
    """The best of either model, by their place in the first one's ranking."""
    shared: int
    """Items that are among the best of both."""
    rank_correlation: float | None
    """Spearman's, -1..1, over all candidates; None for fewer than two."""
    scored: int
    """Candidates that each model scored."""
    first: ComparedModel
    second: ComparedModel


def list_standings(ranking: Sequence[RankedItem] | Sequence[Moved]) -> dict[str, ComparedItem]:
    """Item id as text -> the item with the model's own place on both sides; of a changed history that after it."""
    standings = {}
    for one in ranking:
        values = (one.rank_after, one.score_after, one.probability_after) if isinstance(one, Moved) else None
        place = Standing(*(values or (one.rank, one.score, one.probability)))  # type: ignore[union-attr]
        standings[str(one.item)] = ComparedItem(one.item, one.title, place, place)
    return standings


def join_rankings(
    first: Sequence[RankedItem] | Sequence[Moved], second: Sequence[RankedItem] | Sequence[Moved], top: int
) -> tuple[ComparedItem, ...]:
    """Items that either ranking has among its best `top`, by their place in the first; both rank the same items."""
    left, right = list_standings(first), list_standings(second)
    both = [
        ComparedItem(one.item, one.title, one.first, right[name].second) for name, one in left.items() if name in right
    ]
    return tuple(one for one in sorted(both, key=lambda one: one.first.rank) if min(_get_ranks(one)) <= top)


def compute_rank_correlation(items: Sequence[ComparedItem]) -> float | None:
    """Spearman's 1 - 6 sum d^2 / (n (n^2 - 1)) of two rankings without ties of the same n items; None for n < 2."""
    n = len(items)
    if n < 2:
        return None
    squares = sum((one.first.rank - one.second.rank) ** 2 for one in items)
    return 1 - 6 * squares / (n * (n * n - 1))


def _get_ranks(one: ComparedItem) -> tuple[int, int]:
    return one.first.rank, one.second.rank
