"""Who writes the reason that a user is shown: the model where its text stands up to a check, else the rules.

The check of a text (`find_text_fault`): it opens with the verdict of the score, predicts nothing against it, ends with
a whole sentence, nothing that can be read in it is untrue, it says something of the row, and it reads like prose
(`fluency.py`). With `auto` the model is first tried on validation rows, once per trained stage, and used if at least
`SHARE` of its texts pass; then every text is checked again when it is shown. Under a citation policy that asks for what
decided the score the rules cite that too.
"""

from __future__ import annotations

import json
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from thinkrec.claims.cases import build_case
from thinkrec.claims.citations import Catalogue, TitleResolver, find_citations
from thinkrec.claims.grounding import GroundingCase, ground_reason
from thinkrec.claims.verdict import parse_answer
from thinkrec.data.interactions import TRAIN, VALID
from thinkrec.data.query import Query
from thinkrec.decoding.config import DecodingConfig
from thinkrec.decoding.policy import DECIDING_POLICIES, Cite, Writer
from thinkrec.io.files import write_json
from thinkrec.io.hashing import hash_json
from thinkrec.score.deciding_lines import map_deciding_lines
from thinkrec.score.explainer import GREEDY
from thinkrec.score.fluency import collect_words, find_fluency_fault
from thinkrec.score.line_effects import compute_line_effects
from thinkrec.score.predictor import Predictor
from thinkrec.teacher.rule_reasons import argue_past, argue_row

Author = Literal["model", "rules", "plain"]
"""Who wrote a text; plain: the rules, with nothing shared to argue from."""
SHARE = 0.5
"""Share of the model's texts on validation rows that have to pass."""
ROWS, BATCH = 24, 8
"""Validation rows at most, and how many are written at a time: it stops where the outcome is certain."""
SAMPLE = 300
"""Train rows whose rule-based reasons give known words."""
KEPT = "writer.json"


class WrittenReason(NamedTuple):
    """One reason."""

    text: str
    author: Author


def find_text_fault(text: str, case: GroundingCase, catalogue: Catalogue, known: frozenset[str]) -> str | None:
    """Why a text should not be shown as the reason of a row; None where it may be.

    `case.verdict`: what the score says. `known`: words that read like words, in lower case.
    """
    grounding = ground_reason(text, case, catalogue)
    if grounding.verdict is None or grounding.agrees is False:
        return "another verdict than the score's, or none"
    if grounding.ends_as_it_opens is False:
        return "a prediction against its verdict"
    if not grounding.finished:
        return "no whole sentence at its end"
    if grounding.untrue:
        return "something untrue"
    cited = find_citations(text, TitleResolver(catalogue, case.history, case.target))
    pieces, at = [], 0
    for citation in cited:
        pieces += [text[at : citation.start], "X"]
        at = citation.end
    prose = parse_answer("".join([*pieces, text[at:]])).prose
    if (fault := find_fluency_fault(prose, known)) is not None:
        return fault
    return None if grounding.in_history or grounding.attributes_right else "nothing said of the row"


@dataclass(frozen=True)
class ReasonTrial:
    """How the model's reasons did on validation rows."""

    rows: int
    passed: int
    faults: dict[str, int]
    """Why the others did not pass, with counts."""

    @property
    def is_passing(self) -> bool:
        """Whether the model may write."""
        return self.rows > 0 and self.passed >= SHARE * self.rows


