"""Who writes the reason that a user is shown: the model where its text stands up to a check, else the rules.

The check of a text (`text_fault`): it opens with the verdict of the score, predicts nothing against it, ends with a
whole sentence, nothing that can be read in it is untrue, it says something of the row, and it reads like prose
(`fluency.py`). With `auto` the model is first tried on validation rows, once per trained stage, and used if at least
`SHARE` of its texts pass; then every text is checked again when it is shown.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from thinkrec.claims.cases import cases_of
from thinkrec.claims.citations import Catalogue, Shelf, find_citations
from thinkrec.claims.grounding import Case, ground
from thinkrec.claims.verdict import read
from thinkrec.data.interactions import TRAIN, VALID
from thinkrec.decoding.policy import Cite, Writer
from thinkrec.io.files import write_json
from thinkrec.io.hashing import digest
from thinkrec.score.fluency import fluency_fault, words_of
from thinkrec.score.predictor import System
from thinkrec.teacher.rule_reasons import argue, argue_item

Author = Literal["model", "rules", "plain"]
"""Who wrote a text; plain: the rules, with nothing shared to argue from."""
SHARE = 0.5
"""Share of the model's texts on validation rows that have to pass."""
ROWS, BATCH = 24, 8
"""Validation rows at most, and how many are written at a time: it stops where the outcome is certain."""
SAMPLE = 300
"""Train rows whose rule-based reasons give known words."""
KEPT = "writer.json"


class Written(NamedTuple):
    """One reason."""

    text: str
    author: Author


def text_fault(text: str, case: Case, catalogue: Catalogue, known: frozenset[str]) -> str | None:
    """Why a text should not be shown as the reason of a row; None where it may be.

    `case.verdict`: what the score says. `known`: words that read like words, in lower case.
    """
    found = ground(text, case, catalogue)
    if found.verdict is None or found.agrees is False:
        return "another verdict than the score's, or none"
    if found.ends_as_it_opens is False:
        return "a prediction against its verdict"
    if not found.finished:
        return "no whole sentence at its end"
    if found.untrue:
        return "something untrue"
    cited = find_citations(text, Shelf(catalogue, case.history, case.target))
    pieces, at = [], 0
    for citation in cited:
        pieces += [text[at : citation.start], "X"]
        at = citation.end
    prose = read("".join([*pieces, text[at:]])).prose
    if (fault := fluency_fault(prose, known)) is not None:
        return fault
    return None if found.in_history or found.attributes_right else "nothing said of the row"


@dataclass(frozen=True)
class Trial:
    """How the model's reasons did on validation rows."""

    rows: int
    passed: int
    faults: dict[str, int]
    """Why the others did not pass, with counts."""

    @property
    def good(self) -> bool:
        """Whether the model may write."""
        return self.rows > 0 and self.passed >= SHARE * self.rows


