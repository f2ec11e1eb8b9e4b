"""Asks for the parts of a composed score, of rows and of queries, and puts them together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from thinkrec.collab.encoder import Scorer
from thinkrec.collab.features.slot_encoder import SlotEncoder
from thinkrec.data.dataset import Dataset
from thinkrec.data.query import Query
from thinkrec.io.progress import Progress
from thinkrec.score.candidates import score_candidates, score_single_candidates
from thinkrec.score.composition import CompositionConfig, ScoreComposition, ScoreParts

RESIDUALS = slice(-4, -2)
"""Where a user's slot vector holds the residuals of the past: before the two numbers that tell users from items."""
QUERIES = 40
"""Queries whose candidates a scorer is asked about at a time."""
ScoreQueries = Callable[[Sequence[Query]], list[np.ndarray]]
"""The model's own scores of queries."""


def build_batch_queries(ds: Dataset, rows: np.ndarray) -> tuple[list[Query], list[np.ndarray]]:
    """Queries about the items of rows as of the first of their user's rows in the same split, a batch state.

    Returns the queries and, for each, the places in `rows`, int64, of its candidates.
    """
    data = ds.interactions
    group = data.user[rows].astype(np.int64) * 4 + data.split[rows]
    queries, places = [], []
    for key in np.unique(group):
        at = np.flatnonzero(group == key)
        user, split = divmod(int(key), 4)
        own = np.arange(data.start[user], data.start[user + 1])
        first = int(own[data.split[own] == split][0])
        queries.append(replace(Query.from_row(ds, first), candidates=data.item[rows[at]].astype(np.int64)))
        places.append(at)
    return queries, places


def score_batch_state(ds: Dataset, rows: np.ndarray, score_queries: ScoreQueries) -> np.ndarray:
    """float64 (len(rows),): what `score_queries` says of rows as of the first of their user's rows in the split."""
    queries, places = build_batch_queries(ds, rows)
    scores = np.zeros(len(rows))
    for at, values in zip(places, score_queries(queries), strict=True):
        scores[at] = values
    return scores


def score_by_scorer(
    scorer: Scorer, ds: Dataset, queries: Sequence[Query], *, progress: bool = False
) -> list[np.ndarray]:
    """float64 (c,) for each query: a scorer's scores of its candidates.

    Several queries are asked together, QUERIES at a time: most scorers take longer for a table than for its rows.
    """
    if len(queries) == 1:
        return [score_candidates(scorer, ds, queries[0])]
    scores = list[np.ndarray]()
    with Progress("scoring (scorer)", len(queries), shown=progress, unit="users") as bar:
        for first in range(0, len(queries), QUERIES):
            part = queries[first : first + QUERIES]
            singles = [
                replace(query, candidates=query.candidates[[place]])
                for query in part
                for place in range(len(query.candidates))
            ]
            ends = np.cumsum([len(query.candidates) for query in part])
            scores += np.split(score_single_candidates(scorer, ds, singles), ends[:-1])
            bar.advance(len(part))
    return scores


@dataclass(frozen=True, eq=False)
class Composer:
    """What a composed score is made of, beside the model."""

    config: CompositionConfig
    slot_encoder: SlotEncoder
    scorer: Scorer | None = None
    composition: ScoreComposition | None = None
    """None while it is being fitted."""
    progress: bool = False
    """Whether a bar is drawn while the scorer is asked about queries."""

    def collect_row_parts(
        self, ds: Dataset, rows: np.ndarray, scores: np.ndarray, score_queries: ScoreQueries
    ) -> dict[str, np.ndarray]:
        """Part -> (len(rows),) for rows with the model's `scores`; parts whose weight is 0 are not asked for."""
        parts = {"model": scores}
        if self._is_asked("batch"):
            parts["batch"] = score_batch_state(ds, rows, score_queries)
        return parts | self.collect_other_parts(ds, rows)

    def collect_other_parts(self, ds: Dataset, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Part -> (len(rows),): those that ask no language model."""
        parts, scorer = dict[str, np.ndarray](), self.scorer
        if scorer is not None and self._is_asked("scorer"):
            parts["scorer"] = np.asarray(scorer.score(ds, rows), dtype=np.float64)
        if self.config.item is not None:
            items = ds.interactions.item[rows]
            parts["item"] = self.slot_encoder.compute_item_logit(ds, items, self.config.item, rows)
        return parts

    def compose_rows(
        self, ds: Dataset, rows: np.ndarray, scores: np.ndarray, score_queries: ScoreQueries
    ) -> np.ndarray:
        """float64 (len(rows),): composed scores of rows with the model's `scores`."""
        assert self.composition is not None
        return self.composition.combine(self.collect_row_parts(ds, rows, scores, score_queries))

    def compose_queries(self, ds: Dataset, queries: Sequence[Query], scores: Sequence[np.ndarray]) -> list[np.ndarray]:
        """float64 (c,) for each query, from the model's scores; a query asks about now, so both states are one."""
        assert self.composition is not None
        ends = np.cumsum([len(values) for values in scores])
        own = np.concatenate(scores)
        parts = {"model": own, "batch": own}
        if self.scorer is not None and self._is_asked("scorer"):
            parts["scorer"] = np.concatenate(score_by_scorer(self.scorer, ds, queries, progress=self.progress))
        if self.config.item is not None:
            items = np.concatenate([query.candidates for query in queries])
            parts["item"] = self.slot_encoder.compute_item_logit(ds, items, self.config.item)
        return np.split(self.composition.combine(parts), ends[:-1])

    def split_query_scores(self, ds: Dataset, query: Query, scores: np.ndarray) -> list[ScoreParts]:
        """The composed scores (c,) of a query's candidates as sums for people."""
        assert self.composition is not None
        logits = self.slot_encoder.compute_item_logit(ds, query.candidates, "both")
        return self.composition.split_scores(scores, logits, self.slot_encoder.encode_query(ds, query).user[RESIDUALS])

    def _is_asked(self, part: str) -> bool:
        if self.composition is None:
            return part in self.config.list_parts()
        return bool(self.composition.weights.get(part))
