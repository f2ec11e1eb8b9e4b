"""Sampled continuations against the plain way: the whole text again for every token, one row, no cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from support.tiny_lm import WORDS, make_prompts, make_recommender

from thinkrec.engine.batch import collate_prompts
from thinkrec.engine.recommender import Recommender
from thinkrec.engine.sample import SampledText, draw_token, find_drawn_place, sample_texts
from thinkrec.errors import DataError
from thinkrec.prompts.types import Prompt

FIRST_WORD = WORDS.index(" w0")
COMMA = WORDS.index(",")


@dataclass
class TwoWords:
    """word, `gap` commas, word, `tail` commas: choices, and runs of tokens without one."""

    words: Sequence[int]
    gap: int
    tail: int

    def allowed_token_ids(self, ids: Sequence[int]) -> np.ndarray:
        return np.array(self.words if len(ids) in (0, 1 + self.gap) else [COMMA], dtype=np.int64)

    def is_complete(self, ids: Sequence[int]) -> bool:
        return len(ids) == 2 + self.gap + self.tail


def make_forms(prompts: Sequence[Prompt], k: int) -> list[list[TwoWords]]:
    return [
        [TwoWords(list(range(FIRST_WORD + i, FIRST_WORD + i + 9)), (i + j) % 3, (i + 2 * j) % 4) for j in range(k)]
        for i in range(len(prompts))
    ]


def make_draws(prompts: Sequence[Prompt], k: int) -> list[list[Iterator[float]]]:
    def draw(i: int, j: int) -> Iterator[float]:
        rng = np.random.default_rng((i, j))
        while True:
            yield float(rng.random())

    return [[draw(i, j) for j in range(k)] for i in range(len(prompts))]


def read_plainly(recommender: Recommender, prompt: Prompt, ids: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Logits of the next token and of the answer behind a prompt and what was written, from one pass over it."""
    whole = replace(prompt, ids=np.concatenate([prompt.ids, np.array(ids, dtype=np.int32)]))
    with recommender.inference_mode():
        hidden = recommender.compute_hidden(collate_prompts([whole], 0))[0, len(whole.ids) - 1]
        next_token = recommender.compute_next_token_logits(hidden).double().numpy()
        return next_token, recommender.compute_answer_logits(hidden[None])[0].numpy()


def sample_plainly(
    recommender: Recommender, prompt: Prompt, form: TwoWords, draw: Iterator[float], temperature: float
) -> tuple[list[int], np.ndarray]:
    ids: list[int] = []
    while not form.is_complete(ids):
        allowed = form.allowed_token_ids(ids)
        logits = read_plainly(recommender, prompt, ids)[0]
        ids.append(int(allowed[0]) if len(allowed) == 1 else draw_token(logits, allowed, draw, temperature))
    return ids, read_plainly(recommender, prompt, ids)[1]


def call(recommender: Recommender, prompts: Sequence[Prompt], k: int, **options) -> list[list[SampledText]]:
    with recommender.inference_mode():
        return sample_texts(recommender, prompts, make_forms(prompts, k), make_draws(prompts, k), **options)


@pytest.mark.parametrize("kind", ["llama", "gpt_neox", "gemma2"])
@pytest.mark.parametrize("temperature", [0.0, 1.3])
def test_texts_and_answers_are_those_of_the_plain_way(kind: str, temperature: float) -> None:
    recommender, prompts = make_recommender(kind), make_prompts()
    found = call(recommender, prompts, 3, temperature=temperature)
    forms, draws = make_forms(prompts, 3), make_draws(prompts, 3)
    for i, prompt in enumerate(prompts):
        for j in range(3):
            ids, answer = sample_plainly(recommender, prompt, forms[i][j], draws[i][j], temperature)
            assert found[i][j].ids.tolist() == ids
            np.testing.assert_allclose(found[i][j].answer_logits.numpy(), answer, atol=2e-5)
    if temperature:
        assert any(len({int(text.ids[0]) for text in row}) > 1 for row in found)


def test_neither_the_batch_nor_the_number_of_samples_changes_one() -> None:
    recommender, prompts = make_recommender(), make_prompts()
    whole = call(recommender, prompts, 4)
    fewer = call(recommender, prompts, 2)
    forms, draws = make_forms(prompts, 4), make_draws(prompts, 4)
    for i, prompt in enumerate(prompts):
        with recommender.inference_mode():
            alone = sample_texts(recommender, [prompt], [forms[i]], [draws[i]])[0]
        for j in range(4):
            np.testing.assert_array_equal(alone[j].ids, whole[i][j].ids)
            torch.testing.assert_close(alone[j].answer_logits, whole[i][j].answer_logits, atol=2e-5, rtol=0)
        for j in range(2):
            np.testing.assert_array_equal(fewer[i][j].ids, whole[i][j].ids)


def test_runs_without_a_choice_are_read_in_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    recommender, prompts = make_recommender(), make_prompts()[:1]
    passes: list[int] = []
    plain = recommender.decoder.forward

    def watched(*values, **options):
        passes.append(options["inputs_embeds"].shape[1])
        return plain(*values, **options)

    monkeypatch.setattr(recommender.decoder, "forward", watched)
    with recommender.inference_mode():
        sample_texts(recommender, prompts, [[TwoWords([20, 21], 2, 3)]], make_draws(prompts, 1))
    assert passes[1:] == [3, 4], "behind the prompt: the first word with its commas, then the second with its own"


def test_draws_follow_the_probabilities() -> None:
    logits, allowed = np.log(np.array([0.1, 9.0, 0.2, 0.3, 0.4])), np.array([0, 2, 3, 4])
    shares = []
    for temperature in (1.0, 0.5):
        draws = iter(((np.arange(4000) + 0.5) / 4000).tolist())
        drawn = [draw_token(logits, allowed, draws, temperature) for _ in range(4000)]
        shares.append([drawn.count(token) / 4000 for token in allowed])
    np.testing.assert_allclose(shares[0], [0.1, 0.2, 0.3, 0.4], atol=1e-3)
    np.testing.assert_allclose(shares[1], np.array([1, 4, 9, 16]) / 30, atol=1e-3)
    assert draw_token(logits, allowed, iter(()), 0.0) == 4, "without a temperature nothing is drawn"
    assert draw_token(logits, allowed, iter([1.0 - 1e-17]), 1.0) == 4


def test_counts_that_do_not_fit_are_refused() -> None:
    recommender, prompts = make_recommender(), make_prompts()
    forms, draws = make_forms(prompts, 2), make_draws(prompts, 2)
    with pytest.raises(DataError, match="4 forms and 5 draws for 5 prompts"):
        sample_texts(recommender, prompts, forms[1:], draws)
    with pytest.raises(DataError, match=r"prompts with \[1, 2\] continuations in one batch"):
        sample_texts(recommender, prompts, [forms[0][:1], *forms[1:]], draws)
    with pytest.raises(DataError, match=r"prompts with \[0\] continuations"):
        sample_texts(recommender, prompts, [[]] * 5, [[]] * 5)
    with pytest.raises(DataError, match="a temperature is 0 or more, not -1"):
        sample_texts(recommender, prompts, forms, draws, temperature=-1)
    recommender.train()
    with pytest.raises(RuntimeError, match="training mode"):
        sample_texts(recommender, prompts, forms, draws)


def test_a_number_falls_on_a_place_with_a_share() -> None:
    shares = np.array([0.0, 0.5, 0.0, 1.5, 0.0])
    assert [find_drawn_place(shares, number) for number in (0.0, 0.24, 0.26, 1.0 - 2**-53, 1.0)] == [1, 1, 3, 3, 3]
