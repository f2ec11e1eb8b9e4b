"""From a user to a list out of the whole catalogue: a generator proposes candidates, a ranker puts them in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.data.query import Query
from thinkrec.decoding.policy import Writer
from thinkrec.errors import DataError
from thinkrec.io.progress import Progress
from thinkrec.retrieve.feedback import ScoreFeedback
from thinkrec.retrieve.generator import CandidateGenerator
from thinkrec.score.answers import Ranked, Recommendation
from thinkrec.score.displays import Ranking
from thinkrec.score.histories import History

USERS = 64
"""Users whose candidates are scored together."""


class QueryRanker(Protocol):
    """What puts candidates in order: `AnswerService` or `ScorerRanker`."""

    @property
    def ds(self) -> Dataset:
        """The data that it answers by."""
        ...

    def build_query(self, user: Any, history: History | None, threshold: float | None) -> Query:
        """A user id with its past. Raises DataError."""
        ...

    def score_queries(self, queries: Sequence[Query]) -> list[np.ndarray]:
        """float64 (c,) for each query: the scores of its candidates."""
        ...

    def build_ranking(
        self, query: Query, scores: np.ndarray, top: int | None, reasons: bool, writer: Writer | None
    ) -> list[Ranked]:
        """The first `top` of a query's candidates by their scores, from best to worst."""
        ...


class CatalogueSearch:
    """A generator and a ranker over one data set; what both need of its items is built once."""

    def __init__(self, ranker: QueryRanker, generator: CandidateGenerator) -> None:
        """`generator`: what proposes candidates; `ranker`: what puts them in order."""
        self.ranker, self.generator = ranker, generator
        config = generator.config
        self.feedback = ScoreFeedback.from_generator(generator, ranker.ds) if config.rounds else None

    def recommend_items(
        self,
        queries: Sequence[Query],
        k: int,
        *,
        candidates: int | None = None,
        reasons: bool = False,
        writer: Writer | None = None,
        progress: bool = False,
    ) -> list[Ranking[Recommendation]]:
        """For each query at most k items of the catalogue, best first, none of them in the query's past.

        Args:
            queries: users with their pasts; USERS of them share batches.
            k: places of a list; fewer where the catalogue has no more unseen items.
            candidates: items that the ranker is asked about; by default as the generator's config says.
            reasons: whether the ranker also says why, of the items returned.
            writer: who writes the reasons.
            progress: whether a bar is drawn for more than one query.

        Raises:
            DataError: for k below 1, or fewer candidates than k.
        """
        n = self.generator.config.candidates if candidates is None else candidates
        check_counts(k, n)
        lists: list[Ranking[Recommendation]] = []
        with Progress("recommending", len(queries), shown=progress and len(queries) > 1, unit="users") as bar:
            for first in range(0, len(queries), USERS):
                some = queries[first : first + USERS]
                for query, scores in self.score_candidates(some, n):
                    ranking = self.ranker.build_ranking(query, scores, k, reasons, writer)
                    lists.append(Ranking(Recommendation.from_ranked(ranked, len(scores)) for ranked in ranking))
                bar.advance(len(some))
        return lists

    def score_candidates(self, queries: Sequence[Query], n: int) -> list[tuple[Query, np.ndarray]]:
        """Each query with its candidates, at most n in the order in which they were asked about, and their scores."""
        config, ds = self.generator.config, self.ranker.ds
        first = n if self.feedback is None else max(1, round(config.first_share * n))
        asked = []
        for query in queries:
            unseen = len(ds.items) - len(np.unique(query.items))
            # A catalogue that is not much larger than n is ranked whole: nothing has to be guessed.
            size = n if unseen <= n else first
            asked.append(replace(query, candidates=self.generator.propose_candidates(ds, query, size)))
        scores = self.ranker.score_queries(asked)
        for turn in range(config.rounds if self.feedback is not None else 0):
            asked, scores = self._ask_further(asked, scores, n, config.rounds - turn)
        return list(zip(asked, scores, strict=True))

    def _ask_further(
        self, asked: list[Query], scores: list[np.ndarray], n: int, rounds_left: int
    ) -> tuple[list[Query], list[np.ndarray]]:
        """The queries and scores after one more round of what the scores so far call for."""
        assert self.feedback is not None
        further: list[np.ndarray] = []
        for query, known in zip(asked, scores, strict=True):
            room = -(-(n - len(known)) // rounds_left)
            chosen = np.zeros(0, dtype=np.int64)
            if room > 0 and len(known):
                chosen = self.feedback.choose_items(query.candidates, known, query.items, room)
            further.append(chosen)
        more = self.ranker.score_queries([replace(q, candidates=c) for q, c in zip(asked, further, strict=True)])
        joined = [
            replace(query, candidates=np.concatenate([query.candidates, codes]))
            for query, codes in zip(asked, further, strict=True)
        ]
        return joined, [np.concatenate(pair) for pair in zip(scores, more, strict=True)]


def check_counts(k: int, candidates: int) -> None:
    """Raise DataError for k below 1, or fewer candidates than k."""
    if k < 1:
        raise DataError(f"k is {k}; ask for at least one item")
    if candidates < k:
        raise DataError(f"{candidates} candidates are too few for {k} recommendations; ask for at least {k}")
