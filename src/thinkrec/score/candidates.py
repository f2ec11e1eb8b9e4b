"""A fitted scorer asked about any user and any items as of now: what knows rows of a table alone is given a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from thinkrec.collab.encoder import QueryScorer, Scorer
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST, Interactions
from thinkrec.data.query import Query
from thinkrec.io.progress import Progress

ROWS = 200_000
"""Rows that a scorer is given at a time, so that memory does not grow with candidates times history."""


def score_candidates(scorer: Scorer, ds: Dataset, query: Query, *, progress: bool = False) -> np.ndarray:
    """float64 (c,): the score of each candidate of a query; no candidate sees another.

    A scorer that answers whole questions is asked so (`QueryScorer`). For others every candidate closes a copy of the
    user's past as an open row. The copies bear the user's id, by which scorers find what they learned of the user.
    """
    if isinstance(scorer, QueryScorer):
        return np.asarray(scorer.score_query(ds, query), dtype=np.float64)
    items = query.candidates
    size, scores = max(1, ROWS // (len(query.items) + 1)), np.zeros(len(items))
    with Progress("ranking", len(items), shown=progress and len(items) > size) as bar:
        for first in range(0, len(items), size):
            part = items[first : first + size]
            scores[first : first + size] = _score_batch(scorer, ds, query, part)
            bar.advance(len(part))
    return scores


def score_single_candidates(scorer: Scorer, ds: Dataset, queries: Sequence[Query]) -> np.ndarray:
    """float64 (n,): the scores of queries about one candidate each, as `score_candidates` gives them one by one.

    They are asked together, ROWS rows at a time: a table costs most scorers more than the rows in it.
    """
    scores = np.zeros(len(queries))
    # Users without an id of their own are unknown to every scorer, and stand in a table without ids.
    for is_known in (True, False):
        places = [place for place, query in enumerate(queries) if (query.user is not None) == is_known]
        for part in _split_by_rows(queries, places):
            scores[part] = _score_singles(scorer, ds, [queries[place] for place in part])
    return scores


def _split_by_rows(queries: Sequence[Query], places: Sequence[int]) -> Iterator[list[int]]:
    """The places in parts of at most ROWS rows; one query with more stands alone."""
    part: list[int] = []
    room = ROWS
    for place in places:
        rows = len(queries[place].items) + 1
        if part and rows > room:
            yield part
            part, room = [], ROWS
        part.append(place)
        room -= rows
    if part:
        yield part


def _score_singles(scorer: Scorer, ds: Dataset, queries: Sequence[Query]) -> np.ndarray:
    lengths = np.array([len(query.items) + 1 for query in queries])
    total = int(lengths.sum())

    def join(pasts: Iterable[np.ndarray], last: Iterable[int]) -> np.ndarray:
        return np.concatenate([part for past, end in zip(pasts, last, strict=True) for part in (past, [end])])

    n = len(queries)
    table = Interactions.build(
        user=np.repeat(np.arange(n), lengths),
        item=join((query.items for query in queries), (int(query.candidates[0]) for query in queries)),
        label=join((query.labels for query in queries), [0] * n),
        timestamp=join((query.timestamps for query in queries), (query.time for query in queries)),
        split=join((query.splits for query in queries), [TEST] * n),
        order=np.arange(total),
        n_users=n,
    )
    named = [] if queries[0].user is None else [query.user for query in queries]
    asked = replace(ds, interactions=table, user_ids=named)
    return np.asarray(scorer.score(asked, np.cumsum(lengths) - 1), dtype=np.float64)


def _score_batch(scorer: Scorer, ds: Dataset, query: Query, items: np.ndarray) -> np.ndarray:
    n, past = len(items), len(query.items)

    def copies(values: np.ndarray, last: np.ndarray | int) -> np.ndarray:
        rows = np.empty((n, past + 1), dtype=np.int64)
        rows[:, :past] = values
        rows[:, past] = last
        return rows.ravel()

    table = Interactions.build(
        user=np.repeat(np.arange(n), past + 1),
        item=copies(query.items, items),
        label=copies(query.labels, 0),
        timestamp=copies(query.timestamps, query.time),
        split=copies(query.splits, TEST),
        order=np.arange(n * (past + 1)),
        n_users=n,
    )
    # Users without an id of their own are unknown to every scorer.
    named = [] if query.user is None else [query.user] * n
    asked = replace(ds, interactions=table, user_ids=named)
    return np.asarray(scorer.score(asked, np.arange(past, n * (past + 1), past + 1)), dtype=np.float64)
