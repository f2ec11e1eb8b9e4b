"""The rule-based teacher answers questions about rows, the same each time, whatever the words."""

from __future__ import annotations

import numpy as np

from thinkrec.claims.verdict import parse_answer
from thinkrec.data.dataset import Dataset
from thinkrec.teacher.client import Answer, Message, Question
from thinkrec.teacher.config import RulesTeacherConfig
from thinkrec.teacher.rules import RuleBasedTeacher, format_rules_teacher_name


def ask_teacher(dataset: Dataset, rows: list[int | None], words: str = "?", **settings) -> list[Answer]:
    answers: list[Answer] = []
    questions = [Question(key=str(n), messages=(Message("user", words),), row=row) for n, row in enumerate(rows)]
    RuleBasedTeacher(RulesTeacherConfig(**settings), dataset).ask(questions, lambda _, answer: answers.append(answer))
    return answers


def test_each_row_has_its_text_whatever_the_words(tiny_dataset: Dataset) -> None:
    rows = list(range(len(tiny_dataset.interactions)))
    first = [answer.text for answer in ask_teacher(tiny_dataset, rows)]
    assert first == [answer.text for answer in ask_teacher(tiny_dataset, rows, "Are you sure?")]
    assert first == [answer.text for answer in reversed(ask_teacher(tiny_dataset, rows[::-1]))]
    assert all(parse_answer(text).verdict is not None for text in first)


def test_the_seed_and_the_history_are_in_its_name(tiny_dataset: Dataset) -> None:
    default = RulesTeacherConfig()
    assert format_rules_teacher_name(default) == RuleBasedTeacher(default, tiny_dataset).name
    assert format_rules_teacher_name(RulesTeacherConfig(seed=3)).endswith("seed=3")
    texts = {tuple(a.text for a in ask_teacher(tiny_dataset, list(np.arange(24)), seed=seed)) for seed in range(4)}
    assert len(texts) > 1


def test_a_question_about_no_row_is_not_answered(tiny_dataset: Dataset) -> None:
    (answer,) = ask_teacher(tiny_dataset, [None])
    assert answer.text == ""
    assert answer.failure == "the rule-based teacher answers only questions about a row of the data"
