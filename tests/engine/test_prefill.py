"""Prompts that begin alike are read once before they are continued, and continued as if each had been read whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.tiny_lm import GATES, make_part, make_prompts, make_recommender

from thinkrec.engine import prefill
from thinkrec.engine.generate import generate_greedily
from thinkrec.engine.prefill import prefill_prompts
from thinkrec.prompts.shared_prefix import concat_prompts, count_common_prefix, split_shared_prefix
from thinkrec.prompts.types import Prompt

KINDS = ["llama", "qwen2", "gpt_neox", "granite", "cohere"]


def alike(trunk: int = 40, leaves: tuple[int, ...] = (3, 9, 1, 6), gate=GATES[2]) -> list[Prompt]:
    rng, gate = np.random.default_rng(1), np.array(gate, dtype=np.float32)
    shared = make_part(rng, trunk, gate)
    made = [concat_prompts([shared, make_part(rng, n, gate)]) for n in leaves]
    for i, prompt in enumerate(made):  # whatever was drawn, they differ from here on
        prompt.ids[trunk] = 10 + i
    return made


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Tokens in common, each time a fork is read."""
    seen: list[int] = []
    forked = prefill._prefill_shared_prefix
    monkeypatch.setattr(
        prefill, "_prefill_shared_prefix", lambda rec, prompts, n: (seen.append(n), forked(rec, prompts, n))[1]
    )
    return seen


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_the_same(kind: str, reads: list[int], monkeypatch) -> None:
    rec, prompts = make_recommender(kind), alike()
    found, with_rec = generate_greedily(rec, prompts, 20), None
    with rec.inference_mode():
        with_rec = prefill_prompts(rec, prompts)
    assert reads == [40, 40]
    monkeypatch.setattr(prefill, "MIN_SHARED_TOKENS", 1000)
    wanted = generate_greedily(rec, prompts, 20)
    with rec.inference_mode():
        plain = prefill_prompts(rec, prompts)
    assert reads == [40, 40]
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert len({tuple(ids) for ids in wanted}) > 1
    torch.testing.assert_close(with_rec.last_hidden, plain.last_hidden, atol=1e-4, rtol=1e-4)
    assert torch.equal(with_rec.attention_mask, plain.attention_mask)
    assert torch.equal(with_rec.lengths, plain.lengths)


def test_the_trunk_is_computed_once(reads: list[int]) -> None:
    rec, tokens = make_recommender(), []
    assert rec.capabilities.shared_prefix
    rec.decoder.layers[0].register_forward_hook(lambda module, args, out: tokens.append(out.shape[1] * len(out)))
    generate_greedily(rec, alike(), 2)
    assert tokens == [40 + 3 + 9 + 1 + 6, 4]


def test_one_prompt_other_gates_and_short_beginnings_are_read_one_by_one(reads: list[int]) -> None:
    rec = make_recommender()
    generate_greedily(rec, alike()[:1], 2)
    generate_greedily(rec, make_prompts(), 2)
    generate_greedily(rec, alike(trunk=31), 2)
    prompts = alike()
    generate_greedily(rec, [*prompts[:2], replace(prompts[2], gate=np.array(GATES[1], dtype=np.float32))], 2)
    assert reads == []


def test_a_backbone_that_cannot_pack_reads_them_one_by_one(reads: list[int]) -> None:
    assert len(generate_greedily(make_recommender("gemma2"), alike(), 3)) == 4
    assert reads == []
    narrow = make_recommender("mistral", sliding_window=20)
    assert len(generate_greedily(narrow, alike(), 3)) == 4
    assert reads == [40], "tried, and found too long for its window"


def test_what_prompts_have_in_common() -> None:
    prompts = alike()
    assert count_common_prefix(prompts) == 40
    assert count_common_prefix(prompts[:1]) == len(prompts[0]) - 1
    assert count_common_prefix([prompts[0], prompts[0]]) == len(prompts[0]) - 1, "each keeps a token of its own"
    other = replace(prompts[1], placeholder_vectors=prompts[1].placeholder_vectors + 1)
    assert count_common_prefix([prompts[0], other]) == 20, "the slot in the middle of the trunk"
    bare = replace(
        prompts[1], placeholder_at=prompts[1].placeholder_at[:0], placeholder_vectors=np.zeros((0, 0), dtype=np.float32)
    )
    assert count_common_prefix([prompts[0], bare]) == count_common_prefix([bare, prompts[0]]) == 20
    changed = replace(prompts[1], ids=np.where(np.arange(len(prompts[1])) == 7, 5, prompts[1].ids))
    assert count_common_prefix([prompts[0], prompts[2], changed]) == 7
    fork = split_shared_prefix(prompts, 40)
    for mine, theirs in zip(fork.to_prompts(), prompts, strict=True):
        np.testing.assert_array_equal(mine.ids, theirs.ids)
        np.testing.assert_array_equal(mine.placeholder_at, theirs.placeholder_at)
        np.testing.assert_array_equal(mine.placeholder_vectors, theirs.placeholder_vectors)
