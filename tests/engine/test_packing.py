"""Packed batches give what padded ones give, on every backbone that can pack; the others are found out."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from support.packing import PACKING, both, forks
from support.tiny_lm import make_part, make_prompt, make_recommender

from thinkrec.engine import cascade, hooks
from thinkrec.engine.attention import (
    compute_attention,
    compute_chunked_attention,
    compute_reference_attention,
    merge_states,
    should_chunk_queries,
)
from thinkrec.engine.batch import collate_prompts
from thinkrec.engine.hooks import use_layout
from thinkrec.engine.packing import pack_shared_prefix
from thinkrec.engine.recommender import compute_scores
from thinkrec.engine.segments import PrefixKVCache, Segment
from thinkrec.errors import DataError
from thinkrec.prompts.shared_prefix import SharedPrefix, concat_prompts
from thinkrec.prompts.types import Prompt


@pytest.mark.parametrize("kind", [kind for kind, packs in PACKING.items() if packs])
def test_every_leaf_scores_as_its_own_prompt(kind: str) -> None:
    rec = make_recommender(kind)
    found, wanted = both(rec, forks())
    assert len(found) == 59
    assert wanted.std() > 0.1
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", PACKING)
def test_a_backbone_that_cannot_pack_is_found_out(kind: str) -> None:
    assert make_recommender(kind).capabilities.shared_prefix is PACKING[kind]


def test_a_kernel_that_is_missing_is_found_out_with_a_warning(monkeypatch) -> None:
    def missing(*_, **__):
        raise NotImplementedError("no such kernel")

    monkeypatch.setattr(cascade, "compute_attention", missing)
    with pytest.warns(UserWarning, match="no such kernel"):
        assert make_recommender().capabilities.shared_prefix is False


def test_a_narrow_window_cannot_pack_and_a_wide_one_can() -> None:
    assert make_recommender("mistral", sliding_window=8).capabilities.shared_prefix is False
    rec = make_recommender("mistral", sliding_window=200)
    assert rec.model.config.sliding_window == 200
    assert rec.capabilities.shared_prefix is True
    torch.testing.assert_close(*both(rec, forks()), atol=1e-4, rtol=0)


def test_eager_attention_is_left_alone() -> None:
    rec = make_recommender("llama", attn_implementation="eager")
    assert rec.model.config._attn_implementation == "eager"
    assert rec.capabilities.shared_prefix is False


def test_one_gate_for_all_and_the_global_adapter_alone() -> None:
    for experts in (0, 2):
        rec = make_recommender(n=experts)
        asked = [forks(experts=experts)[0]]
        torch.testing.assert_close(*both(rec, asked), atol=1e-4, rtol=0)


def test_every_gate_counts() -> None:
    rec, asked = make_recommender(), forks()
    before = both(rec, asked)[0]
    turned = [replace(asked[0], prefix=replace(asked[0].prefix, gate=asked[0].prefix.gate[::-1].copy())), *asked[1:]]
    after = both(rec, turned)[0]
    assert (before[:5] - after[:5]).abs().min() > 1e-4
    torch.testing.assert_close(before[5:], after[5:])


def test_leaves_do_not_see_each_other() -> None:
    rec, asked = make_recommender(), forks()
    before = both(rec, asked)[0]
    leaves = list(asked[0].suffixes)
    one = int(np.argmax([len(leaf) for leaf in leaves]))
    leaves[one] = replace(leaves[one], ids=leaves[one].ids[::-1].copy())
    after = both(rec, [replace(asked[0], suffixes=tuple(leaves)), *asked[1:]])[0]
    rest = np.arange(len(before)) != one
    assert (before[one] - after[one]).abs() > 1e-3
    torch.testing.assert_close(before[rest], after[rest])


def test_outside_a_packed_block_and_in_other_threads_attention_is_transformers_own() -> None:
    rec, asked = make_recommender(), forks()
    batch, layout, found = collate_prompts(asked[0].to_prompts(), 0), pack_shared_prefix(asked[:1]).layout, []
    wanted = rec.score(batch)
    with use_layout(layout):
        thread = threading.Thread(target=lambda: found.append(rec.score(batch)))
        thread.start()
        thread.join()
        with use_layout(None):
            torch.testing.assert_close(rec.score(batch), wanted)
    torch.testing.assert_close(found[0], wanted)
    torch.testing.assert_close(rec.score(batch), wanted)


@pytest.mark.parametrize("causal", [True, False])
def test_attention_in_two_parts_is_attention_over_all(causal: bool) -> None:
    torch.manual_seed(0)
    q, k, v = torch.randn(2, 4, 7, 8), torch.randn(2, 2, 7, 8), torch.randn(2, 2, 7, 8)
    wide = [t.repeat_interleave(2, dim=1) for t in (k, v)]
    for found, wanted in zip(
        compute_attention(q, k, v, causal=causal, scale=0.3),
        compute_reference_attention(q, *wide, causal=causal, scale=0.3),
        strict=True,
    ):
        torch.testing.assert_close(found, wanted)
    if not causal:
        halves = [
            compute_reference_attention(q, *(t[:, :, part] for t in wide), causal=False, scale=0.3)
            for part in (slice(0, 3), slice(3, 7))
        ]
        torch.testing.assert_close(
            merge_states(*halves), compute_reference_attention(q, *wide, causal=False, scale=0.3)[0]
        )


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("n", [65, 128, 200])
def test_attention_in_steps_is_causal_attention(n: int, groups: int) -> None:
    source = torch.Generator().manual_seed(n)
    q = torch.randn(2, 4, n, 24, generator=source)
    k, v = (torch.randn(2, groups, n, 24, generator=source) for _ in range(2))
    assert should_chunk_queries(q)
    assert not should_chunk_queries(q[:, :, :64])
    wide = [t.repeat_interleave(4 // groups, dim=1) for t in (k, v)]
    for found, wanted in zip(
        compute_chunked_attention(q, k, v, scale=0.3),
        compute_reference_attention(q, *wide, causal=True, scale=0.3),
        strict=True,
    ):
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", [*PACKING, "mistral"])
def test_long_prompts_have_the_states_that_transformers_gives(kind: str, monkeypatch) -> None:
    rec, calls = make_recommender(kind), []
    rng = np.random.default_rng(0)
    prompts = [make_prompt(rng, t, (0.1, 0.2, 0.3, 0.4)) for t in (70, 150, 5, 90)]
    batch = collate_prompts(prompts, 0)
    monkeypatch.setattr(
        hooks,
        "compute_chunked_attention",
        lambda *args, **options: (calls.append(0), compute_chunked_attention(*args, **options))[1],
    )
    with rec.inference_mode():
        found = rec.compute_hidden(batch)
        assert len(calls) == (0 if kind == "gemma2" else 4)
        monkeypatch.setattr(hooks, "should_chunk_queries", lambda query: False)
        wanted = rec.compute_hidden(batch)
    real = torch.arange(150)[None] < batch.lengths[:, None]
    torch.testing.assert_close(found[real], wanted[real], atol=1e-4, rtol=1e-4)
    assert wanted[real].std() > 0.1


def test_a_span_finds_every_token_of_its_leaves() -> None:
    span = Segment.from_lengths(5, 3, [2, 4, 1])
    assert (span.prefix_end, span.end) == (8, 15)
    tokens = torch.arange(7)
    torch.testing.assert_close(tokens[span.gather_index].flatten()[span.scatter_index], tokens)
    assert span.gather_index.tolist() == [[0, 1, 1, 1], [2, 3, 4, 5], [6, 6, 6, 6]]


def test_a_joined_prompt_keeps_every_place() -> None:
    rng, gate = np.random.default_rng(0), np.ones(1, dtype=np.float32)
    first, second = make_part(rng, 6, gate, 3), make_part(rng, 4, gate, 3)
    whole = concat_prompts([first, second])
    np.testing.assert_array_equal(whole.ids, [*first.ids, *second.ids])
    np.testing.assert_array_equal(whole.placeholder_at, [*first.placeholder_at, *(6 + second.placeholder_at)])
    np.testing.assert_array_equal(whole.placeholder_vectors, [*first.placeholder_vectors, *second.placeholder_vectors])
    np.testing.assert_array_equal(whole.answer_at, [5, 9])


@pytest.mark.parametrize("kind", ["llama", "gpt_neox", "granite"])
@pytest.mark.parametrize("narrow", [True, False], ids=["last layer where it is read", "all states"])
def test_a_kept_trunk_stands_for_the_trunk(kind: str, narrow: bool) -> None:
    rec = make_recommender(kind)
    for fork in (forks()[0], forks()[-1], forks()[3]):
        wanted, found, kept = both(rec, [fork])[0], [], PrefixKVCache()
        for first in range(0, len(fork.suffixes), 2):
            part = slice(first, first + 2)
            sees = None if fork.explicit_prefix_lengths is None else fork.explicit_prefix_lengths[part]
            row = pack_shared_prefix([SharedPrefix(fork.prefix, fork.suffixes[part], sees)], [kept])
            later = sum(map(len, fork.suffixes[part])) + (len(fork.prefix) if first == 0 else 0)
            assert row.ids.shape[1] == later
            with rec.inference_mode():
                at = row.answer_at
                states = rec.gather_hidden(row, at) if narrow else rec.compute_hidden(row)[at[:, 0], at[:, 1]]
                found.append(compute_scores(rec.compute_answer_logits(states)))
        assert len(kept.layers) == (rec.model.config.num_hidden_layers if len(fork.prefix) else 0)
        torch.testing.assert_close(torch.cat(found), wanted, atol=1e-4, rtol=0)


def test_kept_and_new_trunks_share_a_row() -> None:
    rec = make_recommender()
    asked = [fork for fork in forks() if len(fork.prefix) and fork.suffixes]
    wanted, caches = both(rec, asked)[0], [PrefixKVCache(), None, PrefixKVCache(), PrefixKVCache(), None]
    for turn in range(3):
        row = pack_shared_prefix(asked, caches)
        known = sum(len(fork.prefix) for fork, cache in zip(asked, caches, strict=True) if turn and cache is not None)
        whole = sum(len(fork.prefix) + sum(map(len, fork.suffixes)) for fork in asked)
        assert row.ids.shape[1] == whole - known
        with rec.inference_mode():
            found = compute_scores(rec.compute_answer_logits(rec.gather_hidden(row, row.answer_at)))
        torch.testing.assert_close(found, wanted, atol=1e-4, rtol=0)
        assert [cache and len(cache.layers) for cache in caches] == [4, None, 4, 4, None]


def test_bad_packs_are_refused() -> None:
    with pytest.raises(DataError, match="at least one"):
        pack_shared_prefix([])
    with pytest.raises(DataError, match="different numbers of experts"):
        pack_shared_prefix([forks(experts=1)[0], forks(experts=2)[0]])


def test_in_half_precision_a_leaf_scores_alike_in_any_company() -> None:
    from thinkrec.engine.capabilities import detect_capabilities
    from thinkrec.engine.recommender import Recommender
    from thinkrec.model.adapters import attach_adapters
    from thinkrec.model.backbone import BackboneConfig, load_backbone
    from thinkrec.model.lora import MultiLoRAConfig
    from thinkrec.score.ranker import score_shared_prefixes

    backbone = load_backbone(BackboneConfig(source="nano", dtype="bfloat16"))
    rec = Recommender(backbone, attach_adapters(backbone.model, MultiLoRAConfig(n_experts=0)))
    rec.capabilities = detect_capabilities(rec)
    assert rec.capabilities.shared_prefix
    rng, gaps = np.random.default_rng(0), []

    def part(n: int) -> Prompt:
        nothing = np.zeros(0, dtype=np.int32)
        made = make_part(rng, n, np.ones(1, dtype=np.float32), 1)
        return replace(
            made,
            ids=rng.integers(300, 5000, n),
            placeholder_at=nothing,
            placeholder_vectors=np.zeros((0, 1), np.float32),
        )

    for trunk in (40, 90, 200):
        leaves = tuple(part(int(n)) for n in rng.integers(8, 60, size=12))
        fork = SharedPrefix(part(trunk), leaves)
        together_ = score_shared_prefixes(rec, [(np.arange(12), fork)], 12)
        alone = [
            score_shared_prefixes(rec, [(np.zeros(1, int), SharedPrefix(fork.prefix, (leaf,)))], 1)[0]
            for leaf in leaves
        ]
        gaps.append(np.abs(together_ - np.array(alone)))
    assert np.ptp(together_) > 0.1
    assert np.concatenate(gaps).max() < 0.005 and np.concatenate(gaps).mean() < 0.0005
