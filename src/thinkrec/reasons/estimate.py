"""Cost estimate of a synthesis, before anything is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from thinkrec.reasons.config import SynthesisConfig
from thinkrec.reasons.synthesis import RowState
from thinkrec.teacher.client import Usage, estimate_tokens
from thinkrec.teacher.config import Prices

FOLLOW_UP = 60
"""About the tokens of what is said after a wrong answer."""


@dataclass(frozen=True)
class CostEstimate:
    """Tokens and money of the rows that are still to be asked about."""

    rows: int
    n_finished: int
    """Rows that need no more asking."""
    answer_tokens: float
    n_measured: int
    """Answers of this teacher in the store that `answer_tokens` and `accuracy` were measured on; 0: assumed."""
    accuracy: float
    single_attempt: Usage
    """One answer for every row."""
    expected: Usage
    """With further attempts where the verdict is wrong."""
    maximum: Usage
    """All attempts for every row, each answer as long as it may be; repetitions of failed requests apart."""
    has_prices: bool


def estimate_cost(cases: Sequence[RowState], config: SynthesisConfig) -> CostEstimate:
    """Estimate from the questions that would really be asked and, where there are any, the answers that came."""
    teacher = config.teacher
    answers = [attempt for case in cases for attempt in case.answers]
    tokens = float(config.expected_tokens)
    accuracy = config.expected_accuracy
    if answers:
        tokens = sum(attempt.completion_tokens for attempt in answers) / len(answers)
        rights = sum(case.outcome == "right" for case in cases)
        accuracy = min(0.99, max(0.05, rights / len(answers)))
    limit = 0 if teacher.kind == "rules" else teacher.max_tokens
    tokens = min(tokens, limit)
    prices = teacher.prices if teacher.kind == "api" else Prices()
    once = expected = maximum = (0.0, 0.0, 0.0)
    for case in cases:
        if case.next_question is None:
            continue
        prompt = 0 if teacher.kind == "rules" else estimate_tokens(case.next_question.messages)
        attempts_left = config.attempt_limit - len(case.answers)
        once = _add_counts(once, (prompt, tokens, 1.0))
        for later in range(attempts_left):
            chance = (1 - accuracy) ** later
            grown = prompt + later * (tokens + FOLLOW_UP if prompt else 0)
            expected = _add_counts(expected, (chance * grown, chance * tokens, chance))
            longest = prompt + later * (limit + FOLLOW_UP if prompt else 0)
            maximum = _add_counts(maximum, (longest, limit, 1.0))
    sums = [_make_usage(counts, prices) for counts in (once, expected, maximum)]
    return CostEstimate(
        rows=len(cases),
        n_finished=sum(case.next_question is None for case in cases),
        answer_tokens=tokens,
        n_measured=len(answers),
        accuracy=accuracy,
        single_attempt=sums[0],
        expected=sums[1],
        maximum=sums[2],
        has_prices=bool(prices.input or prices.output),
    )


def _add_counts(a: tuple[float, float, float], b: tuple[float, float, float]) -> tuple[float, float, float]:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


def _make_usage(counts: tuple[float, float, float], prices: Prices) -> Usage:
    prompt, completion, requests = counts
    return Usage(round(prompt), round(completion), prices.compute_cost(prompt, completion), round(requests))
