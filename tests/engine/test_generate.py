"""Greedy continuation against the plain way: the whole text again for every token, one row, no cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch
from support.tiny_lm import WORDS, make_prompts, make_recommender

from thinkrec.data.columns import DataWarning
from thinkrec.engine.batch import collate_prompts
from thinkrec.engine.generate import DecodingConstraint, generate_greedily
from thinkrec.engine.recommender import Recommender
from thinkrec.errors import DataError
from thinkrec.prompts.types import Prompt

FIRST_WORD = WORDS.index(" w0")


@pytest.fixture(scope="module")
def recommender() -> Recommender:
    return make_recommender()


def continue_prompts(recommender: Recommender, prompts: Sequence[Prompt], n: int, **options) -> list[list[int]]:
    with recommender.inference_mode():
        return [ids.tolist() for ids in generate_greedily(recommender, prompts, n, **options)]


def compute_next_logits(recommender: Recommender, prompt: Prompt, written: Sequence[int]) -> np.ndarray:
    """float32 (V,): logits behind a prompt and what was written, from one pass over all of it."""
    ids = np.concatenate([prompt.ids, np.array(written, dtype=np.int32)])
    batch = collate_prompts([replace(prompt, ids=ids)], 0)
    with recommender.inference_mode():
        return recommender.compute_next_token_logits(recommender.compute_hidden(batch)[0, len(ids) - 1]).numpy()


def continue_plainly(
    recommender: Recommender, prompt: Prompt, n: int, constraint: DecodingConstraint | None = None
) -> list[int]:
    """The same by the book: the best allowed token, and back to where the constraint says."""
    written: list[int] = []
    while len(written) < n and (not written or written[-1] != recommender.backbone.eos_id):
        logits = compute_next_logits(recommender, prompt, written)
        allowed = None if constraint is None else constraint.allowed_token_ids(written)
        if allowed is not None:
            logits = np.where(np.isin(np.arange(len(logits)), allowed), logits, -np.inf)
        written.append(int(logits.argmax()))
        if constraint is not None:
            del written[constraint.count_accepted(written) :]
    return written


@dataclass
class OnlyWords:
    """Allows some tokens, and takes back from the first repeated one on, a few times."""

    words: Sequence[int]
    patience: int = 0
    refused: dict[tuple[int, ...], set[int]] = field(default_factory=dict)
    """Tokens refused, by what stood before them."""

    def allowed_token_ids(self, ids: Sequence[int]) -> np.ndarray:
        return np.array([w for w in self.words if w not in self.refused.get(tuple(ids), ())], dtype=np.int64)

    def is_allowed(self, ids: Sequence[int], token: int) -> bool:
        return token in self.allowed_token_ids(ids)

    def count_accepted(self, ids: Sequence[int]) -> int:
        if self.patience and len(ids) == 4:
            self.patience -= 1
            self.refused.setdefault(tuple(ids[:2]), set()).add(ids[2])
            return 2
        return len(ids)


@pytest.mark.parametrize("kind", ["llama", "qwen2", "gpt_neox", "granite"])
def test_each_row_gets_its_most_likely_tokens(kind: str) -> None:
    recommender, prompts = make_recommender(kind), make_prompts()
    expected = [continue_plainly(recommender, prompt, 7) for prompt in prompts]
    assert continue_prompts(recommender, prompts, 7) == expected
    assert len({tuple(ids) for ids in expected}) > 1


@pytest.mark.parametrize("patience", [0, 3])
def test_constraints_choose_among_what_is_allowed_and_take_back(recommender: Recommender, patience: int) -> None:
    prompts = make_prompts()
    sets = [None, *(range(FIRST_WORD + 3 * i, FIRST_WORD + 3 * i + 6) for i in range(4))]

    def constrain() -> list[OnlyWords | None]:
        return [None if words is None else OnlyWords(list(words), patience) for words in sets]

    expected = [
        continue_plainly(recommender, prompt, 8, rule) for prompt, rule in zip(prompts, constrain(), strict=True)
    ]
    constraints = constrain()
    assert continue_prompts(recommender, prompts, 8, constraints=constraints) == expected
    assert all(rule is None or rule.patience == 0 for rule in constraints)
    assert all(set(ids) <= set(words) for ids, words in zip(expected[1:], sets[1:], strict=True) if words is not None)


def test_rows_that_end_leave_the_others_as_they_are(recommender: Recommender) -> None:
    prompts = make_prompts() + make_prompts(8)
    end = recommender.backbone.eos_id
    # Rows end after 1, 2, 3, ... tokens, so that finished ones are dropped from the batch again and again.
    lengths = [1 + number % 6 for number in range(len(prompts))]

    @dataclass
    class EndsAfter:
        length: int

        def allowed_token_ids(self, ids: Sequence[int]) -> np.ndarray:
            return np.array([end]) if len(ids) == self.length else np.arange(FIRST_WORD, len(WORDS))

        def is_allowed(self, ids: Sequence[int], token: int) -> bool:
            return token in self.allowed_token_ids(ids)

        def count_accepted(self, ids: Sequence[int]) -> int:
            return len(ids)

    rules = [EndsAfter(length) for length in lengths]
    actual = continue_prompts(recommender, prompts, 9, constraints=rules)
    assert [len(ids) for ids in actual] == [length + 1 for length in lengths]
    assert all(ids[-1] == end for ids in actual)
    expected = [continue_plainly(recommender, p, 9, rule) for p, rule in zip(prompts, rules, strict=True)]
    assert actual == expected


def test_first_tokens_are_taken_as_they_are(recommender: Recommender) -> None:
    prompts = make_prompts()
    forced = [4, 5, 4, 5, 4]
    rules = [OnlyWords(range(FIRST_WORD, len(WORDS)))] * 5
    actual = continue_prompts(recommender, prompts, 3, first_tokens=forced, constraints=rules)
    assert [ids[0] for ids in actual] == forced, "a decided verdict is not the constraint's to refuse"
    for prompt, ids in zip(prompts, actual, strict=True):
        logits = compute_next_logits(recommender, prompt, ids[:1])
        assert ids[1] == FIRST_WORD + int(logits[FIRST_WORD : len(WORDS)].argmax())


def test_a_row_ends_where_the_backbone_has_no_further_position() -> None:
    recommender = make_recommender(max_position_embeddings=25)
    prompts = make_prompts()  # of 9, 17, 6, 23 and 12 tokens
    with pytest.warns(DataWarning, match=r"2 of 5 texts can have 3 tokens or a few more, not 10: .* 25 positions"):
        actual = continue_prompts(recommender, prompts, 10)
    assert [len(ids) for ids in actual] == [10, 9, 10, 3, 10]
    with pytest.raises(DataError, match="a prompt of 23 tokens for a backbone of 22 positions"):
        continue_prompts(make_recommender(max_position_embeddings=22), prompts, 10)


def test_counts_that_do_not_fit_are_refused(recommender: Recommender) -> None:
    prompts = make_prompts()
    with pytest.raises(DataError, match="2 first tokens for 5 prompts"):
        continue_prompts(recommender, prompts, 3, first_tokens=[4, 5])
    with pytest.raises(DataError, match="1 constraints for 5 prompts; give one each, or None for a row"):
        continue_prompts(recommender, prompts, 3, constraints=[None])
    assert continue_prompts(recommender, prompts, 0) == [[]] * 5


def test_ids_beyond_the_tokenizer_are_never_written() -> None:
    # Backbones round their vocabulary up; here the ids that nothing reads are made the most likely ones.
    recommender = make_recommender(vocab_size=len(WORDS) + 10)
    head = recommender.model.get_output_embeddings()
    with torch.no_grad():
        head.weight[len(WORDS) :] *= 50
    actual = continue_prompts(recommender, make_prompts(), 6)
    assert max(max(ids) for ids in actual) < len(WORDS)


@dataclass
class SecondBest:
    """Takes the second most likely of the allowed tokens."""

    seen: list[int] = field(default_factory=list)

    def choose_token(
        self, ids: Sequence[int], logits: torch.Tensor, rule: DecodingConstraint | None, plain: torch.Tensor | None
    ) -> int:
        self.seen.append(len(ids))
        allowed = None if rule is None else rule.allowed_token_ids(ids)
        candidates = np.arange(len(logits)) if allowed is None else allowed
        return int(candidates[np.argsort(-logits.numpy()[candidates], kind="stable")[1]])


def test_choosers_take_the_place_of_the_most_likely_token(recommender: Recommender) -> None:
    prompts = make_prompts()
    words = list(range(FIRST_WORD, len(WORDS)))
    rules: list[OnlyWords | None] = [None, *(OnlyWords(words, 1) for _ in prompts[1:])]
    choosers = [SecondBest() for _ in prompts]
    actual = continue_prompts(
        recommender, prompts, 6, first_tokens=[4] * len(prompts), constraints=rules, choosers=choosers
    )
    for prompt, ids, chooser, rule in zip(prompts, actual, choosers, rules, strict=True):
        assert ids[0] == 4 and chooser.seen[0] == 1, "a decided verdict is not chosen"
        assert rule is None or sorted(chooser.seen) != chooser.seen, "asked again for what was taken back"
        for n in range(1, len(ids)) if rule is None else ():
            assert ids[n] == int(np.argsort(-compute_next_logits(recommender, prompt, ids[:n]), kind="stable")[1])
        assert rule is None or set(ids[1:]) <= set(words)
    with pytest.raises(DataError, match="1 choosers of tokens for 5 prompts"):
        continue_prompts(recommender, prompts, 2, choosers=choosers[:1])
