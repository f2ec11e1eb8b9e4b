"""Contrast of two prompts against the plain way: both texts again for every token, one row, no cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from engine.test_generate import FIRST_WORD, OnlyWords, SecondBest, compute_next_logits, continue_prompts
from support.tiny_lm import WORDS, make_prompts, make_recommender

from thinkrec.data.columns import DataWarning
from thinkrec.engine.contrast import PromptContrast
from thinkrec.engine.generate import DecodingConstraint
from thinkrec.engine.recommender import Recommender
from thinkrec.errors import DataError
from thinkrec.prompts.types import Prompt

PROMPTS = make_prompts()
OTHERS = [PROMPTS[at] for at in (3, 0, 4, 1, 2)]
"""Other lengths, and other weights of the experts."""


def normalise_logits(logits: np.ndarray) -> np.ndarray:
    shifted = logits.astype(np.float64) - logits.max()
    return shifted - np.log(np.exp(shifted).sum())


def contrast_plainly(
    recommender: Recommender, prompt: Prompt, other: Prompt, written: Sequence[int], weight: float, min_p: float
) -> np.ndarray:
    """Float64 (V,): the combined log probabilities by the book, -1000 and less where a token is implausible."""
    plain, against = (normalise_logits(compute_next_logits(recommender, p, written)) for p in (prompt, other))
    plausible = np.exp(plain) >= min_p * np.exp(plain).max()
    return np.where(plausible, plain + weight * (plain - against), plain - 1000)


def continue_by_the_book(
    recommender: Recommender,
    prompt: Prompt,
    other: Prompt,
    n: int,
    weight: float,
    min_p: float,
    constraint: DecodingConstraint | None = None,
) -> list[int]:
    written: list[int] = []
    while len(written) < n and (not written or written[-1] != recommender.backbone.eos_id):
        values = contrast_plainly(recommender, prompt, other, written, weight, min_p)
        allowed = np.arange(len(values)) if constraint is None else constraint.allowed_token_ids(written)
        assert allowed is not None
        written.append(int(allowed[values[allowed].argmax()]))
        if constraint is not None:
            del written[constraint.count_accepted(written) :]
    return written


@pytest.mark.parametrize(("weight", "min_p"), [(0.5, 0.1), (2.0, 0.1), (2.0, 0.001), (1.0, 1.0)])
def test_each_row_gets_the_best_of_the_combined_tokens(weight: float, min_p: float) -> None:
    recommender = make_recommender()
    expected = [
        continue_by_the_book(recommender, prompt, other, 7, weight, min_p)
        for prompt, other in zip(PROMPTS, OTHERS, strict=True)
    ]
    assert continue_prompts(recommender, PROMPTS, 7, contrast=PromptContrast(OTHERS, weight, min_p)) == expected
    plain = continue_prompts(recommender, PROMPTS, 7)
    assert (plain == expected) is (min_p == 1.0), "with one plausible token there is nothing to choose"


@pytest.mark.parametrize("patience", [0, 3])
def test_rules_meet_the_combined_tokens_and_take_back_from_both_prompts(patience: int) -> None:
    recommender = make_recommender("qwen2")
    sets = [range(FIRST_WORD + 3 * at, FIRST_WORD + 3 * at + 6) for at in range(5)]
    expected = [
        continue_by_the_book(recommender, prompt, other, 8, 1.5, 0.05, OnlyWords(words, patience))
        for prompt, other, words in zip(PROMPTS, OTHERS, sets, strict=True)
    ]
    rules = [OnlyWords(words, patience) for words in sets]
    contrast = PromptContrast(OTHERS, 1.5, 0.05)
    assert continue_prompts(recommender, PROMPTS, 8, constraints=rules, contrast=contrast) == expected
    assert continue_prompts(recommender, PROMPTS, 8, constraints=[OnlyWords(words, patience) for words in sets]) != (
        expected
    )


def test_rows_that_end_are_dropped_with_their_other_prompts() -> None:
    recommender = make_recommender()
    end = recommender.backbone.eos_id

    @dataclass
    class EndsAfter:
        length: int

        def allowed_token_ids(self, ids: Sequence[int]) -> np.ndarray:
            return np.array([end]) if len(ids) == self.length else np.arange(FIRST_WORD, len(WORDS))

        def is_allowed(self, ids: Sequence[int], token: int) -> bool:
            return token in self.allowed_token_ids(ids)

        def count_accepted(self, ids: Sequence[int]) -> int:
            return len(ids)

    rules = [EndsAfter(length) for length in (1, 6, 2, 7, 3)]
    actual = continue_prompts(recommender, PROMPTS, 9, constraints=rules, contrast=PromptContrast(OTHERS, 1.0, 0.1))
    assert actual == [
        continue_by_the_book(recommender, prompt, other, 9, 1.0, 0.1, rule)
        for prompt, other, rule in zip(PROMPTS, OTHERS, rules, strict=True)
    ]


@dataclass
class Recorder(SecondBest):
    """Also keeps what it is given."""

    given: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)

    def choose_token(
        self, ids: Sequence[int], logits: torch.Tensor, rule: DecodingConstraint | None, plain: torch.Tensor | None
    ) -> int:
        assert plain is not None
        self.given.append((logits.numpy(), plain.numpy()))
        return super().choose_token(ids, logits, rule, plain)


def test_choosers_are_given_the_combined_logits_and_the_plain_ones() -> None:
    recommender = make_recommender()
    choosers = [Recorder() for _ in PROMPTS]
    contrast = PromptContrast(OTHERS, 1.0, 0.1)
    actual = continue_prompts(recommender, PROMPTS, 4, first_tokens=[4] * 5, choosers=choosers, contrast=contrast)
    for prompt, other, ids, chooser in zip(PROMPTS, OTHERS, actual, choosers, strict=True):
        for n, (combined, plain) in enumerate(chooser.given, start=1):
            np.testing.assert_allclose(plain, compute_next_logits(recommender, prompt, ids[:n]), atol=1e-4)
            book = contrast_plainly(recommender, prompt, other, ids[:n], 1.0, 0.1)
            np.testing.assert_allclose(combined, book, atol=1e-3)
            assert ids[n] == int(np.argsort(-combined, kind="stable")[1])


def test_where_no_allowed_token_is_plausible_the_likeliest_is_taken() -> None:
    logits, other = torch.tensor([[5.0, 4.0, -3.0, -9.0]]), torch.tensor([[5.0, 9.0, 9.0, -20.0]])
    (combined,) = PromptContrast([], 2.0, 0.1).combine_logits(logits, other)
    assert combined.argmax() == 0, "the second one is likely without the labels too"
    assert combined[:2].min() > combined[2:].max() and combined[2] > combined[3]


def test_the_longer_of_two_prompts_decides_how_long_a_row_may_be() -> None:
    recommender = make_recommender(max_position_embeddings=25)
    contrast = PromptContrast([PROMPTS[3]] * 2, 1.0, 0.1)  # of 23 tokens
    with pytest.warns(DataWarning, match="2 of 2 texts can have 3 tokens"):
        assert {len(ids) for ids in continue_prompts(recommender, PROMPTS[:2], 9, contrast=contrast)} == {3}


def test_a_contrast_needs_a_prompt_for_each() -> None:
    with pytest.raises(DataError, match="2 prompts in contrast to 5 prompts; give one each"):
        continue_prompts(make_recommender(), PROMPTS, 3, contrast=PromptContrast(OTHERS[:2], 1.0, 0.1))
