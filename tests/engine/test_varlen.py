"""Rows attended to in pieces, as on a GPU: the kernel is stood in for by its formula, everything around it is real."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from support.packing import PACKING, both, forks
from support.tiny_lm import make_prompts, make_recommender

from thinkrec.engine import attention, cascade
from thinkrec.engine.attention import SequenceBounds
from thinkrec.engine.batch import collate_prompts
from thinkrec.engine.packing import pack_prompts, pack_shared_prefix
from thinkrec.engine.segments import PrefixKVCache
from thinkrec.engine.varlen import compute_varlen_reference
from thinkrec.score.ranker import score_prompts
from thinkrec.train.config import StageConfig
from thinkrec.train.loop import fit_stage

KINDS = [kind for kind, packs in PACKING.items() if packs]
STAGE = StageConfig(train=("global", "experts", "projector"), epochs=2, lr=0.01, batch_tokens=64, evals_per_epoch=1)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Pretends that this device has the kernel; the number of pieces of every call."""
    seen: list[int] = []

    def counted(*args, **options):
        seen.append(len(args[3].cu_seqlens) - 1)
        return compute_varlen_reference(*args, **options)

    monkeypatch.setattr(cascade, "has_flash_kernel", lambda query: True)
    monkeypatch.setattr(attention, "has_flash_kernel", lambda query: True)
    monkeypatch.setattr(attention, "compute_varlen_attention", counted)
    return seen


@pytest.mark.parametrize("kind", KINDS)
def test_every_leaf_scores_as_its_own_prompt(kind: str, calls: list[int]) -> None:
    rec = make_recommender(kind)
    assert rec.capabilities.shared_prefix
    assert rec.capabilities.last_layer_pruning
    calls.clear()
    found, wanted = both(rec, forks())
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=0)
    assert wanted.std() > 0.1
    # 59 leaves and six trunks; of the leaves 57 - 2 follow something, in 4 runs of whole trunks and 4 of parts. The
    # last layer asks for the last token of every leaf alone.
    assert calls == [65, 8] * 3 + [59, 8]


def test_a_kept_trunk_is_attended_to_as_before(calls: list[int]) -> None:
    rec, kept = make_recommender(), PrefixKVCache()
    assert rec.capabilities.shared_prefix
    calls.clear()
    with rec.inference_mode():
        rec.compute_hidden(pack_shared_prefix(forks()[:1], [kept]))
        assert len(kept.layers) == 4
        rec.compute_hidden(pack_shared_prefix(forks()[:1], [kept]))
    assert calls == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("recompute", [False, True])
def test_prompts_in_a_row_have_the_padded_ones_states_and_gradients(
    kind: str, recompute: bool, calls: list[int]
) -> None:
    rec, prompts = make_recommender(kind), make_prompts()
    params = [
        *rec.adapters.get_parameters("global"),
        *rec.adapters.get_parameters("experts"),
        *rec.projector.parameters(),
    ]
    for p in params:
        p.requires_grad_(True)
    assert rec.capabilities.varlen
    assert rec.capabilities.last_layer_pruning
    calls.clear()
    padded = collate_prompts(prompts, rec.backbone.pad_id)
    rec.train().checkpoint_activations(recompute)

    def at(batch) -> torch.Tensor:
        return torch.cat([batch.answer_at, batch.token_at])

    batch, found = rec.pack_and_forward(prompts, at)
    assert batch.ids.shape == (1, 9 + 17 + 6 + 23 + 12)
    assert calls[:3] == [5, 5, 5]
    wanted = rec.gather_hidden(padded, at(padded))
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)
    probe = torch.randn(found.shape, generator=torch.Generator().manual_seed(0))
    slopes = [torch.autograd.grad((states * probe).sum(), params) for states in (found, wanted)]
    assert max(float(g.abs().max()) for g in slopes[1]) > 1
    for mine, theirs in zip(*slopes, strict=True):
        torch.testing.assert_close(mine, theirs, atol=max(1e-3, 1e-4 * float(theirs.abs().max())), rtol=1e-3)


def test_the_last_layer_of_a_row_is_computed_where_it_is_read(calls: list[int]) -> None:
    rec, prompts = make_recommender(), make_prompts()
    seen: list[int] = []
    rec.decoder.layers[-1].mlp.register_forward_hook(lambda module, args, out: seen.append(out.shape[1]))
    assert rec.capabilities.varlen
    assert rec.capabilities.last_layer_pruning
    seen.clear()
    rec.pack_and_forward(prompts, lambda batch: torch.cat([batch.answer_at, batch.token_at]))
    rec.pack_and_forward(prompts, lambda batch: batch.answer_at[batch.find_last_answers()])
    rec.pack_and_forward(prompts, lambda batch: torch.tensor([[0, i] for i in range(67)]))
    assert seen == [20, 5, 67]


