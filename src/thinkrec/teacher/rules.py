"""The rule-based teacher behind the common interface."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.teacher.client import NOTHING, Answer, OnAnswer, Question
from thinkrec.teacher.config import RulesTeacherConfig
from thinkrec.teacher.rule_reasons import argue_row


class RuleBasedTeacher:
    """Answers questions about rows of a data set from its own reading of them; the words of a question do not matter.

    So asking again or telling the outcome changes nothing: its opinion stays.
    """

    def __init__(self, config: RulesTeacherConfig, ds: Dataset) -> None:
        """A teacher that reads `ds`."""
        self.config, self._ds = config, ds
        self.name = format_rules_teacher_name(config)

    def ask(self, questions: Sequence[Question], on_answer: OnAnswer) -> None:
        """See `Teacher.ask`."""
        for question in questions:
            started = time.monotonic()
            if question.row is None:
                why = "the rule-based teacher answers only questions about a row of the data"
                on_answer(question, Answer("", "", NOTHING, 0.0, failure=why))
                continue
            # Seeded by the row's `order`, not by its row number, so that more data changes no words.
            order = int(self._ds.interactions.order[question.row])
            rng = np.random.default_rng((self.config.seed, abs(order), int(order < 0)))
            text = argue_row(self._ds, question.row, self.config.history_length, rng).text
            on_answer(question, Answer(text, "", NOTHING, time.monotonic() - started))


def format_rules_teacher_name(config: RulesTeacherConfig) -> str:
    """The name that goes into hashes."""
    return f"rules: history={config.history_length} seed={config.seed}"
