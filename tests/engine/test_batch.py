from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.tiny_lm import make_prompts

from thinkrec.engine.batch import collate_prompts, split_by_token_budget
from thinkrec.errors import DataError


def test_collate_pads_on_the_right_and_indexes_by_row() -> None:
    prompts = make_prompts()
    batch = collate_prompts(prompts, pad_id=99)
    assert batch.ids.shape == (5, 23)
    assert batch.lengths.tolist() == [9, 17, 6, 23, 12]
    for i, p in enumerate(prompts):
        assert batch.ids[i, : len(p)].tolist() == p.ids.tolist()
        assert (batch.ids[i, len(p) :] == 99).all()
        mine = batch.placeholder_at[:, 0] == i
        assert batch.placeholder_at[mine, 1].tolist() == p.placeholder_at.tolist()
        np.testing.assert_array_equal(batch.placeholder_vectors[mine].numpy(), p.placeholder_vectors)
        mine = batch.token_at[:, 0] == i
        assert batch.token_at[mine, 1].tolist() == p.token_at.tolist()
        assert batch.token_target[mine].tolist() == p.token_target.tolist()
        np.testing.assert_array_equal(batch.gate[i].numpy(), p.gate)
    moved = batch.to("meta")
    assert moved.ids.device.type == "meta" and moved.gate.shape == batch.gate.shape


def test_last_answers_are_the_targets() -> None:
    prompts = [
        replace(p, answer_at=np.array(at), answer_label=np.zeros(len(at)), answer_weight=np.zeros(len(at)))
        for p, at in zip(make_prompts(), ([3, 5], [7], [0, 2, 4], [1], [2, 9]), strict=True)
    ]
    batch = collate_prompts(prompts, 0)
    last = batch.find_last_answers()
    assert batch.answer_at[last].tolist() == [[0, 5], [1, 7], [2, 4], [3, 1], [4, 9]]


def test_rows_without_slots_may_share_a_batch_with_rows_that_have_some() -> None:
    with_slots, other, *_ = make_prompts()
    without = replace(other, placeholder_at=np.zeros(0, np.int32), placeholder_vectors=np.zeros((0, 0), np.float32))
    assert collate_prompts([with_slots, without], 0).placeholder_vectors.shape == (2, 6)
    assert collate_prompts([without], 0).placeholder_vectors.shape == (0, 0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"token_at": np.array([0, 1, 17])}, "prompt 1 .*token_at.*17 tokens"),
        ({"placeholder_at": np.array([-1, 2])}, "prompt 1 .*placeholder_at"),
        ({"answer_label": np.array([1, 0], np.int8)}, "prompt 1 .*answer_at has 1.*answer_label has 2"),
        ({"gate": np.ones(1, np.float32)}, "prompt 1 .*1 gate weights"),
        ({"placeholder_vectors": np.zeros((2, 7), np.float32)}, "different dimensions"),
    ],
)
def test_a_wrong_prompt_is_named(change: dict, words: str) -> None:
    prompts = make_prompts()
    prompts[1] = replace(prompts[1], **change)
    with pytest.raises(DataError, match=words):
        collate_prompts(prompts, 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 300), max_size=80), st.integers(1, 900), st.one_of(st.none(), st.integers(0, 5)))
def test_budget_batches_hold_every_prompt_once(lengths: list[int], budget: int, seed: int | None) -> None:
    batches = split_by_token_budget(np.array(lengths, dtype=np.int64), budget, seed)
    assert sorted(i for b in batches for i in b.tolist()) == list(range(len(lengths)))
    for b in batches:
        longest = max(lengths[i] for i in b)
        assert longest * len(b) <= budget or len(b) == 1


def test_budget_batches_are_bucketed_and_follow_the_seed() -> None:
    lengths = np.random.default_rng(0).integers(20, 400, size=500)
    flat = [b.tolist() for b in split_by_token_budget(lengths, 2000, 1)]
    assert flat == [b.tolist() for b in split_by_token_budget(lengths, 2000, 1)]
    assert flat != [b.tolist() for b in split_by_token_budget(lengths, 2000, 2)]
    padded = sum(len(b) * lengths[b].max() for b in map(np.array, flat))
    assert padded < 1.1 * lengths.sum()
    in_order = np.concatenate(split_by_token_budget(lengths, 2000))
    assert (np.diff(lengths[in_order]) >= 0).all()
