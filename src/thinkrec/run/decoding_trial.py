"""Reasons of one trained model under several settings of its writer, measured beside written ones.

Everything that is written is kept in a log, chunk by chunk: what was written before a stop is not written again.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from thinkrec.claims.cases import build_cases
from thinkrec.errors import DataError
from thinkrec.evaluate.grounding.results import GroundingMetric, evaluate_grounding
from thinkrec.evaluate.text.align import References
from thinkrec.evaluate.text.alone import compute_metrics_alone
from thinkrec.evaluate.text.compare import compute_text_metrics, merge_values
from thinkrec.evaluate.text.metric_types import MetricResources, TextMetricValues
from thinkrec.evaluate.text.row_items import RowItems
from thinkrec.io.append_log import AppendLog, LogLockedError
from thinkrec.io.hashing import hash_json
from thinkrec.io.progress import Progress
from thinkrec.run.decoding_grid import WriterSettings
from thinkrec.score.predictor import Predictor

CHUNK = 12
"""Rows that are written together and kept together."""
SCORES = "scores"


@dataclass(frozen=True)
class WrittenText:
    """A line of the log: a reason, or with SCORES for its settings a score."""

    key: str
    """Of the settings, the rows' model and the code."""
    order: int
    text: str
    score: float
    seconds: float
    """Its share of the time of its chunk."""
    cpu_seconds: float
    """The same in seconds of processors."""


class TextLog:
    """The reasons that were written so far, on disk."""

    def __init__(self, path: Path) -> None:
        """Read `path`, where there is one. Raises DataError for a line that is no entry."""

        def make_error(number: int, reason: str) -> Exception:
            return DataError(f"{path}: line {number} is no entry {reason}; move the file away to start afresh")

        self._log = AppendLog(path, _parse_line, make_error, exclusive=True)
        self.entries = {(entry.key, entry.order): entry for entry in self._log.read_entries()}

    def __enter__(self) -> TextLog:
        """Open it for writing. Raises DataError where another process has it open."""
        try:
            self._log.__enter__()
        except LogLockedError as error:
            raise DataError(f"{error}; let that comparison end, or stop it, or give another --out") from error
        return self

    def __exit__(self, *error: object) -> None:
        """Close it."""
        self._log.close()

    def append_entries(self, entries: Sequence[WrittenText]) -> None:
        """Add entries; all of them are handed to the system before this returns."""
        for entry in entries:
            self._log.append_line(json.dumps(vars(entry)).encode())
            self.entries[entry.key, entry.order] = entry


def _parse_line(line: bytes) -> WrittenText:
    entry = WrittenText(**json.loads(line))
    if not isinstance(entry.text, str) or not isinstance(entry.order, int):
        raise TypeError("a text and an order are needed")
    return entry


