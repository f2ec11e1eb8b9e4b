"""What a backbone can do is found out by trying: a path that changes a number is not used."""

from __future__ import annotations

import pytest
import torch
from support.packing import PACKING
from support.tiny_lm import make_recommender

from thinkrec.engine import attention, cascade, hooks
from thinkrec.engine.capabilities import can_pack_varlen, can_prune_last_layer, can_share_prefix
from thinkrec.engine.varlen import compute_varlen_reference

PACKS = [kind for kind, packs in PACKING.items() if packs]


@pytest.mark.parametrize("kind", PACKS)
def test_backbones_of_plain_attention_can_do_both(kind: str) -> None:
    recommender = make_recommender(kind)
    assert can_share_prefix(recommender)
    assert can_prune_last_layer(recommender)


def test_attention_that_does_more_is_left_alone() -> None:
    assert not can_share_prefix(make_recommender("gemma2")), "its products are capped"
    assert not can_share_prefix(make_recommender("mistral", sliding_window=8)), "its window is shorter than the prompts"
    recommender = make_recommender()
    recommender.model.set_attn_implementation("eager")
    assert not can_share_prefix(recommender)
    assert not can_prune_last_layer(recommender)


@pytest.mark.parametrize(
    ("module", "name"), [(cascade, "_compute_suffix_attention"), (cascade, "merge_states")], ids=["suffix", "merge"]
)
def test_a_wrong_number_is_noticed(module, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right, recommender = getattr(module, name), make_recommender()

    def slightly_wrong(*args):
        out = right(*args)
        return (out[0] * 1.01, out[1]) if isinstance(out, tuple) else out * 1.01

    monkeypatch.setattr(module, name, slightly_wrong)
    assert not can_share_prefix(recommender)
    monkeypatch.setattr(module, name, right)
    assert can_share_prefix(recommender)


def test_an_error_of_a_kernel_is_told_and_the_path_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args, **options):
        raise RuntimeError("no kernel image")

    recommender = make_recommender()
    monkeypatch.setattr(hooks, "compute_cascade_attention", fail)
    with pytest.warns(UserWarning, match="a fast path is left out, because it failed when it was tried: no kernel"):
        assert not can_share_prefix(recommender)


def test_trying_leaves_the_mode_and_the_gradients_as_they_were() -> None:
    recommender = make_recommender(dropout=0.5).train()
    assert can_share_prefix(recommender), "tried without dropout"
    assert can_prune_last_layer(recommender)
    assert recommender.model.training
    assert torch.is_grad_enabled()
    assert hooks.HOOK_STATE.layout is None and hooks.HOOK_STATE.pruning is None


def test_varlen_needs_a_kernel_that_computes_the_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    recommender = make_recommender()
    assert not can_pack_varlen(recommender), "a CPU has none"
    monkeypatch.setattr(attention, "has_flash_kernel", lambda query: True)
    monkeypatch.setattr(attention, "compute_varlen_attention", compute_varlen_reference)
    assert can_pack_varlen(recommender)

    def slightly_wrong(*args, **options):
        out, lse = compute_varlen_reference(*args, **options)
        return out, lse + 0.3

    monkeypatch.setattr(attention, "compute_varlen_attention", slightly_wrong)
    assert not can_pack_varlen(recommender), "the log-sum-exp counts: states are merged by it"

    def no_gradient(*args, **options):
        out, lse = compute_varlen_reference(*args, **options)
        return out.detach() + 0 * out, lse

    monkeypatch.setattr(attention, "compute_varlen_attention", no_gradient)
    assert not can_pack_varlen(recommender), "training goes through it"
