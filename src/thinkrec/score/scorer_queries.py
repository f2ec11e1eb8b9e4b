"""A fitted scorer that is asked queries as a language model is, so that effects of history lines can be measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from thinkrec.collab.encoder import Scorer
from thinkrec.data.dataset import Dataset
from thinkrec.data.query import Query
from thinkrec.score.candidates import score_candidates, score_single_candidates


@dataclass(frozen=True, eq=False)
class ScorerQueries:
    """A fitted scorer and the data that it answers by.

    A scorer reads a table with the past in it, so an erased rating is one that the user never gave: features of the
    last few ratings then reach one further back.
    """

    scorer: Scorer
    ds: Dataset
    history: int
    """Lines whose effects are asked for: the last so many ratings, as a prompt would show them."""
    history_step: int = 1
    """See `PromptConfig.history_step`."""

    def score_queries(self, queries: Sequence[Query]) -> list[np.ndarray]:
        """float64 (c,) for each query: the scores of its candidates."""
        if all(len(query.candidates) == 1 for query in queries):
            return list(score_single_candidates(self.scorer, self.ds, queries)[:, None])
        return [score_candidates(self.scorer, self.ds, query) for query in queries]

    def find_visible_past(self, query: Query, item: int) -> np.ndarray:
        """int64 (h,): places in the query's past of the last ratings, whatever the `item`."""
        del item
        window = query.find_window(self.history, self.history_step)
        return np.arange(window.start, window.stop)
