"""Packed batches give what padded ones give, on every backbone that can pack; the others are found out."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from thinkrec.engine import cascade, hooks
from thinkrec.engine.attention import attend, in_steps, plain, stepwise, together
from thinkrec.engine.batch import collate
from thinkrec.engine.hooks import packed
from thinkrec.engine.packing import pack
from thinkrec.engine.recommender import score_of
from thinkrec.engine.segments import Kept, Span
from thinkrec.errors import DataError
from thinkrec.prompts.shared_prefix import Fork, join
from thinkrec.prompts.types import Prompt

sys.path.append(str(Path(__file__).parents[1] / "model"))
from tiny_lm import make_part, make_prompt, make_recommender

PACKING = {"llama": True, "llama-tied": True, "qwen2": True, "gpt_neox": True, "granite": True, "cohere": True,
           "gemma2": False}  # fmt: skip


def forks(dim: int = 6, experts: int = 3) -> list[Fork]:
    """Trunks of several lengths, one empty, one followed in part; no leaves, one, many; slots in both; a gate each."""
    rng, made = np.random.default_rng(3), []
    for trunk, leaves in ((12, 5), (1, 3), (30, 1), (0, 2), (9, 0), (17, 40)):
        gate = rng.dirichlet(np.ones(1 + experts)).astype(np.float32)
        lengths = rng.integers(1, 9, size=leaves)
        made.append(Fork(make_part(rng, trunk, gate, dim), tuple(make_part(rng, int(n), gate, dim) for n in lengths)))
    sees = (0, 0, 2, 5, 5, 5, 13, 14)  # leaves that follow a part of their trunk, two of them none
    leaves = tuple(make_part(rng, int(n), gate, dim) for n in rng.integers(1, 9, size=len(sees)))
    return [*made, Fork(make_part(rng, 14, gate, dim), leaves, sees)]


def both(rec, asked: list[Fork]) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores of all leaves, packed and one by one."""
    batch = collate([prompt for fork in asked for prompt in fork.prompts()], rec.backbone.pad_id)
    row = pack(asked)
    with rec.inference():
        one_by_one = score_of(rec.answer_logits(rec.states(batch, batch.answer_at[batch.last_answers()])))
        return score_of(rec.answer_logits(rec.states(row, row.answer_at))), one_by_one


@pytest.mark.parametrize("kind", [kind for kind, packs in PACKING.items() if packs])
def test_every_leaf_scores_as_its_own_prompt(kind: str) -> None:
    rec = make_recommender(kind)
    found, wanted = both(rec, forks())
    assert len(found) == 59
    assert wanted.std() > 0.1
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", PACKING)
def test_a_backbone_that_cannot_pack_is_found_out(kind: str) -> None:
    assert make_recommender(kind).packs is PACKING[kind]


def test_a_kernel_that_is_missing_is_found_out_with_a_warning(monkeypatch) -> None:
    def missing(*_, **__):
        raise NotImplementedError("no such kernel")

    monkeypatch.setattr(cascade, "attend", missing)
    with pytest.warns(UserWarning, match="no such kernel"):
        assert make_recommender().packs is False


def test_a_narrow_window_cannot_pack_and_a_wide_one_can() -> None:
    assert make_recommender("mistral", sliding_window=8).packs is False
    rec = make_recommender("mistral", sliding_window=200)
    assert rec.model.config.sliding_window == 200
    assert rec.packs is True
    torch.testing.assert_close(*both(rec, forks()), atol=1e-4, rtol=0)


def test_eager_attention_is_left_alone() -> None:
    rec = make_recommender("llama", attn_implementation="eager")
    assert rec.model.config._attn_implementation == "eager"
    assert rec.packs is False


def test_one_gate_for_all_and_the_global_adapter_alone() -> None:
    for experts in (0, 2):
        rec = make_recommender(n=experts)
        asked = [forks(experts=experts)[0]]
        torch.testing.assert_close(*both(rec, asked), atol=1e-4, rtol=0)