def test_a_stage_learns_the_same_in_rows_and_padded(tmp_path: Path, calls: list[int], monkeypatch) -> None:
    states = []
    for kernel in (True, False):
        monkeypatch.setattr(attention, "has_flash_kernel", lambda query, kernel=kernel: kernel)
        rec = make_recommender()
        folder = tmp_path / str(kernel)
        folder.mkdir()
        log = fit_stage(
            rec,
            lambda _: make_prompts(),
            lambda: {"auc": 0.5, "uauc": 0.5, "value": 0.5},
            STAGE,
            folder,
            seed=0,
            accelerator=Accelerator(cpu=True),
            title="",
        )
        assert rec.capabilities.varlen is kernel
        states.append(([entry["loss"] for entry in log], rec.adapters.state_dict()))
    assert calls
    assert states[0][0] == pytest.approx(states[1][0], rel=1e-4)
    for name, tensor in states[0][1].items():
        torch.testing.assert_close(tensor, states[1][1][name], atol=1e-4, rtol=1e-3)


def test_rows_score_as_padded_prompts(calls: list[int], monkeypatch) -> None:
    prompts = make_prompts()
    found = score_prompts(make_recommender(), prompts.__getitem__, 5)
    assert calls
    monkeypatch.setattr(attention, "has_flash_kernel", lambda query: False)
    np.testing.assert_allclose(found, score_prompts(make_recommender(), prompts.__getitem__, 5), atol=1e-4)
    assert found.std() > 0.1


def test_what_does_not_fit_its_window_is_padded(calls: list[int]) -> None:
    rec = make_recommender("mistral", sliding_window=20)
    assert rec.capabilities.varlen
    assert rec.pack_and_forward(make_prompts(), lambda batch: batch.answer_at)[0].layout is None  # 23 tokens
    assert rec.pack_and_forward(make_prompts()[:3], lambda batch: batch.answer_at)[0].layout is not None


def test_a_kernel_is_tried_before_it_is_trusted(calls: list[int], monkeypatch) -> None:
    assert make_recommender().capabilities.varlen
    assert not make_recommender("llama", attention_dropout=0.1).capabilities.varlen

    def wrong_slopes(query, *args, **options):
        return compute_varlen_reference(query.detach(), *args, **options)[0] + 0 * query, compute_varlen_reference(
            query, *args, **options
        )[1]

    monkeypatch.setattr(attention, "compute_varlen_attention", wrong_slopes)
    assert not make_recommender().capabilities.varlen

    def missing(*_, **__):
        raise NotImplementedError("no such kernel")

    monkeypatch.setattr(attention, "compute_varlen_attention", missing)
    with pytest.warns(UserWarning, match="padded.*no such kernel"):
        assert not make_recommender().capabilities.varlen


def test_without_the_kernel_prompts_are_padded() -> None:
    rec = make_recommender()
    assert not rec.capabilities.varlen
    assert rec.pack_and_forward(make_prompts(), lambda batch: batch.answer_at)[0].ids.shape == (5, 23)


def test_the_kernel_takes_what_it_is_given() -> None:
    """Names, order and shapes, as this version of PyTorch describes its kernel; the numbers need a GPU."""
    q = torch.empty(1, 8, 50, 64, device="meta", dtype=torch.bfloat16, requires_grad=True)
    k = torch.empty(1, 2, 70, 64, device="meta", dtype=torch.bfloat16, requires_grad=True)
    cuts = SequenceBounds(torch.empty(4, device="meta", dtype=torch.int32), 20)
    out, seen = attention.compute_varlen_attention(q, k, k, cuts, cuts, causal=False, scale=0.125)
    assert out.shape == q.shape
    assert out.dtype == q.dtype
    assert seen.shape == (1, 8, 50)
    assert seen.dtype == torch.float32
    slopes = torch.autograd.grad(out.float().sum(), [q, k])
    assert [slope.shape for slope in slopes] == [q.shape, k.shape]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="the kernel runs on a CUDA device")
def test_the_kernel_gives_what_the_formula_gives() -> None:
    rec = make_recommender(num_attention_heads=2, head_dim=16)
    rec.model.to("cuda", torch.bfloat16)
    assert rec.capabilities.varlen


def test_many_prompts_of_random_lengths(calls: list[int]) -> None:
    from support.tiny_lm import make_prompt

    rng = np.random.default_rng(5)
    prompts = [make_prompt(rng, int(t), rng.dirichlet(np.ones(4))) for t in rng.integers(5, 40, size=70)]
    rec = make_recommender()
    row, padded = pack_prompts(prompts), collate_prompts(prompts, 0)
    with rec.inference_mode():
        one = rec.gather_hidden(row, row.answer_at[row.find_last_answers()])
        other = rec.gather_hidden(padded, padded.answer_at[padded.find_last_answers()])
    torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)
    np.testing.assert_array_equal(row.find_last_answers(), padded.find_last_answers())
