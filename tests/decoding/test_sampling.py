"""Choosing tokens: draws that a seed repeats, truncated as the settings say, and penalties on words said already."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from thinkrec.decoding.citations import AllowedTitle, CitationConstraint
from thinkrec.decoding.config import DecodingConfig
from thinkrec.decoding.free_citations import FreeCitations
from thinkrec.decoding.sampling import (
    TokenSampler,
    compute_probabilities,
    find_content_words,
    list_beginning_tokens,
    truncate_probabilities,
)
from thinkrec.decoding.vocabulary import TokenVocabulary

PIECES = (b"", b" slow", b" drama", b" Dra", b"ma", b".", b" '", b"'", b" with", b" liked", b" Drama", b"Oak", b" Hill")
WORDS = TokenVocabulary(PIECES)
PROMPT = np.arange(5)


def sampler(citations: Any = None, *, prompt: np.ndarray = PROMPT, sample: int = 0, words=(), **keys) -> TokenSampler:
    reader = FreeCitations(WORDS, ["Oak Hill"]) if citations is None else citations
    return TokenSampler(DecodingConfig(**keys), reader, prompt, sample=sample, target_words=words)


def draw(one: TokenSampler, n: int = 40, logits: torch.Tensor | None = None) -> list[int]:
    flat = torch.zeros(len(PIECES)) if logits is None else logits
    return [one.choose_token([], flat, None) for _ in range(n)]


def test_the_same_seed_prompt_and_sample_draw_the_same_and_others_do_not() -> None:
    first = draw(sampler(temperature=1.0))
    assert first == draw(sampler(temperature=1.0))
    assert first != draw(sampler(temperature=1.0, seed=1))
    assert first != draw(sampler(temperature=1.0, sample=1))
    assert first != draw(sampler(temperature=1.0, prompt=np.arange(1, 6)))


def test_draws_have_the_probabilities_of_the_temperature() -> None:
    logits = torch.full((len(PIECES),), -1e9)
    logits[1], logits[2] = np.log(0.9), np.log(0.1)
    for temperature, expected in ((1.0, 0.9), (2.0, 0.75), (0.5, 0.988)):
        share = Counter(draw(sampler(temperature=temperature), 2000, logits))[1] / 2000
        assert share == pytest.approx(expected, abs=0.025)


def test_truncation_keeps_the_nucleus_and_the_likely() -> None:
    probabilities = np.array([0.05, 0.5, 0.15, 0.3])
    assert truncate_probabilities(probabilities, 0.79, 0.0).tolist() == [0, 0.5, 0, 0.3]
    assert truncate_probabilities(probabilities, 0.81, 0.0).tolist() == [0, 0.5, 0.15, 0.3]
    assert truncate_probabilities(probabilities, 1e-9, 0.0).tolist() == [0, 0.5, 0, 0]
    assert truncate_probabilities(probabilities, 1.0, 0.29).tolist() == [0, 0.5, 0.15, 0.3]
    assert truncate_probabilities(probabilities, 1.0, 0.31).tolist() == [0, 0.5, 0, 0.3]
    # Against the plain way, on many tokens, most of which are never looked at.
    rng = np.random.default_rng(0)
    for _ in range(20):
        many = compute_probabilities(rng.normal(size=3000) * 3, 1.0)
        order = np.argsort(-many, kind="stable")
        n = int(np.argmax(many[order].cumsum() >= 0.9)) + 1
        assert set(np.flatnonzero(truncate_probabilities(many, 0.9, 0.0))) == set(order[:n])


def test_equal_probabilities_fill_the_nucleus_in_order() -> None:
    assert truncate_probabilities(np.full(4, 0.25), 0.5, 0.0).tolist() == [0.25, 0.25, 0, 0]


def test_no_token_outside_the_truncation_is_drawn() -> None:
    logits = torch.arange(len(PIECES)).float()
    allowed = {len(PIECES) - 1, len(PIECES) - 2}
    assert set(draw(sampler(temperature=1.0, min_p=0.3), 300, logits)) == allowed
    assert set(draw(sampler(temperature=1.0, top_p=0.7), 300, logits)) == allowed


@dataclass
class OnlyOdd:
    """Allows the odd tokens."""

    def is_allowed(self, ids, token: int) -> bool:
        return token % 2 == 1

    def allowed_token_ids(self, ids) -> np.ndarray:
        return np.arange(1, len(PIECES), 2)

    def count_accepted(self, ids) -> int:
        return len(ids)


@pytest.mark.parametrize("keys", [{}, {"temperature": 1.0}])
def test_a_rule_narrows_the_choice(keys: dict[str, Any]) -> None:
    logits = torch.zeros(len(PIECES))
    logits[4], logits[9] = 3.0, 2.0
    one = sampler(**keys)
    drawn = Counter(one.choose_token([], logits, OnlyOdd()) for _ in range(500))
    assert all(token % 2 for token in drawn) and drawn.most_common(1)[0][0] == 9
    if keys:
        weights = np.exp(logits.numpy()[1::2])
        assert drawn[9] / 500 == pytest.approx(weights[4] / weights.sum(), abs=0.06)


def test_words_said_already_are_penalised_once_and_titles_function_words_and_the_target_are_not() -> None:
    logits = torch.zeros(len(PIECES))
    logits[[1, 2, 8, 9]] = torch.tensor([1.0, 0.9, 0.8, 0.7])
    one = sampler(presence_penalty=0.5)
    assert one.choose_token([2], logits, None) == 1
    assert one.choose_token([1, 2], logits, None) == 2, "the last word may not be whole"
    assert one.choose_token([1, 2, 5], logits, None) == 8, "slow and drama once each"
    assert one.choose_token([1, 2, 5, 8, 9, 5], logits, None) == 8, "with and liked may be said again"
    logits[1] = 1.45
    assert one.choose_token([1, 5, 1, 5, 1, 5], logits, None) == 1, "once, however often it was said"
    quoted = [6, 11, 12, 7, 5]
    hill = torch.zeros(len(PIECES))
    hill[12] = 0.3
    assert one.choose_token(quoted, hill, None) == 12, "a title is not said again by its words"
    assert one.choose_token([6, 11], hill, None) == 12, "within a quotation nothing is penalised"
    assert one.choose_token([12, 5, 6, 11], hill, None) == 12, "not either what was said before it"
    assert one.choose_token([12, 5, 12, 5], hill, None) != 12
    assert sampler(presence_penalty=0.5, words={"hill"}).choose_token([12, 5], hill, None) == 12


def test_a_penalty_finds_titles_by_the_rules_of_the_row_too() -> None:
    rule = CitationConstraint(WORDS, {"Oak Hill": AllowedTitle()})
    one = sampler(rule, presence_penalty=0.5)
    hill = torch.zeros(len(PIECES))
    hill[12] = 0.3
    assert one.choose_token([6, 11, 12, 7, 5], hill, None) == 12


def test_the_likelihood_is_the_models_own_and_forgets_what_was_rolled_back() -> None:
    logits = torch.log_softmax(torch.arange(len(PIECES)).float(), 0)
    one = sampler(temperature=3.0, seed=4)
    assert one.mean_log_probability == -np.inf
    ids: list[int] = []
    for _ in range(3):
        ids.append(one.choose_token(ids, logits, None))
    assert one.mean_log_probability == pytest.approx(float(logits[ids].mean()))
    again = [ids[0], one.choose_token(ids[:1], logits, None)]
    assert one.mean_log_probability == pytest.approx(float(logits[again].mean()))


def test_words_begin_with_the_longest_piece() -> None:
    assert list_beginning_tokens(WORDS, "drama") == (2, 10)
    assert list_beginning_tokens(WORDS, "dramatic") == (2, 10)
    assert list_beginning_tokens(WORDS, "dragon") == (3,)
    assert list_beginning_tokens(WORDS, "wither") == (8,)
    assert list_beginning_tokens(WORDS, "without") == (8,)
    assert list_beginning_tokens(WORDS, "wide") == ()
    assert find_content_words("The \u27e612\u27e7 sea is 1999 Slow, well-liked") == {"slow", "well"}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"top_p": 0.9}, "top_p without effect"),
        ({"n_samples": 3, "seed": 2}, "seed, n_samples without effect"),
        ({"no_repeat_ngram": 1}, "no word stand twice"),
        ({"temperature": -1}, "greater than or equal to 0"),
        ({"temperature": 1.0, "top_p": 0.0}, "greater than 0"),
        ({"temperature": 1.0, "min_p": 1.0}, "less than 1"),
        ({"temperature": 1.0, "n_samples": 0}, "greater than or equal to 1"),
        ({"choose_by": "meteor"}, "likelihood"),
        ({"temprature": 1.0}, "Extra inputs"),
    ],
)
def test_settings_without_sense_are_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        DecodingConfig.model_validate(keys)


def test_the_likelihood_is_the_prompts_own_where_logits_are_combined() -> None:
    one, combined, plain = sampler(), torch.zeros(len(PIECES)), torch.zeros(len(PIECES))
    combined[3], plain[1] = 5.0, 2.0
    assert one.choose_token([], combined, None, plain) == 3
    assert one.mean_log_probability == pytest.approx(-np.log(np.exp(2.0) + len(PIECES) - 1))


def test_defaults_are_no_changes() -> None:
    assert DecodingConfig().dump_changes() == {} and DecodingConfig().is_greedy
    assert DecodingConfig(temperature=0.5).dump_changes() == {"temperature": 0.5}
