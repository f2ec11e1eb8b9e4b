"""Synthesis of reasons: rounds of asking a teacher about rows until its verdict is the label, within bounds.

The conversation about a row is rebuilt from the store every time: the first question, then for every stored answer the
question that followed it. So a start after a kill resumes exactly where the store ends, and nothing but the store has
to survive.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from thinkrec.claims.verdict import format_verdict, parse_verdict
from thinkrec.data.dataset import Dataset
from thinkrec.io.progress import Progress
from thinkrec.reasons import questions
from thinkrec.reasons.config import HASHED_POLICIES, SynthesisConfig
from thinkrec.reasons.store import Attempt, AttemptStore, make_attempt
from thinkrec.teacher.client import Answer, Message, Question, Teacher, make_question

Outcome = Literal["right", "wrong", "unreadable", "refused", "failed", "unfinished", "not asked"]
"""What became of a row: an answer with the right verdict; all attempts used up, and the last one had the wrong verdict,
or none; its next question was refused by a filter of content or by the model, which is final; no answer came; attempts
left, or none made, when the run ended."""


@dataclass(frozen=True)
class RowState:
    """A row, its answers so far, and what is next."""

    row: int
    order: int
    label: bool
    answers: tuple[Attempt, ...]
    """Answers in the order in which they came; failures are not among them."""
    failures: tuple[tuple[int, str], ...]
    """Attempts of this start that got no answer: how many answers there were before, and why. Of a refused row, in
    whichever start: by what name it was refused."""
    outcome: Outcome
    next_question: Question | None
    """What would be asked next; None where the row is done with."""
    next_kind: str
    next_hinted: bool
    titles: tuple[str, ...] = ()
    """Titles that an answer may open with and that are no verdict."""

    @property
    def first_verdict(self) -> bool | None:
        """What the first answer said, None where it said neither or there is none."""
        return parse_verdict(self.answers[0].text, self.titles) if self.answers else None


@dataclass
class Synthesis:
    """One start: a data set, a config, the name of the teacher, a store."""

    ds: Dataset
    config: SynthesisConfig
    teacher: str
    store: AttemptStore
    failed: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    """Row -> its attempts of this start that failed. Those of earlier starts count no more: what caused them may be
    gone."""

    def get_row_state(self, row: int) -> RowState:
        """The state of a row: its answers in the store, its outcome, and its next question."""
        ds, config = self.ds, self.config
        label, failures = bool(ds.interactions.label[row]), tuple(self.failed.get(row, ()))
        messages, kind, hinted = questions.render_first_question(ds, row, config), "first", False
        answers: list[Attempt] = []
        titles = self._get_prompt_titles(row)
        outcome: Outcome = "not asked"
        refusal: Attempt | None = None
        while True:
            ask = make_question(self._build_row_key(row), messages, self.teacher, HASHED_POLICIES[config.policy], row)
            attempt = self.store.get_answer(ask.key) or self.store.get_answer(self._compute_legacy_key(row, messages))
            if len(answers) >= config.attempt_limit:
                break
            if attempt is None:
                refusal = self.store.get_refusal(ask.key)
                break
            answers.append(attempt)
            opinion = parse_verdict(attempt.text, titles)
            outcome = "unreadable" if opinion is None else "right" if opinion == label else "wrong"
            if outcome == "right":
                break
            kind, hinted, follow = self._choose_follow_up(row, opinion, hinted)
            messages = (*messages, Message("assistant", attempt.text), Message("user", follow))
        is_finished = outcome == "right" or refusal is not None or len(answers) + len(failures) >= config.attempt_limit
        if refusal is not None:
            outcome, failures = "refused", ((len(answers), str(refusal.refused)),)
        elif not is_finished:
            outcome = "unfinished" if answers or failures else "not asked"
        elif outcome != "right" and failures and failures[-1][0] == len(answers):
            outcome = "failed"
        return RowState(
            row,
            int(ds.interactions.order[row]),
            label,
            tuple(answers),
            failures,
            outcome,
            None if is_finished else ask,
            kind,
            hinted,
            titles,
        )

    def run(self, rows: Sequence[int] | np.ndarray, teacher: Teacher, *, progress: bool = False) -> None:
        """Ask about all rows, round after round, until every one is done with.

        Raises TeacherStoppedError as the teacher does; everything that was answered is then in the store.
        """
        for number in range(1, self.config.attempt_limit + 1):
            waiting = {
                case.next_question.key: case
                for case in map(self.get_row_state, map(int, rows))
                if case.next_question is not None
            }
            if not waiting:
                return
            pending = [case.next_question for case in waiting.values() if case.next_question is not None]
            with Progress(f"asking, round {number}", len(pending), shown=progress) as bar:
                right = [0, 0]

                def store_and_count(ask: Question, answer: Answer, waiting=waiting, right=right, bar=bar) -> None:
                    case = waiting[ask.key]
                    self.store_answer(case, ask, answer)
                    right[0] += answer.failure is None and parse_verdict(answer.text, case.titles) == case.label
                    right[1] += answer.failure is None
                    bar.advance(1, f"{right[0]} of {right[1]} right")

                teacher.ask(pending, store_and_count)

    def store_answer(self, case: RowState, ask: Question, answer: Answer) -> None:
        """Put an answer into the store; nothing else happens to it before."""
        user, item = self.get_ids(case.row)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        about = {
            "order": case.order,
            "user_id": user,
            "item_id": item,
            "teacher": self.teacher,
            "policy": self.config.policy,
            "kind": case.next_kind,
            "hinted": case.next_hinted,
        }
        self.store.add(make_attempt(ask, answer, now, **about))
        if answer.failure is not None:
            self.failed.setdefault(case.row, []).append((len(case.answers), answer.failure))

    def _get_prompt_titles(self, row: int) -> tuple[str, ...]:
        """Titles that an answer may open with: those shown, and the one asked about."""
        interactions = self.ds.interactions
        past = interactions.item[interactions.get_history_rows(row, self.config.max_history)]
        return tuple(self.ds.items.titles[i] for i in (*past, interactions.item[row]))

    def _build_row_key(self, row: int) -> list[int | str]:
        """Key of a row that does not depend on its position: user, item and time."""
        interactions = self.ds.interactions
        return [*self.get_ids(row), int(interactions.timestamp[row])]

    def _choose_follow_up(self, row: int, opinion: bool | None, hinted: bool) -> tuple[str, bool, str]:
        """The next message after a wrong answer or one without a verdict.

        Returns (kind, whether the teacher knows the outcome from then on, text).
        """
        if opinion is None:
            return "form", hinted, questions.render_format_reminder()
        if self.config.policy == "retry_with_label":
            return "retry_with_label", True, questions.render_retry_with_label(self.ds, row)
        return "retry", hinted, questions.render_retry(self.ds, row)

    def _compute_legacy_key(self, row: int, messages: tuple[Message, ...]) -> str:
        """The key in stores of version 0.1.0: with the row's `order`. Their answers were paid for."""
        name = [int(self.ds.interactions.order[row]), *self.get_ids(row)]
        return make_question(name, messages, self.teacher, HASHED_POLICIES[self.config.policy]).key

    def get_ids(self, row: int) -> tuple[int | str, int | str]:
        """User id and item id of a row."""
        interactions = self.ds.interactions
        return self.ds.user_ids[interactions.user[row]], self.ds.items.ids[interactions.item[row]]


def format_optional_verdict(opinion: bool | None) -> str | None:
    """Yes, No, or None, as tables hold it."""
    return None if opinion is None else format_verdict(opinion)
