"""Questions in original ids, answered by a trained predictor; from one thread or many."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.data.query import Query
from thinkrec.decoding.policy import Writer
from thinkrec.engine.workers import has_shared_state
from thinkrec.errors import DataError
from thinkrec.io.counts import format_count
from thinkrec.io.progress import Progress
from thinkrec.score.answers import (
    Explanation,
    HistoryItem,
    Ranked,
    find_item_codes,
    make_unknown_user_error,
    map_ids_to_codes,
)
from thinkrec.score.displays import Ranking
from thinkrec.score.histories import History, parse_history
from thinkrec.score.line_effects import compute_line_effects
from thinkrec.score.predictor import Predictor
from thinkrec.score.ranker import compute_like_probability
from thinkrec.score.reason_writer import ReasonWriter, WrittenReason

SLOW = 256
"""From so many questions on, a progress bar is worth its line."""
GROUP = 65_536
"""Candidates of several users that are scored together, at most: what memory holds of them at a time."""


@dataclass(eq=False)
class AnswerService:
    """Scores, rankings and explanations of a predictor whose recommender is frozen for inference.

    Several threads may ask at the same time: weights and settings are only read, what a forward pass needs of its own
    is kept by thread, and what is made once (a writer of reasons) is made under a lock. Where a forward pass changes
    the backbone itself (`has_shared_state`), questions take turns.
    """

    predictor: Predictor
    build_writer: Callable[[Writer | None], ReasonWriter]
    """Who writes reasons, by choice; None: as the recipe says."""
    progress: bool = False
    new_items: frozenset[int] = frozenset()
    """Codes of items that came after the training."""

    _writers: dict[Writer | None, ReasonWriter] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    def __post_init__(self) -> None:
        """Make everything that several threads would else make at the same time."""
        _ = self.predictor.renderer, self._user_codes, self._item_codes

    @property
    def ds(self) -> Dataset:
        """The data set that answers go by."""
        return self.predictor.ds

    def score_pairs(self, users: Sequence[Any], items: Sequence[Any]) -> np.ndarray:
        """float64 (n,): see `ThinkRec.score`."""
        if len(users) != len(items):
            raise DataError(
                f"{format_count(len(users), 'user')} and {format_count(len(items), 'item')} were given; give one item "
                "per user"
            )
        places: dict[str, list[int]] = {}
        for place, user in enumerate(users):
            places.setdefault(str(user), []).append(place)
        codes = self._encode_items(items)
        queries = [replace(self.build_query(users[at[0]], None, None), candidates=codes[at]) for at in places.values()]
        scores = np.zeros(len(users), dtype=np.float64)
        with self._take_turn():
            by_user = self.predictor.score_queries(queries, progress=self.progress and len(users) >= SLOW)
        for at, values in zip(places.values(), by_user, strict=True):
            scores[at] = values
        return scores

    def rank_queries(
        self,
        queries: Sequence[Query],
        candidates: Sequence[Any] | None,
        *,
        top: int | None,
        reasons: bool,
        writer: Writer | None,
    ) -> list[Ranking[Ranked]]:
        """For each query the first `top` of the candidates, from best to worst.

        `candidates`: item ids; None: all items that are not in the query's past.
        Queries are scored together, GROUP candidates at a time.
        """
        if top is not None and top < 1:
            raise DataError(f"top is {top}; ask for at least one item")
        codes = None
        if candidates is not None:
            codes = np.array(list(dict.fromkeys(self._encode_items(candidates).tolist())), dtype=np.int64)
        rankings: list[Ranking[Ranked]] = []
        many = len(queries) > 1
        with Progress("ranking users", len(queries), shown=self.progress and many, unit="users") as bar:
            for group in _group_queries(map(self._add_candidates, queries, [codes] * len(queries))):
                n = sum(len(query.candidates) for query in group)
                with self._take_turn():
                    scores = self.predictor.score_queries(group, progress=self.progress and not many and n >= SLOW)
                for query, values in zip(group, scores, strict=True):
                    rankings.append(self.build_ranking(query, values, top, reasons, writer))
                bar.advance(len(group))
        return rankings

    def score_queries(self, queries: Sequence[Query]) -> list[np.ndarray]:
        """float64 (c,) for each query: the scores of its own candidates. GROUP candidates are scored together."""
        scores: list[np.ndarray] = []
        for group in _group_queries(queries):
            with self._take_turn():
                scores += self.predictor.score_queries(group)
        return scores

    def build_ranking(
        self, query: Query, scores: np.ndarray, top: int | None, reasons: bool, writer: Writer | None
    ) -> Ranking[Ranked]:
        """The first `top` of a query's candidates by their scores, from best to worst; equal ones keep their order."""
        best = np.argsort(-scores, kind="stable")[:top]
        items, codes, chance = self.ds.items, query.candidates, compute_like_probability(scores)
        why: Sequence[WrittenReason | tuple[None, None]] = [(None, None)] * len(best)
        if reasons:
            why = self._write_reasons(replace(query, candidates=codes[best]), scores[best], writer)
        parts = self.predictor.split_scores(replace(query, candidates=codes[best]), scores[best])
        return Ranking(
            Ranked(
                items.ids[codes[i]],
                items.titles[codes[i]],
                float(scores[i]),
                float(chance[i]),
                *reason,
                part,
                is_new=int(codes[i]) in self.new_items,
            )
            for i, reason, part in zip(best, why, parts or [None] * len(best), strict=True)
        )

    def explain_item(self, query: Query, item: Any, writer: Writer | None, effects: bool = False) -> Explanation:
        """Whether the query's user would like an item id, and why; with `effects` also what each history line does."""
        query = replace(query, candidates=self._encode_items([item]))
        code, items = int(query.candidates[0]), self.ds.items
        with self._take_turn():
            scores = self.predictor.score_queries([query])[0]
        (written,) = self._write_reasons(query, scores, writer)
        moved = None
        if effects:
            with self._take_turn():
                moved = tuple(compute_line_effects(self.predictor, [query], flip=False)[0].erase.tolist())
        weights, past = self.predictor.compute_query_gate(query), self.predictor.find_visible_past(query, code)
        parts = self.predictor.split_scores(query, scores)
        names = ["global", *(f"expert {k}" for k in range(1, len(weights)))]
        return Explanation(
            item=items.ids[code],
            title=items.titles[code],
            verdict="Yes" if scores[0] > 0 else "No",
            score=float(scores[0]),
            probability=float(compute_like_probability(scores)[0]),
            reason=written.text,
            history=tuple(
                HistoryItem(items.titles[i], bool(y))
                for i, y in zip(query.items[past], query.labels[past], strict=True)
            ),
            gate=tuple((name, float(w)) for name, w in zip(names, weights, strict=True)),
            writer=written.author,
            effects=moved,
            parts=None if parts is None else parts[0],
            is_new=code in self.new_items,
        )

    def build_query(self, user: Any, history: History | None, threshold: float | None) -> Query:
        """A user id with the past that the data know, or with a `history` given; no candidates yet.

        Raises DataError on an unknown user without history, an unknown item, or an entry that says nothing.
        """
        code = self._user_codes.get(str(user))
        if history is not None:
            ids, labels = parse_history(history, threshold, self.ds.threshold)
            known = None if code is None else self.ds.user_ids[code]
            return Query.from_ratings(self.ds, known, self._encode_items(ids), labels)
        if threshold is not None:
            raise DataError("threshold is for ratings in history; give a history, or leave it out")
        if code is None:
            raise make_unknown_user_error(self.ds, user)
        return Query.from_dataset(self.ds, code)

    def build_queries(
        self, users: Sequence[Any], histories: Sequence[History | None] | None = None, threshold: float | None = None
    ) -> list[Query]:
        """A query per user, see `build_query`; `histories`: one per user, None for what the data know.

        Raises DataError where there are more or fewer histories than users, or a threshold without any.
        """
        users = list(users)
        given = [None] * len(users) if histories is None else list(histories)
        if len(given) != len(users):
            raise DataError(f"{len(given)} histories for {len(users)} users; give one each, or None for a user")
        if threshold is not None and not any(history is not None for history in given):
            raise DataError("threshold is for ratings in histories; give some, or leave it out")
        return [
            self.build_query(user, history, None if history is None else threshold)
            for user, history in zip(users, given, strict=True)
        ]

    def _add_candidates(self, query: Query, codes: np.ndarray | None) -> Query:
        """By default every item that is not in the past."""
        asked = np.setdiff1d(np.arange(len(self.ds.items)), query.items) if codes is None else codes
        return replace(query, candidates=asked)

    def _write_reasons(self, query: Query, scores: np.ndarray, writer: Writer | None) -> list[WrittenReason]:
        with self._lock:
            if writer not in self._writers:
                self._writers[writer] = self.build_writer(writer)
            chosen = self._writers[writer]
        with self._take_turn():
            return chosen.explain_query(query, scores)

    def _take_turn(self) -> AbstractContextManager[Any]:
        return self._lock if has_shared_state(self.predictor.recommender) else nullcontext()

    def _encode_items(self, items: Iterable[Any]) -> np.ndarray:
        """int64: item codes. Raises DataError naming the closest known items."""
        return find_item_codes(self.ds, self._item_codes, items)

    @cached_property
    def _user_codes(self) -> dict[str, int]:
        return map_ids_to_codes(self.ds.user_ids)

    @cached_property
    def _item_codes(self) -> dict[str, int]:
        return map_ids_to_codes(self.ds.items.ids)


def _group_queries(queries: Iterable[Query]) -> Iterator[list[Query]]:
    """Queries whose candidates are at most GROUP together; one with more stands alone."""
    group: list[Query] = []
    room = GROUP
    for query in queries:
        if group and len(query.candidates) > room:
            yield group
            group, room = [], GROUP
        group.append(query)
        room -= len(query.candidates)
    if group:
        yield group
