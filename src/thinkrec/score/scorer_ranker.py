"""A fitted scorer that answers as the recommender does: ranks any items for any user, without a language model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from thinkrec.collab.encoder import Scorer
from thinkrec.data.dataset import Dataset
from thinkrec.data.query import Query
from thinkrec.decoding.policy import Writer
from thinkrec.errors import DataError
from thinkrec.score.answers import Ranked, find_item_codes, make_unknown_user_error, map_ids_to_codes
from thinkrec.score.candidates import score_candidates
from thinkrec.score.displays import Ranking
from thinkrec.score.histories import History, parse_history
from thinkrec.score.ranker import compute_like_probability


@dataclass(frozen=True, eq=False)
class ScorerRanker:
    """A fitted scorer of a run and the data that it answers by."""

    scorer: Scorer
    ds: Dataset
    progress: bool = True
    new_items: frozenset[int] = frozenset()
    """Codes of items that came after the training."""

    def rank(
        self,
        user: Any,
        candidates: Sequence[Any] | None = None,
        *,
        history: History | None = None,
        top: int | None = None,
    ) -> list[Ranked]:
        """Candidates from best to worst; arguments and errors as in `ThinkRec.rank`."""
        query = self.build_query(user, history, None)
        if candidates is None:
            asked = np.setdiff1d(np.arange(len(self.ds.items)), query.items)
        else:
            asked = find_item_codes(self.ds, map_ids_to_codes(self.ds.items.ids), dict.fromkeys(candidates))
        query = replace(query, candidates=asked)
        scores = score_candidates(self.scorer, self.ds, query, progress=self.progress)
        return self.build_ranking(query, scores, top, False, None)

    def build_query(self, user: Any, history: History | None, threshold: float | None) -> Query:
        """A user id with its past, as `AnswerService.build_query` gives it; no candidates yet."""
        known = self._user_codes.get(str(user))
        if history is not None:
            ids, label = parse_history(history, threshold, self.ds.threshold)
            own = None if known is None else self.ds.user_ids[known]
            codes = map_ids_to_codes(self.ds.items.ids)
            return Query.from_ratings(self.ds, own, find_item_codes(self.ds, codes, ids), label)
        if known is None:
            raise make_unknown_user_error(self.ds, user)
        return Query.from_dataset(self.ds, known)

    def score_queries(self, queries: Sequence[Query]) -> list[np.ndarray]:
        """float64 (c,) for each query: the scores of its own candidates."""
        return [score_candidates(self.scorer, self.ds, query) for query in queries]

    def build_ranking(
        self, query: Query, scores: np.ndarray, top: int | None, reasons: bool, writer: Writer | None
    ) -> list[Ranked]:
        """The first `top` of a query's candidates by their scores, as `AnswerService.build_ranking`.

        Raises DataError where reasons are asked for: a scorer writes none.
        """
        if reasons or writer is not None:
            raise DataError("reasons come from the language model, and this row is a scorer; ask for none")
        items, asked, chance = self.ds.items, query.candidates, compute_like_probability(scores)
        return Ranking(
            Ranked(
                items.ids[asked[i]],
                items.titles[asked[i]],
                float(scores[i]),
                float(chance[i]),
                is_new=int(asked[i]) in self.new_items,
            )
            for i in np.argsort(-scores, kind="stable")[:top]
        )

    @cached_property
    def _user_codes(self) -> dict[str, int]:
        return map_ids_to_codes(self.ds.user_ids)
