"""The form of a plan as a constraint: fixed words, and only titles that are shown, each on the side of its label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from thinkrec.prompts.plan import AGAINST, CLOSE, END, FIRST, FOR, MAX_NAMES, NEXT, NOTHING, Plan, PlanTokens

Side = Literal["supporting", "opposing"]


@dataclass(frozen=True)
class _Place:
    """Somewhere within a plan: what is written so far, and tokens that must come before there is a choice again."""

    plan: Plan
    side: Side
    pending: tuple[int, ...]
    is_side_open: bool
    """Whether another title may stand on this side."""
    is_last: bool = False
    """Whether the plan ends behind what is pending."""


@dataclass(eq=False)
class PlanGrammar:
    """What may follow in one row's plan; asked in order, with ids that only grow.

    Names that begin alike are told apart by their further tokens: all readings of what was written are followed at the
    same time.
    """

    tokens: PlanTokens
    supporting: tuple[str, ...]
    """Names that may stand for the target: of shown liked items."""
    opposing: tuple[str, ...]
    """Names that may stand against it: of shown disliked items."""
    plan: Plan | None = None
    """What is written, once it is complete."""
    _n_read: int = 0
    _places: list[_Place] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Stand where a plan begins."""
        self._places = [_Place(Plan(), "supporting", self.tokens.encode_piece(FOR), True)]

    def is_complete(self, ids: Sequence[int]) -> bool:
        """Whether these ids are a whole plan."""
        self._read_ids(ids)
        return self.plan is not None

    def allowed_token_ids(self, ids: Sequence[int]) -> np.ndarray:
        """int64, ascending: the tokens that may follow; none behind a complete plan.

        Raises ValueError where the ids are no beginning of a plan.
        """
        self._read_ids(ids)
        if self.plan is not None:
            return np.zeros(0, dtype=np.int64)
        return np.unique([place.pending[0] for place in self._places]).astype(np.int64)

    def is_allowed(self, ids: Sequence[int], token: int) -> bool:
        """Whether `token` is one of `allowed_token_ids(ids)`."""
        return token in self.allowed_token_ids(ids)

    def count_accepted(self, ids: Sequence[int]) -> int:
        """All of them: nothing is ever taken back."""
        return len(ids)

    def _read_ids(self, ids: Sequence[int]) -> None:
        for token in ids[self._n_read :]:
            if self.plan is not None:
                raise ValueError("a plan goes on behind its end")
            following = [place for place in self._places if place.pending[0] == token]
            if not following:
                raise ValueError(f"token {token} cannot stand at place {self._n_read} of this plan")
            self._places = []
            for place in following:
                rest = replace(place, pending=place.pending[1:])
                if rest.pending:
                    self._places.append(rest)
                elif rest.is_last:
                    self.plan = rest.plan
                else:
                    self._places += self._list_choices(rest)
            self._n_read += 1

    def _list_choices(self, place: _Place) -> list[_Place]:
        """The ways to go on from a place where nothing is pending."""
        cited: tuple[str, ...] = getattr(place.plan, place.side)
        if not place.is_side_open:
            return self._close_side(place)
        choices = []
        if len(cited) < MAX_NAMES:
            names: tuple[str, ...] = getattr(self, place.side)
            before = self.tokens.encode_piece(NEXT if cited else FIRST)
            for name in dict.fromkeys(names):
                if name not in cited:
                    pending = (*before, *self.tokens.encode_piece(name), *self.tokens.encode_piece(CLOSE))
                    plan = replace(place.plan, **{place.side: (*cited, name)})
                    choices.append(replace(place, plan=plan, pending=pending))
        if cited:
            return choices + self._close_side(place)
        return [*choices, replace(place, pending=self.tokens.encode_piece(NOTHING), is_side_open=False)]

    def _close_side(self, place: _Place) -> list[_Place]:
        if place.side == "supporting":
            return [_Place(place.plan, "opposing", self.tokens.encode_piece(AGAINST), True)]
        return [replace(place, pending=self.tokens.encode_piece(END), is_last=True)]


def mark_choices(tokens: PlanTokens, plan: Plan, supporting: tuple[str, ...], opposing: tuple[str, ...]) -> np.ndarray:
    """Bool (t,): which tokens of a plan its form leaves open where these names could stand on its sides."""
    grammar, ids = PlanGrammar(tokens, supporting, opposing), tokens.encode_plan(plan).tolist()
    return np.array([len(grammar.allowed_token_ids(ids[:n])) > 1 for n in range(len(ids))], dtype=bool)
