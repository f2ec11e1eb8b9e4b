"""A fitted scorer that answers as the recommender does: ranks any items for any user, without a language model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from thinkrec.collab.encoder import Scorer
from thinkrec.data.dataset import Dataset
from thinkrec.data.query import Query
from thinkrec.score.answers import Ranked, find_item_codes, make_unknown_user_error, map_ids_to_codes
from thinkrec.score.candidates import score_candidates
from thinkrec.score.histories import History, parse_history
from thinkrec.score.ranker import compute_like_probability


@dataclass(frozen=True, eq=False)
class ScorerRanker:
    """A fitted scorer of a run and the data that it answers by."""

    scorer: Scorer
    ds: Dataset
    progress: bool = True

    def rank(
        self,
        user: Any,
        candidates: Sequence[Any] | None = None,
        *,
        history: History | None = None,
        top: int | None = None,
    ) -> list[Ranked]:
        """Candidates from best to worst; arguments and errors as in `ThinkRec.rank`."""
        codes, known = map_ids_to_codes(self.ds.items.ids), map_ids_to_codes(self.ds.user_ids).get(str(user))
        if history is not None:
            ids, label = parse_history(history, None, self.ds.threshold)
            own = None if known is None else self.ds.user_ids[known]
            query = Query.from_ratings(self.ds, own, find_item_codes(self.ds, codes, ids), label)
        elif known is None:
            raise make_unknown_user_error(self.ds, user)
        else:
            query = Query.from_dataset(self.ds, known)
        if candidates is None:
            asked = np.setdiff1d(np.arange(len(self.ds.items)), query.items)
        else:
            asked = find_item_codes(self.ds, codes, dict.fromkeys(candidates))
        scores = score_candidates(self.scorer, self.ds, replace(query, candidates=asked), progress=self.progress)
        items, chance = self.ds.items, compute_like_probability(scores)
        return [
            Ranked(items.ids[asked[i]], items.titles[asked[i]], float(scores[i]), float(chance[i]))
            for i in np.argsort(-scores, kind="stable")[:top]
        ]
