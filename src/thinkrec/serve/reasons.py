"""Reasons of the service: checked before they are sent, and written by rules where the model has no time."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import replace

import numpy as np

from thinkrec.claims.cases import build_case
from thinkrec.claims.citations import TitleResolver, find_citations
from thinkrec.claims.grounding import ground_reason
from thinkrec.data.query import Query
from thinkrec.decoding.policy import Writer
from thinkrec.score.reason_writer import WrittenReason
from thinkrec.serve.model import ServedModel
from thinkrec.serve.values import Citation, Reason


class ReasonDesk:
    """Writes reasons one after the other, so that at most one generation competes with the scoring thread."""

    def __init__(self, max_waiting: int = 4) -> None:
        """`max_waiting`: requests that may wait for the model; further ones get the rules' reason."""
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="thinkrec-reasons")
        self._count = threading.Lock()
        self._max_waiting, self._waiting = max_waiting, 0
        self._seconds: float | None = None  # of one reason by the model, smoothed
        self.fallbacks = {"busy": 0, "deadline": 0}

    def write(
        self, model: ServedModel, query: Query, scores: np.ndarray, choice: Writer, deadline: float | None
    ) -> list[Reason]:
        """A checked reason per candidate of a query; by the rules where `deadline` (`time.monotonic()`) passes first.

        A generation that is under way cannot be stopped: it goes on after its deadline, and nobody reads it.
        """
        if choice == "rules":
            return [check_reason(model, query, n, written) for n, written in self._write_by_rules(model, query, scores)]
        why = self._enter(len(scores), deadline)
        if why is None:
            task = self._worker.submit(self._generate, model, query, scores, choice)
            task.add_done_callback(self._leave)
            try:
                texts = task.result(None if deadline is None else max(0.0, deadline - time.monotonic()))
                return [check_reason(model, query, n, written) for n, written in enumerate(texts)]
            except FutureTimeoutError:
                task.cancel()
                why = "deadline"
        self.fallbacks[why] += 1
        written = self._write_by_rules(model, query, scores)
        return [replace(check_reason(model, query, n, one), fallback=why) for n, one in written]

    def close(self) -> None:
        """Take nothing new; a generation under way ends by itself."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _generate(self, model: ServedModel, query: Query, scores: np.ndarray, choice: Writer) -> list[WrittenReason]:
        begun = time.monotonic()
        texts = model.get_writer(choice).explain_query(query, scores)
        spent = (time.monotonic() - begun) / max(1, len(scores))
        self._seconds = spent if self._seconds is None else 0.7 * self._seconds + 0.3 * spent
        return texts

    def _leave(self, _: Future[list[WrittenReason]]) -> None:
        with self._count:
            self._waiting -= 1

    def _write_by_rules(self, model: ServedModel, query: Query, scores: np.ndarray) -> list[tuple[int, WrittenReason]]:
        return list(enumerate(model.get_writer("rules").explain_query(query, scores)))

    def _enter(self, n: int, deadline: float | None) -> str | None:
        """Take a place in the queue; else why the rules have to write."""
        with self._count:
            if self._waiting >= self._max_waiting:
                return "busy"
            needed = 0.0 if self._seconds is None else self._seconds * (n + self._waiting)
            if deadline is not None and time.monotonic() + needed > deadline:
                return "deadline"
            self._waiting += 1
        return None


def check_reason(model: ServedModel, query: Query, place: int, written: WrittenReason) -> Reason:
    """A text with what it cites and whether that holds; `place`: of the candidate in the query."""
    item = int(query.candidates[place])
    past = model.predictor.find_visible_past(query, item)
    case = build_case(model.ds.items, query.items[past], query.labels[past], item, None)
    grounding = ground_reason(written.text, case, model.catalogue)
    cited = find_citations(written.text, TitleResolver(model.catalogue, case.history, case.target))
    faults = [f"it names {one.text!r}, which no title is" for one in cited if one.kind == "nothing"]
    if grounding.claims > grounding.right:
        faults.append(f"{grounding.claims - grounding.right} statements of likes or dislikes are wrong")
    if grounding.attributes > grounding.attributes_right:
        faults.append(f"{grounding.attributes - grounding.attributes_right} statements of keywords are wrong")
    if grounding.untrue and not faults:
        faults.append("its verdict or its end does not fit")
    citations = tuple(Citation(one.start, one.end, one.kind, one.history_positions) for one in cited)
    return Reason(written.text, written.author, None, not faults, tuple(faults), citations)
