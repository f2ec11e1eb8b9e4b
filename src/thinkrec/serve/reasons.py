"""Reasons of the service: checked before they are sent, and written by rules where the model has no time."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
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
from thinkrec.serve.joint_reasons import find_prose_faults, write_together
from thinkrec.serve.known_reasons import KnownReason, KnownReasons, digest_question
from thinkrec.serve.model import ServedModel
from thinkrec.serve.values import Citation, Reason

CHUNK = 8
"""Reasons that are written together; between two chunks it is seen whether anybody still waits."""


class ReasonDesk:
    """Writes reasons one request after the other, so that at most one generation competes with the scoring threads.

    Questions are queries about one candidate each; those of one request are written together. What the model wrote is
    kept for whoever asks the same again (`KnownReasons`).
    """

    def __init__(self, max_waiting: int = 4) -> None:
        """`max_waiting`: requests that may wait for the model; further ones get the rules' reason."""
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="thinkrec-reasons")
        self._count = threading.Lock()
        self._max_waiting, self._waiting = max_waiting, 0
        self._seconds: float | None = None  # of one reason by the model, smoothed
        self.known = KnownReasons()
        self.fallbacks = {"busy": 0, "deadline": 0}

    def write(
        self,
        model: ServedModel,
        queries: Sequence[Query],
        scores: np.ndarray,
        choice: Writer,
        deadline: float | None,
    ) -> list[Reason]:
        """A checked reason per query; by the rules where `deadline` (`time.monotonic()`) passes first.

        The chunk that is under way then goes on, and nobody reads it.
        """
        if choice == "rules":
            return self._write_by_rules(model, queries, scores, None)
        version = model.info.version
        keys = [digest_question(version, choice, *pair) for pair in zip(queries, scores, strict=True)]
        texts = self.known.get(keys)
        new = [place for place, text in enumerate(texts) if text is None]
        why = self._generate_in_turn(model, [queries[n] for n in new], scores[new], choice, deadline) if new else []
        if isinstance(why, str):
            self.fallbacks[why] += 1
            return self._write_by_rules(model, queries, scores, why)
        for place, text in zip(new, why, strict=True):
            self.known.put(keys[place], text)
            texts[place] = text
        known = [text for text in texts if text is not None]
        return [check_reason(model, query, 0, *text) for query, text in zip(queries, known, strict=True)]

    def close(self) -> None:
        """Take nothing new; a chunk under way ends by itself."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _generate_in_turn(
        self, model: ServedModel, queries: Sequence[Query], scores: np.ndarray, choice: Writer, deadline: float | None
    ) -> list[KnownReason] | str:
        """What the model writes in the desk's thread; else why the rules have to."""
        why = self._enter(len(scores), deadline)
        if why is not None:
            return why
        gone = threading.Event()
        task = self._worker.submit(self._generate, model, queries, scores, choice, gone)
        task.add_done_callback(self._leave)
        try:
            return task.result(None if deadline is None else max(0.0, deadline - time.monotonic()))
        except FutureTimeoutError:
            gone.set()
            task.cancel()
            return "deadline"

    def _generate(
        self, model: ServedModel, queries: Sequence[Query], scores: np.ndarray, choice: Writer, gone: threading.Event
    ) -> list[KnownReason]:
        reasons: list[KnownReason] = []
        for first in range(0, len(queries), CHUNK):
            if gone.is_set():
                break
            part = slice(first, first + CHUNK)
            begun = time.monotonic()
            written = write_together(model, model.get_writer(choice), queries[part], scores[part])
            faults: Sequence[str | None] = [None] * len(written)
            if choice == "model":
                faults = find_prose_faults(model, queries[part], scores[part], [one.text for one in written])
            reasons += [KnownReason(one, fault) for one, fault in zip(written, faults, strict=True)]
            spent = (time.monotonic() - begun) / len(scores[part])
            self._seconds = spent if self._seconds is None else 0.7 * self._seconds + 0.3 * spent
        return reasons

    def _leave(self, _: Future[list[KnownReason]]) -> None:
        with self._count:
            self._waiting -= 1

    def _write_by_rules(
        self, model: ServedModel, queries: Sequence[Query], scores: np.ndarray, fallback: str | None
    ) -> list[Reason]:
        written = write_together(model, model.get_writer("rules"), queries, scores)
        return [
            replace(check_reason(model, query, 0, one), fallback=fallback)
            for query, one in zip(queries, written, strict=True)
        ]

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


def check_reason(
    model: ServedModel, query: Query, place: int, written: WrittenReason, prose_fault: str | None = None
) -> Reason:
    """A text with what it cites and whether that holds.

    `place`: of the candidate in the query; `prose_fault`: see `KnownReason`.
    """
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
    is_grounded = not faults
    if prose_fault is not None:
        faults.append(f"it would not be shown by itself: {prose_fault}")
    citations = tuple(Citation(one.start, one.end, one.kind, one.history_positions) for one in cited)
    return Reason(written.text, written.author, None, is_grounded, tuple(faults), citations)
