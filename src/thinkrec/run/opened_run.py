"""What answers by a trained run: predictor, writers and candidate generator, each opened when first asked."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from thinkrec.data.new_items import find_new_items
from thinkrec.data.query import Query
from thinkrec.decoding.policy import Writer
from thinkrec.retrieve.config import RetrieveConfig
from thinkrec.run import saved_model
from thinkrec.run.explained import build_reason_writer
from thinkrec.run.new_items import predict_new_vectors
from thinkrec.run.pipeline import Run
from thinkrec.run.retrieval import open_generator
from thinkrec.run.variants import Variant, find_variant, get_final_variant
from thinkrec.score.answer_service import AnswerService
from thinkrec.score.answers import Recommendation
from thinkrec.score.displays import Ranking
from thinkrec.score.predictor import Predictor
from thinkrec.score.recommendations import CatalogueSearch, check_counts


class OpenedRun:
    """A trained run, and what answers by one of its variants. Several threads may ask it at the same time."""

    def __init__(self, run: Run, progress: bool) -> None:
        """Nothing is opened yet; the final variant answers until another is chosen.

        Args:
            run: trained.
            progress: whether answers show bars.
        """
        self.run = run
        self._progress = progress
        self._variant = get_final_variant(run.model)
        self._retrieval = RetrieveConfig()
        self._service: AnswerService | None = None
        self._search: CatalogueSearch | None = None
        self._lock = threading.RLock()

    @property
    def variant(self) -> Variant:
        """The variant that answers."""
        return self._variant

    def choose_stage(self, name: str) -> None:
        """Answer by another variant; raises as `ThinkRec.choose_stage`."""
        variant = find_variant(self.run.recipe, name)
        service = self._open_service(variant)
        with self._lock:
            self._variant, self._service, self._search = variant, service, None

    def configure_retrieval(self, config: RetrieveConfig) -> None:
        """Choose what proposes candidates from now on."""
        with self._lock:
            self._retrieval, self._search = config, None

    def get_service(self) -> AnswerService:
        """What answers, opened once, by whichever thread asks first."""
        with self._lock:
            if self._service is None:
                self._service = self._open_service(self._variant)
            return self._service

    def load_final_predictor(self) -> Predictor:
        """The predictor of the final variant, whichever answers."""
        final = get_final_variant(self.run.model)
        return self.get_service().predictor if self._variant == final else self.run.load_predictor(final)

    def recommend_queries(
        self, queries: Sequence[Query], k: int, candidates: int | None, reasons: bool, writer: Writer | None
    ) -> list[Ranking[Recommendation]]:
        """At most k items a query, out of what the candidate generator proposes.

        Raises DataError for fewer candidates than k.
        """
        check_counts(k, self._retrieval.candidates if candidates is None else candidates)
        return self._get_search().recommend_items(
            queries, k, candidates=candidates, reasons=reasons, writer=writer, progress=self._progress
        )

    def _get_search(self) -> CatalogueSearch:
        """What answers out of the whole catalogue, opened or fitted once, by whichever thread asks first."""
        run = self.run
        with self._lock:
            if self._search is None:
                trained = saved_model.read_training_data(run.folder)
                generator = open_generator(run.recipe, run.folder, trained, self._retrieval, progress=self._progress)
                self._search = CatalogueSearch(self.get_service(), generator)
            return self._search

    def _open_service(self, variant: Variant) -> AnswerService:
        run, predictor = self.run, self.run.load_predictor(variant)
        # A model that was written without its data cannot tell which of the items given are new.
        has_data = saved_model.has_training_data(run.folder)
        trained = saved_model.read_training_data(run.folder) if has_data else run.ds
        new_items = find_new_items(trained, run.ds)
        if new_items:
            predictor = predict_new_vectors(predictor, trained)
        return AnswerService(
            predictor,
            lambda choice: build_reason_writer(run, variant, predictor, choice),
            self._progress,
            new_items,
        )
