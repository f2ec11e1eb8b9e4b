"""What a synthesis will take, by hand: assumed before anything was asked, measured after."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from thinkrec.reasons.config import SynthesisConfig
from thinkrec.reasons.estimate import FOLLOW_UP, estimate_cost
from thinkrec.teacher.client import Message, Question, estimate_tokens
from thinkrec.teacher.config import ApiTeacherConfig, Prices, RulesTeacherConfig

MESSAGES = (Message("user", "x" * 400),)
PROMPT = 104


def make_case(completions: tuple[int, ...] = (), outcome: str = "not asked", done: bool = False) -> Any:
    answers = tuple(SimpleNamespace(completion_tokens=tokens) for tokens in completions)
    question = None if done else Question(key="k", messages=MESSAGES)
    return SimpleNamespace(answers=answers, outcome=outcome, next_question=question)


def make_config(**more: Any) -> SynthesisConfig:
    api = ApiTeacherConfig(model="m", base_url="http://localhost/v1", max_tokens=500, prices=Prices(input=1, output=10))
    return SynthesisConfig(**{"teacher": api, "expected_tokens": 100, "expected_accuracy": 0.75, **more})


def test_rows_that_nobody_was_asked_about_are_assumed() -> None:
    assert estimate_tokens(MESSAGES) == PROMPT
    estimate = estimate_cost([make_case(), make_case(), make_case(done=True)], make_config())
    assert (estimate.rows, estimate.n_finished, estimate.n_measured) == (3, 1, 0)
    once = estimate.single_attempt
    assert (once.prompt_tokens, once.completion_tokens, once.requests) == (2 * PROMPT, 200, 2)
    assert once.cost == pytest.approx((2 * PROMPT * 1 + 200 * 10) / 1e6)
    # Three attempts: the second where the first was wrong, one in four, the third one in sixteen.
    chances = (1, 0.25, 0.0625)
    grown = [PROMPT + later * (100 + FOLLOW_UP) for later in range(3)]
    assert estimate.expected.prompt_tokens == round(2 * sum(c * g for c, g in zip(chances, grown, strict=True)))
    assert estimate.expected.completion_tokens == round(2 * 100 * sum(chances))
    longest = [PROMPT + later * (500 + FOLLOW_UP) for later in range(3)]
    assert (estimate.maximum.prompt_tokens, estimate.maximum.completion_tokens) == (2 * sum(longest), 2 * 3 * 500)
    assert (estimate.maximum.requests, estimate.has_prices) == (6, True)


def test_answers_that_came_are_measured() -> None:
    cases = [make_case((60, 80), "right", done=True), make_case((40,)), make_case()]
    estimate = estimate_cost(cases, make_config())
    assert (estimate.answer_tokens, estimate.n_measured) == (60.0, 3)
    assert estimate.accuracy == pytest.approx(1 / 3)
    assert estimate.maximum.requests == 2 + 3, "an attempt that was made is not made again"


def test_shares_of_right_answers_are_never_taken_for_certain() -> None:
    assert estimate_cost([make_case((9,), "right", done=True)], make_config()).accuracy == 0.99
    assert estimate_cost([make_case((9,), "wrong", done=True)], make_config()).accuracy == 0.05


def test_rules_cost_nothing() -> None:
    estimate = estimate_cost([cast(Any, make_case())], make_config(teacher=RulesTeacherConfig()))
    assert (estimate.expected.tokens, estimate.maximum.tokens, estimate.maximum.requests) == (0, 0, 1)
    assert not estimate.has_prices