@dataclass(eq=False)
class ReasonWriter:
    """Writes the reasons of one trained recommender.

    `reasons`: gives the reasons it was trained on, where it was. `folder`: where the trial is kept, under `key`, a hash
    of what was trained; None keeps it in memory.
    """

    predictor: Predictor
    choice: Writer
    tokens: int
    citation_policy: Cite
    max_citations: int
    reasons: Callable[[], Sequence[str]]
    folder: Path | None = None
    key: str = ""
    progress: bool = False
    decoding: DecodingConfig = GREEDY
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    def write(
        self, queries: Sequence[Query], scores: np.ndarray, ask: Callable[[np.ndarray], list[str]]
    ) -> list[WrittenReason]:
        """A reason per query, about its only candidate, each opening with the verdict that its score implies.

        The past of the query is what is argued from. `scores`: float64 (n,). `ask`: has the model write for some
        of the n places. Several threads may call it at the same time.
        """
        written: list[WrittenReason | None] = [None] * len(queries)
        if len(queries) and self._is_model_asked():
            for place, text in enumerate(ask(np.arange(len(queries)))):
                if self.choice == "model" or self._find_fault(text, queries[place], scores[place]) is None:
                    written[place] = WrittenReason(text, "model")
        left = [place for place, reason in enumerate(written) if reason is None]
        strengths = self._measure_strengths([queries[place] for place in left])
        for place, lines in zip(left, strengths, strict=True):
            written[place] = self._write_by_rules(queries[place], bool(scores[place] > 0), lines)
        return [reason for reason in written if reason is not None]

    def explain(self, rows: np.ndarray, scores: np.ndarray) -> list[WrittenReason]:
        """A reason for each of these rows of the data set, about their own items."""

        def ask(places: np.ndarray) -> list[str]:
            return self._generate_reasons(rows[places], scores[places])

        return self.write([Query.from_row(self.predictor.ds, int(row)) for row in rows], scores, ask)

    def explain_query(self, query: Query, scores: np.ndarray) -> list[WrittenReason]:
        """A reason for each candidate of a query; `scores`: float64 (c,)."""

        def ask(places: np.ndarray) -> list[str]:
            return self.predictor.explain_query(
                replace(query, candidates=query.candidates[places]),
                scores[places],
                tokens=self.tokens,
                cite=self.citation_policy,
                mentions=self.max_citations,
                decoding=self.decoding,
                progress=self.progress and len(places) > 1,
            )

        singles = [replace(query, candidates=query.candidates[[place]]) for place in range(len(scores))]
        return self.write(singles, scores, ask)

    def _is_model_asked(self) -> bool:
        with self._lock:  # the trial is made once, whoever asks first
            return self.choice == "model" or (self.choice == "auto" and self.trial.is_passing)

    def _find_fault(self, text: str, query: Query, score: float) -> str | None:
        with self._lock:
            known = self._known_words
        return find_text_fault(text, self._build_case(query, bool(score > 0)), self._catalogue, known)

    @cached_property
    def trial(self) -> ReasonTrial:
        """The model's reasons for validation rows, judged; read from the folder where they were judged before."""
        stored = self._stored_results
        if "rows" in stored:
            return ReasonTrial(stored["rows"], stored["passed"], stored["faults"])
        interactions = self.predictor.ds.interactions
        past = np.arange(len(interactions.user)) - interactions.start[interactions.user]
        pool = np.flatnonzero((interactions.split == VALID) & (past > 0))
        chosen = np.random.default_rng(0).permutation(pool)[:ROWS]
        faults: Counter[str] = Counter()
        done = passed = 0
        for start in range(0, len(chosen), BATCH):
            rows = chosen[start : start + BATCH]
            scores = self.predictor.score(rows)
            for row, score, text in zip(rows, scores, self._generate_reasons(rows, scores), strict=True):
                fault = self._find_fault(text, Query.from_row(self.predictor.ds, int(row)), score)
                passed += fault is None
                if fault is not None:
                    faults[fault.partition(" (")[0]] += 1
            done += len(rows)
            left = len(chosen) - done
            # Of models that are good enough, one in 256 or fewer has none of the first eight pass.
            if passed >= SHARE * len(chosen) or passed + left < SHARE * len(chosen) or not passed:
                break
        trial = ReasonTrial(done, passed, dict(faults))
        self._store_results({"rows": done, "passed": passed, "faults": trial.faults})
        return trial

    @cached_property
    def _known_words(self) -> frozenset[str]:
        ds = self.predictor.ds
        if "words" not in self._stored_results:
            train = np.flatnonzero(ds.interactions.split == TRAIN)
            some = np.random.default_rng(0).permutation(train)[:SAMPLE]
            prompt = self.predictor.prompt
            rules = [argue_row(ds, int(row), prompt.history, np.random.default_rng(int(row))).text for row in some]
            self._store_results({"words": sorted(collect_words([*rules, *self.reasons()]))})
        own = collect_words((*ds.items.titles, *(word for words in ds.items.keywords for word in words)))
        return own.union(self._stored_results["words"])

    @cached_property
    def _catalogue(self) -> Catalogue:
        return Catalogue(self.predictor.ds.items.titles)

    @cached_property
    def _stored_results(self) -> dict[str, Any]:
        """What was found out before about the same weights and settings."""
        path = None if self.folder is None else self.folder / KEPT
        changes = self.decoding.dump_changes()
        settings = [self.key, self.tokens, self.citation_policy, self.max_citations, *([changes] if changes else [])]
        head = {"key": hash_json(settings)}
        if path is not None and path.is_file():
            try:
                stored = json.loads(path.read_text(encoding="utf-8"))
            except ValueError:
                return head
            if isinstance(stored, dict) and stored.get("key") == head["key"]:
                return stored
        return head

    def _store_results(self, results: dict[str, Any]) -> None:
        self._stored_results.update(results)
        if self.folder is not None:
            with suppress(OSError):  # a folder that may only be read: found out anew at the next start
                write_json(self.folder / KEPT, self._stored_results)

    def _generate_reasons(self, rows: np.ndarray, scores: np.ndarray) -> list[str]:
        return self.predictor.explain(
            rows,
            scores,
            tokens=self.tokens,
            cite=self.citation_policy,
            mentions=self.max_citations,
            decoding=self.decoding,
            progress=self.progress,
        )

    def _find_shown_past(self, query: Query) -> slice:
        return query.find_window(self.predictor.prompt.history, self.predictor.prompt.history_step)

    def _build_case(self, query: Query, verdict: bool) -> GroundingCase:
        past = self._find_shown_past(query)
        items = self.predictor.ds.items
        return build_case(items, query.items[past], query.labels[past], int(query.candidates[0]), verdict)

    def _measure_strengths(self, queries: Sequence[Query]) -> list[dict[int, float] | None]:
        """Per query what the rules may cite where the policy asks for what decided: place in the past -> strength."""
        if self.citation_policy not in DECIDING_POLICIES or not queries:
            return [None] * len(queries)
        return [map_deciding_lines(effects) for effects in compute_line_effects(self.predictor, queries, flip=False)]

    def _write_by_rules(self, query: Query, verdict: bool, lines: Mapping[int, float] | None) -> WrittenReason:
        ds, item, past = self.predictor.ds, int(query.candidates[0]), self._find_shown_past(query)
        shown, labels = query.items[past], query.labels[past]
        # By the item's id, not its place in the table, and by the past: the same question gets the same words.
        rng = np.random.default_rng((zlib.crc32(str(ds.items.ids[item]).encode()), len(shown)))
        strengths = None if lines is None else {place - past.start: value for place, value in lines.items()}
        argument = argue_past(ds, item, shown, labels, rng, verdict=verdict, strengths=strengths)
        return WrittenReason(argument.text, "rules" if argument.is_supported else "plain")