def test_every_gate_counts() -> None:
    rec, asked = make_recommender(), forks()
    before = both(rec, asked)[0]
    turned = [replace(asked[0], trunk=replace(asked[0].trunk, gate=asked[0].trunk.gate[::-1].copy())), *asked[1:]]
    after = both(rec, turned)[0]
    assert (before[:5] - after[:5]).abs().min() > 1e-4
    torch.testing.assert_close(before[5:], after[5:])


def test_leaves_do_not_see_each_other() -> None:
    rec, asked = make_recommender(), forks()
    before = both(rec, asked)[0]
    leaves = list(asked[0].leaves)
    one = int(np.argmax([len(leaf) for leaf in leaves]))
    leaves[one] = replace(leaves[one], ids=leaves[one].ids[::-1].copy())
    after = both(rec, [replace(asked[0], leaves=tuple(leaves)), *asked[1:]])[0]
    rest = np.arange(len(before)) != one
    assert (before[one] - after[one]).abs() > 1e-3
    torch.testing.assert_close(before[rest], after[rest])


def test_outside_a_packed_block_and_in_other_threads_attention_is_transformers_own() -> None:
    rec, asked = make_recommender(), forks()
    batch, layout, found = collate(asked[0].prompts(), 0), pack(asked[:1]).layout, []
    wanted = rec.score(batch)
    with packed(layout):
        thread = threading.Thread(target=lambda: found.append(rec.score(batch)))
        thread.start()
        thread.join()
        with packed(None):
            torch.testing.assert_close(rec.score(batch), wanted)
    torch.testing.assert_close(found[0], wanted)
    torch.testing.assert_close(rec.score(batch), wanted)