@dataclass(eq=False)
class ReasonWriter:
    """Writes the reasons of one trained recommender.

    `reasons`: gives the reasons it was trained on, where it was. `folder`: where the trial is kept, under `key`, a hash
    of what was trained; None keeps it in memory.
    """

    system: System
    choice: Writer
    tokens: int
    cite: Cite
    mentions: int
    reasons: Callable[[], Sequence[str]]
    folder: Path | None = None
    key: str = ""
    progress: bool = False

    def write(self, system: System, rows: np.ndarray, items: np.ndarray, scores: np.ndarray,
              ask: Callable[[np.ndarray], list[str]]) -> list[Written]:  # fmt: skip
        """A reason per (row, item), each opening with the verdict that its score implies.

        `system`: this recommender, perhaps moved (`System.at`); `rows` (n,) of its data set, whose pasts are argued
        from; `items` (n,) asked about there; `scores` (n,). `ask`: has the model write for some of the n places.
        """
        found: list[Written | None] = [None] * len(items)
        if len(items) and (self.choice == "model" or (self.choice == "auto" and self.trial.good)):
            for place, text in enumerate(ask(np.arange(len(items)))):
                case = self._case(system, int(rows[place]), int(items[place]), bool(scores[place] > 0))
                if self.choice == "model" or text_fault(text, case, self._catalogue, self._words) is None:
                    found[place] = Written(text, "model")
        for place, (row, item, score) in enumerate(zip(rows, items, scores, strict=True)):
            if found[place] is None:
                found[place] = self._by_rules(system, int(row), int(item), bool(score > 0))
        return [written for written in found if written is not None]

    def explain(self, rows: np.ndarray, scores: np.ndarray) -> list[Written]:
        """A reason for each of these rows of the data set, about their own items."""

        def ask(places: np.ndarray) -> list[str]:
            return self._ask(rows[places], scores[places])

        return self.write(self.system, rows, self.system.ds.interactions.item[rows], scores, ask)

    @cached_property
    def trial(self) -> Trial:
        """The model's reasons for validation rows, judged; read from the folder where they were judged before."""
        kept = self._kept
        if "rows" in kept:
            return Trial(kept["rows"], kept["passed"], kept["faults"])
        it = self.system.ds.interactions
        past = np.arange(len(it.user)) - it.start[it.user]
        pool = np.flatnonzero((it.split == VALID) & (past > 0))
        chosen = np.random.default_rng(0).permutation(pool)[:ROWS]
        faults: Counter[str] = Counter()
        done = passed = 0
        for start in range(0, len(chosen), BATCH):
            rows = chosen[start : start + BATCH]
            scores = self.system.score(rows)
            for row, score, text in zip(rows, scores, self._ask(rows, scores), strict=True):
                case = self._case(self.system, int(row), int(it.item[row]), bool(score > 0))
                fault = text_fault(text, case, self._catalogue, self._words)
                passed += fault is None
                if fault is not None:
                    faults[fault.partition(" (")[0]] += 1
            done += len(rows)
            left = len(chosen) - done
            # Of models that are good enough, one in 256 or fewer has none of the first eight pass.
            if passed >= SHARE * len(chosen) or passed + left < SHARE * len(chosen) or not passed:
                break
        found = Trial(done, passed, dict(faults))
        self._keep({"rows": done, "passed": passed, "faults": found.faults})
        return found

    @cached_property
    def _words(self) -> frozenset[str]:
        ds = self.system.ds
        if "words" not in self._kept:
            train = np.flatnonzero(ds.interactions.split == TRAIN)
            some = np.random.default_rng(0).permutation(train)[:SAMPLE]
            prompt = self.system.prompt
            rules = [argue(ds, int(row), prompt.history, np.random.default_rng(int(row))).text for row in some]
            self._keep({"words": sorted(words_of([*rules, *self.reasons()]))})
        own = words_of((*ds.items.titles, *(word for words in ds.items.keywords for word in words)))
        return own.union(self._kept["words"])

    @cached_property
    def _catalogue(self) -> Catalogue:
        return Catalogue(self.system.ds.items.titles)

    @cached_property
    def _kept(self) -> dict[str, Any]:
        """What was found out before about the same weights and settings."""
        path = None if self.folder is None else self.folder / KEPT
        head = {"key": digest([self.key, self.tokens, self.cite, self.mentions])}
        if path is not None and path.is_file():
            try:
                kept = json.loads(path.read_text(encoding="utf-8"))
            except ValueError:
                return head
            if isinstance(kept, dict) and kept.get("key") == head["key"]:
                return kept
        return head

    def _keep(self, found: dict[str, Any]) -> None:
        self._kept.update(found)
        if self.folder is not None:
            with suppress(OSError):  # a folder that may only be read: found out anew at the next start
                write_json(self.folder / KEPT, self._kept)

    def _ask(self, rows: np.ndarray, scores: np.ndarray) -> list[str]:
        return self.system.explain(
            rows, scores, tokens=self.tokens, cite=self.cite, mentions=self.mentions, progress=self.progress
        )

    def _case(self, system: System, row: int, item: int, verdict: bool) -> Case:
        prompt = system.prompt
        return cases_of(
            system.ds, np.array([row]), prompt.history, prompt.block, verdicts=[verdict], items=np.array([item])
        )[0]

    def _by_rules(self, system: System, row: int, item: int, verdict: bool) -> Written:
        past = system.ds.interactions.history_rows(row, system.prompt.history, system.prompt.block)
        # By the item's id, not its place in the table, and by the past: the same question gets the same words.
        seed = zlib.crc32(str(system.ds.items.ids[item]).encode())
        argument = argue_item(system.ds, item, past, np.random.default_rng((seed, len(past))), verdict=verdict)
        return Written(argument.text, "rules" if argument.argued else "plain")