@dataclass(frozen=True)
class DecodingTrial:
    """One trained model, the rows that it writes about, and where its texts are kept."""

    predictor: Predictor
    rows: np.ndarray
    """int64 (n,): row numbers, in the order of the references."""
    log: TextLog
    trained: str
    """What the texts depend on besides their settings: the trained stage and the code."""

    def write_texts(self, settings: WriterSettings, title: str) -> tuple[list[str], float, float]:
        """The reasons of all rows under some settings, and the seconds they took in all, by clock and of processors."""
        scores = self.compute_scores()

        def write_chunk(places: np.ndarray) -> list[str]:
            return self.predictor.explain(
                self.rows[places],
                scores[places],
                tokens=settings.reason_tokens,
                cite=settings.citation_policy,
                mentions=settings.max_citations,
                decoding=settings.decoding,
            )

        key = hash_json([self.trained, settings.model_dump(mode="json")])
        entries = self._complete_entries(key, scores, write_chunk, title)
        return (
            [entry.text for entry in entries],
            sum(entry.seconds for entry in entries),
            sum(entry.cpu_seconds for entry in entries),
        )

    def compute_scores(self) -> np.ndarray:
        """float64 (n,): the score of every row, which decides the verdict of its reason."""
        key = hash_json([self.trained, SCORES])
        known = self._find_entries(key)
        if None in known:
            scores = self.predictor.score(self.rows, progress=True)
            entries = [
                WrittenText(key, order, "", float(score), 0.0, 0.0)
                for order, score in zip(self._orders, scores, strict=True)
            ]
            self.log.append_entries(entries)
            return scores
        return np.array([entry.score for entry in known if entry is not None])

    @property
    def _orders(self) -> list[int]:
        return self.predictor.ds.interactions.order[self.rows].tolist()

    def _find_entries(self, key: str) -> list[WrittenText | None]:
        return [self.log.entries.get((key, order)) for order in self._orders]

    def _complete_entries(
        self, key: str, scores: np.ndarray, write_chunk: Callable[[np.ndarray], list[str]], title: str
    ) -> list[WrittenText]:
        """The entries of all rows, those that are missing written now."""
        missing = np.array([place for place, entry in enumerate(self._find_entries(key)) if entry is None], dtype=int)
        with Progress(title, len(self.rows), shown=True) as bar:
            bar.advance(len(self.rows) - len(missing))
            for start in range(0, len(missing), CHUNK):
                places = missing[start : start + CHUNK]
                began, began_cpu = time.perf_counter(), time.process_time()
                texts = write_chunk(places)
                spent = (time.perf_counter() - began) / len(places), (time.process_time() - began_cpu) / len(places)
                self.log.append_entries(
                    [
                        WrittenText(key, self._orders[place], text, float(scores[place]), *spent)
                        for place, text in zip(places.tolist(), texts, strict=True)
                    ]
                )
                bar.advance(len(places))
        return [entry for entry in self._find_entries(key) if entry is not None]


@dataclass(frozen=True)
class SettingResult:
    """What the reasons under some settings came to."""

    settings: WriterSettings
    values: TextMetricValues
    grounding: Mapping[str, GroundingMetric]
    seconds: float
    cpu_seconds: float


def measure_texts(
    texts: Sequence[str],
    trial: DecodingTrial,
    references: References,
    row_items: RowItems,
    *,
    draws: int,
    seed: int,
) -> tuple[TextMetricValues, Mapping[str, GroundingMetric]]:
    """Text metrics beside the references and alone, and how the texts are grounded; `seed`: of draws and other rows."""
    tools = MetricResources(row_items=row_items)
    values = merge_values(
        compute_text_metrics(texts, references.text, tools), compute_metrics_alone(texts, tools, seed=seed)
    )
    predictor = trial.predictor
    cases = build_cases(
        predictor.ds,
        trial.rows,
        predictor.prompt.history,
        predictor.prompt.history_step,
        scores=trial.compute_scores(),
    )
    grounding = evaluate_grounding(
        texts, cases, references.user, predictor.ds.items.titles, draws=draws, seed=seed
    ).measures
    return values, grounding


AIMS_FREE: dict[str, float] = {
    "meteor_no_synonyms": 0.25,
    "not_repeated": 0.98,
    "distinct_words_share": 0.65,
    "stated_side_right": 0.80,
    "target_named": 0.95,
    "citation_precision": 0.97,
}
"""What reasons without a rule should reach, as shares; `not_repeated` is 1 - repeated 4-grams."""
AIMS_RULED = {**AIMS_FREE, "meteor_no_synonyms": 0.26, "stated_side_right": 0.95, "citation_precision": 0.99} | {
    "said_keywords_true": 0.90
}
"""What reasons under a citation policy should reach."""


def compute_shortfall(values: Mapping[str, float], aims: Mapping[str, float]) -> float:
    """Sum over the aims of max(0, aim - value) / aim; 1 for what has no value. 0: all are reached.

    >>> round(compute_shortfall({"a": 0.4, "b": 0.9}, {"a": 0.5, "b": 0.8, "c": 0.5}), 3)
    1.2
    """
    total = 0.0
    for metric, aim in aims.items():
        value = values.get(metric, math.nan)
        total += 1.0 if math.isnan(value) else max(0.0, aim - value) / aim
    return total
