"""Lists out of the whole catalogue, for whatever has a run and an answer service: a part of `ThinkRec`."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from thinkrec.data.query import Query
from thinkrec.decoding.policy import Writer
from thinkrec.retrieve.config import RetrieveConfig
from thinkrec.run import saved_model
from thinkrec.run.pipeline import Run
from thinkrec.run.retrieval import open_generator
from thinkrec.score.answer_service import AnswerService
from thinkrec.score.answers import Recommendation
from thinkrec.score.displays import Ranking
from thinkrec.score.histories import History
from thinkrec.score.recommendations import CatalogueSearch, check_counts


class CatalogueAnswers:
    """What `ThinkRec` answers out of the whole catalogue, through a candidate generator that is opened when asked."""

    progress: bool
    _lock: threading.RLock

    def _init_retrieval(self) -> None:
        self._retrieval = RetrieveConfig()
        self._search: CatalogueSearch | None = None

    def recommend(
        self,
        user: Any,
        k: int = 10,
        *,
        history: History | None = None,
        threshold: float | None = None,
        candidates: int | None = None,
        reasons: bool = False,
        writer: Writer | None = None,
    ) -> Ranking[Recommendation]:
        """At most k items out of the whole catalogue, best first, none of them in the user's past.

        A candidate generator proposes items (`thinkrec.retrieve`), and the model ranks these alone: with as many
        candidates as the catalogue has items this is `rank` with `top=k`. The generator is fitted on the training rows
        at the first call and kept in the folder of the run, with its recall (`retrieve/recall.json`).

        Args:
            user: as in `rank`.
            k: places of the list.
            history: as in `rank`.
            threshold: as in `rank`.
            candidates: items that are ranked; by default 400, or as `configure_retrieval` says.
            reasons: whether it also says why, of every item that is returned.
            writer: as in `rank`.

        Raises:
            DataError: as in `rank`, and for fewer candidates than k.
        """
        query = self._get_service().build_query(user, history, threshold)
        return self._recommend_queries([query], k, candidates, reasons, writer)[0]

    def recommend_many(
        self,
        users: Sequence[Any],
        k: int = 10,
        *,
        candidates: int | None = None,
        reasons: bool = False,
        writer: Writer | None = None,
    ) -> list[Ranking[Recommendation]]:
        """What `recommend` gives for each of many users, in their order; they share batches, and so take less time."""
        queries = self._get_service().build_queries(users)
        return self._recommend_queries(queries, k, candidates, reasons, writer)

    def count_new_items(self) -> int:
        """Items of the catalogue that came after the training."""
        return len(self._get_service().new_items)

    def configure_retrieval(self, config: RetrieveConfig) -> None:
        """Choose what proposes candidates from now on."""
        with self._lock:
            self._retrieval, self._search = config, None

    def _recommend_queries(
        self, queries: list[Query], k: int, candidates: int | None, reasons: bool, writer: Writer | None
    ) -> list[Ranking[Recommendation]]:
        check_counts(k, self._retrieval.candidates if candidates is None else candidates)
        return self._get_search().recommend_items(
            queries, k, candidates=candidates, reasons=reasons, writer=writer, progress=self.progress
        )

    def _get_search(self) -> CatalogueSearch:
        """What answers out of the whole catalogue, opened or fitted once, by whichever thread asks first."""
        run = self._fitted_run
        with self._lock:
            if self._search is None:
                trained = saved_model.read_training_data(run.folder)
                generator = open_generator(run.recipe, run.folder, trained, self._retrieval, progress=self.progress)
                self._search = CatalogueSearch(self._get_service(), generator)
            return self._search

    def _get_service(self) -> AnswerService:
        raise NotImplementedError

    @property
    def _fitted_run(self) -> Run:
        raise NotImplementedError