@pytest.mark.parametrize("causal", [True, False])
def test_attention_in_two_parts_is_attention_over_all(causal: bool) -> None:
    torch.manual_seed(0)
    q, k, v = torch.randn(2, 4, 7, 8), torch.randn(2, 2, 7, 8), torch.randn(2, 2, 7, 8)
    wide = [t.repeat_interleave(2, dim=1) for t in (k, v)]
    for found, wanted in zip(attend(q, k, v, causal=causal, scale=0.3), plain(q, *wide, causal=causal, scale=0.3),
                             strict=True):  # fmt: skip
        torch.testing.assert_close(found, wanted)
    if not causal:
        halves = [plain(q, *(t[:, :, part] for t in wide), causal=False, scale=0.3)
                  for part in (slice(0, 3), slice(3, 7))]  # fmt: skip
        torch.testing.assert_close(together(*halves), plain(q, *wide, causal=False, scale=0.3)[0])


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("n", [65, 128, 200])
def test_attention_in_steps_is_causal_attention(n: int, groups: int) -> None:
    source = torch.Generator().manual_seed(n)
    q = torch.randn(2, 4, n, 24, generator=source)
    k, v = (torch.randn(2, groups, n, 24, generator=source) for _ in range(2))
    assert in_steps(q)
    assert not in_steps(q[:, :, :64])
    wide = [t.repeat_interleave(4 // groups, dim=1) for t in (k, v)]
    for found, wanted in zip(stepwise(q, k, v, scale=0.3), plain(q, *wide, causal=True, scale=0.3), strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", [*PACKING, "mistral"])
def test_long_prompts_have_the_states_that_transformers_gives(kind: str, monkeypatch) -> None:
    rec, calls = make_recommender(kind), []
    rng = np.random.default_rng(0)
    prompts = [make_prompt(rng, t, (0.1, 0.2, 0.3, 0.4)) for t in (70, 150, 5, 90)]
    batch = collate(prompts, 0)
    monkeypatch.setattr(hooks, "stepwise", lambda *args, **options: (calls.append(0), stepwise(*args, **options))[1])
    with rec.inference():
        found = rec.hidden(batch)
        assert len(calls) == (0 if kind == "gemma2" else 4)
        monkeypatch.setattr(hooks, "in_steps", lambda query: False)
        wanted = rec.hidden(batch)
    real = torch.arange(150)[None] < batch.lengths[:, None]
    torch.testing.assert_close(found[real], wanted[real], atol=1e-4, rtol=1e-4)
    assert wanted[real].std() > 0.1


def test_a_span_finds_every_token_of_its_leaves() -> None:
    span = Span.of(5, 3, [2, 4, 1])
    assert (span.middle, span.end) == (8, 15)
    tokens = torch.arange(7)
    torch.testing.assert_close(tokens[span.gather].flatten()[span.scatter], tokens)
    assert span.gather.tolist() == [[0, 1, 1, 1], [2, 3, 4, 5], [6, 6, 6, 6]]


def test_a_joined_prompt_keeps_every_place() -> None:
    rng, gate = np.random.default_rng(0), np.ones(1, dtype=np.float32)
    first, second = make_part(rng, 6, gate, 3), make_part(rng, 4, gate, 3)
    whole = join([first, second])
    np.testing.assert_array_equal(whole.ids, [*first.ids, *second.ids])
    np.testing.assert_array_equal(whole.slot_at, [*first.slot_at, *(6 + second.slot_at)])
    np.testing.assert_array_equal(whole.slot_vec, [*first.slot_vec, *second.slot_vec])
    np.testing.assert_array_equal(whole.answer_at, [5, 9])


@pytest.mark.parametrize("kind", ["llama", "gpt_neox", "granite"])
@pytest.mark.parametrize("narrow", [True, False], ids=["last layer where it is read", "all states"])
def test_a_kept_trunk_stands_for_the_trunk(kind: str, narrow: bool) -> None:
    rec = make_recommender(kind)
    for fork in (forks()[0], forks()[-1], forks()[3]):
        wanted, found, kept = both(rec, [fork])[0], [], Kept()
        for first in range(0, len(fork.leaves), 2):
            part = slice(first, first + 2)
            sees = None if fork.sees is None else fork.sees[part]
            row = pack([Fork(fork.trunk, fork.leaves[part], sees)], kept)
            later = sum(map(len, fork.leaves[part])) + (len(fork.trunk) if first == 0 else 0)
            assert row.ids.shape[1] == later
            with rec.inference():
                at = row.answer_at
                states = rec.states(row, at) if narrow else rec.hidden(row)[at[:, 0], at[:, 1]]
                found.append(score_of(rec.answer_logits(states)))
        assert len(kept.layers) == (rec.model.config.num_hidden_layers if len(fork.trunk) else 0)
        torch.testing.assert_close(torch.cat(found), wanted, atol=1e-4, rtol=0)
    with pytest.raises(DataError, match="2 forks whose trunk is to be kept"):
        pack(forks()[:2], Kept())


def test_bad_packs_are_refused() -> None:
    with pytest.raises(DataError, match="at least one"):
        pack([])
    with pytest.raises(DataError, match="different numbers of experts"):
        pack([forks(experts=1)[0], forks(experts=2)[0]])


def test_in_half_precision_a_leaf_scores_alike_in_any_company() -> None:
    from thinkrec.engine.recommender import Recommender
    from thinkrec.model.adapters import attach
    from thinkrec.model.backbone import BackboneConfig, load_backbone
    from thinkrec.model.lora import ExpertConfig
    from thinkrec.score.ranker import score_forks

    backbone = load_backbone(BackboneConfig(source="nano", dtype="bfloat16"))
    rec = Recommender(backbone, attach(backbone.model, ExpertConfig(n_experts=0)))
    rng, gaps = np.random.default_rng(0), []

    def part(n: int) -> Prompt:
        nothing = np.zeros(0, dtype=np.int32)
        made = make_part(rng, n, np.ones(1, dtype=np.float32), 1)
        return replace(made, ids=rng.integers(300, 5000, n), slot_at=nothing, slot_vec=np.zeros((0, 1), np.float32))

    for trunk in (40, 90, 200):
        leaves = tuple(part(int(n)) for n in rng.integers(8, 60, size=12))
        fork = Fork(part(trunk), leaves)
        together_ = score_forks(rec, [(np.arange(12), fork)], 12)
        alone = [score_forks(rec, [(np.zeros(1, int), Fork(fork.trunk, (leaf,)))], 1)[0] for leaf in leaves]
        gaps.append(np.abs(together_ - np.array(alone)))
    assert np.ptp(together_) > 0.1
    assert np.concatenate(gaps).max() < 0.005 and np.concatenate(gaps).mean() < 0.0005
