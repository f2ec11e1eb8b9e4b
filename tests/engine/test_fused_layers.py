"""Fused decoder layers give the states and the gradients of Transformers' own, in every use of a layer."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from support.packing import forks
from support.tiny_lm import make_model, make_prompts, make_recommender, make_tokenizer

from thinkrec.engine import capabilities, fused_layers
from thinkrec.engine.batch import Batch, collate_prompts
from thinkrec.engine.capabilities import can_fuse_layers
from thinkrec.engine.fused_layers import (
    FusedLayer,
    install_fused_layers,
    is_llama_layer,
    should_fuse_layers,
    use_fused_layers,
)
from thinkrec.engine.packing import pack_prompts, pack_shared_prefix
from thinkrec.engine.parts import set_trainable_parts
from thinkrec.engine.recommender import Capabilities, Recommender
from thinkrec.model.adapters import attach_adapters
from thinkrec.model.backbone import BackboneConfig, build_backbone
from thinkrec.model.lora import MultiLoRAConfig, Routing

ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
SOME = ("q_proj", "v_proj", "down_proj")


def build(kind: str = "llama", targets: tuple[str, ...] = ALL, n: int = 3, dtype=torch.float32, **changes):
    """A recommender with adapters on these layers that all do something, asked on fused layers."""
    backbone = build_backbone(make_model(kind, **changes), make_tokenizer(), kind, BackboneConfig(source=kind))
    backbone.model.to(dtype)
    config = MultiLoRAConfig(rank=4, alpha=6, dropout=0.0, n_experts=n, expert_layers=0.5, targets=targets)
    adapters = attach_adapters(backbone.model, config)
    torch.manual_seed(7)
    with torch.no_grad():
        for p in (*adapters.get_parameters("global"), *adapters.get_parameters("experts")):
            p.normal_(std=0.1)
    recommender = Recommender(backbone, adapters).eval()
    recommender.capabilities = Capabilities(fused_layers=True)
    return recommender


def collate(n: int = 3) -> Batch:
    """Prompts of five lengths without vectors, each with a gate of its own."""
    batch = collate_prompts(make_prompts(), 0)
    return batch.replace(placeholder_at=batch.placeholder_at[:0], gate=batch.gate[:, : 1 + n])


def compute_both(recommender: Recommender, batch: Batch, at: torch.Tensor | None = None, train=("global", "experts")):
    """States and gradients of all that `train` names, by fused layers and by Transformers' own."""
    results, used = [], []
    right = FusedLayer.compute
    place = batch.answer_at if at is None else at
    fused = recommender.capabilities
    for is_fused in (True, False):
        recommender.capabilities = replace(fused, fused_layers=is_fused)
        parameters = set_trainable_parts(recommender, list(train))
        used.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(FusedLayer, "compute", lambda *a: (used.append(1), right(*a))[1])
            states = recommender.gather_hidden(batch, place)
        assert bool(used) == is_fused
        probe = torch.randn(states.shape, generator=torch.Generator().manual_seed(1))
        gradients = torch.autograd.grad((states.float() * probe).sum(), parameters, allow_unused=True)
        results.append([states.detach(), *(g for g in gradients if g is not None)])
    recommender.capabilities = fused
    return results


def assert_same(results, tolerance: float = 1e-4) -> None:
    assert len(results[0]) == len(results[1]) > 1
    for mine, theirs in zip(*results, strict=True):
        apart, size = ((t.double().square().mean().sqrt()) for t in (mine.double() - theirs.double(), theirs))
        assert apart <= tolerance * size, float(apart / size)


@pytest.mark.parametrize("targets", [ALL, SOME], ids=["all", "some"])
@pytest.mark.parametrize("kind", ["llama", "qwen2", "mistral"])
def test_states_and_gradients_are_those_of_the_layers(kind: str, targets: tuple[str, ...]) -> None:
    recommender = build(kind, targets)
    with torch.no_grad():
        for name, p in recommender.model.named_parameters():
            if name.endswith(".bias"):
                p.normal_()
    assert_same(compute_both(recommender, collate()))
    assert_same(compute_both(build(kind, targets, n=0), collate(0), train=("global",)))


def test_half_precision_rounds_no_more_than_the_layers_do() -> None:
    exact = compute_both(build(), collate())[1]
    fused, plain = compute_both(build(dtype=torch.bfloat16), collate())

    def measure_error(results) -> float:
        pairs = zip(results, exact, strict=True)
        return float(np.mean([(mine.double() - right).square().mean().sqrt() / right.std() for mine, right in pairs]))

    assert measure_error(fused) < 1.2 * measure_error(plain) < 0.3


def test_only_what_learns_has_gradients() -> None:
    recommender = build()
    (fused, plain) = compute_both(recommender, collate(), train=("experts",))
    assert_same((fused, plain))
    assert len(fused) - 1 == len(recommender.adapters.get_parameters("experts"))


def test_packed_rows_and_rows_of_shared_prefixes() -> None:
    recommender = build()
    batch = pack_prompts(make_prompts())
    assert_same(compute_both(recommender, batch.replace(placeholder_at=batch.placeholder_at[:0])))
    row = pack_shared_prefix(forks())
    assert_same(compute_both(recommender, row.replace(placeholder_at=row.placeholder_at[:0])))


def test_the_last_layer_may_be_pruned() -> None:
    recommender = build()
    recommender.capabilities = Capabilities(fused_layers=True, last_layer_pruning=True)
    assert_same(compute_both(recommender, collate()))


def test_activations_may_be_computed_twice() -> None:
    recommender = build().train()
    expected = compute_both(recommender, collate())
    recommender.checkpoint_activations()
    assert_same([compute_both(recommender, collate())[0], expected[1]])


def test_merged_weights_are_used_while_they_last() -> None:
    recommender = build(n=0)
    batch = collate(0)
    with torch.no_grad():
        plain = recommender.compute_hidden(batch)
        recommender.freeze_for_inference()
        merged = recommender.compute_hidden(batch)
        assert not torch.equal(merged, plain), "merged weights round otherwise"
        torch.testing.assert_close(merged, plain, atol=1e-4, rtol=1e-4)
        recommender.train().eval()
        torch.testing.assert_close(recommender.compute_hidden(batch), plain, atol=0, rtol=0)


def test_a_call_with_merged_weights_and_one_with_experts_do_not_share_their_weights() -> None:
    recommender = build().freeze_for_inference()
    layer, routing = recommender.decoder.layers[3].forward.__self__, recommender.adapters.routing
    global_alone, _ = layer._refresh_projections(1, 3)
    before = [[weight.clone() for weight in projection.weights] for projection in global_alone]
    with routing.use_weights(torch.tensor([[0.1, 0.2, 0.3, 0.4]])):
        mixed, _ = layer._refresh_projections(1, 3)  # as by another thread, before the first one has multiplied
    for projection, other, weights in zip(global_alone, mixed, before, strict=True):
        assert all(map(torch.equal, projection.weights, weights)) and len(projection.a) == 0 < len(other.a)


def test_what_changes_the_adapters_or_the_weights_is_followed() -> None:
    recommender, batch = build(), collate()

    def is_followed() -> bool:
        with torch.no_grad():
            states = recommender.compute_hidden(batch)
            recommender.capabilities = Capabilities()
            plain = recommender.compute_hidden(batch)
            recommender.capabilities = Capabilities(fused_layers=True)
        return bool((states.float() - plain.float()).abs().max() < 2e-2 * plain.float().std())

    assert is_followed()
    with torch.no_grad():
        recommender.adapters.get_parameters("global")[3].add_(1)
    assert is_followed(), "a step of training"
    recommender.adapters.load_state_dict({k: -v for k, v in recommender.adapters.state_dict().items()})
    assert is_followed(), "other adapters"
    recommender.adapters.init_group_adapters()
    assert is_followed()
    with torch.no_grad():
        recommender.model.base_model.layers[1].mlp.up_proj.base.weight.mul_(-1)
    assert is_followed(), "other weights"
    recommender.model.to(torch.bfloat16)
    recommender.model.to(torch.float32)
    assert is_followed(), "another format"
    twin = copy.deepcopy(recommender)
    with torch.no_grad():
        twin.adapters.get_parameters("global")[1].add_(1)
        expected = recommender.compute_hidden(batch)
        assert not torch.allclose(twin.compute_hidden(batch), expected), "a copy has layers of its own"
    recommender = twin
    assert is_followed()


def test_some_calls_are_left_to_the_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    recommender = build()
    monkeypatch.setattr(FusedLayer, "compute", lambda *a: pytest.fail("this call is not for fused layers"))
    ids = torch.tensor([[5, 6, 7]])
    with torch.no_grad(), use_fused_layers(True):
        recommender.decoder(input_ids=ids, use_cache=True)
        with torch.autocast("cpu", torch.bfloat16):
            recommender.decoder(input_ids=ids, use_cache=False)
        hook = recommender.model.base_model.layers[0].mlp.register_forward_hook(lambda *a: None)
        recommender.decoder.layers[0](
            torch.zeros(1, 3, 32),
            position_embeddings=recommender.decoder.rotary_emb(torch.zeros(1, 3, 32), torch.arange(3)[None]),
        )
        hook.remove()
    with torch.no_grad():
        recommender.decoder(input_ids=ids, use_cache=False)


def test_dropout_is_left_to_the_layer_while_it_drops() -> None:
    recommender = make_recommender("llama", dropout=0.5)
    layer = recommender.decoder.layers[0].forward.__self__
    states = torch.zeros(1, 3, 32)
    options = {"position_embeddings": recommender.decoder.rotary_emb(states, torch.arange(3)[None])}
    with use_fused_layers(True):
        assert layer.can_compute(states, options)
        recommender.train()
        assert not layer.can_compute(states, options)


def test_wrong_routing_weights_are_refused() -> None:
    recommender, batch = build(), collate()
    with (
        pytest.raises(RuntimeError, match=r"routing weights of shape \(3, 4\) for a batch of 5 rows and 4 slots"),
        recommender.adapters.routing.use_weights(batch.gate[:3]),
        use_fused_layers(True),
    ):
        recommender.decoder(inputs_embeds=recommender.embed(batch), use_cache=False)


def test_other_kinds_of_layers_are_left_alone() -> None:
    for kind in ("gemma2", "gpt_neox", "cohere"):
        model = make_model(kind)
        assert not install_fused_layers(model, Routing()), kind
    layer = make_model("llama").model.layers[0]
    assert is_llama_layer(layer)
    layer.mlp.act_fn = torch.nn.GELU()
    assert not is_llama_layer(layer)


def test_they_are_tried_before_they_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused_layers, "should_fuse_layers", lambda model, width: width == 32)
    recommender = build().train()
    before = [p.requires_grad for p in recommender.parameters()]
    assert can_fuse_layers(recommender)
    assert can_fuse_layers(build(dtype=torch.bfloat16))
    assert recommender.training and [p.requires_grad for p in recommender.parameters()] == before
    assert not can_fuse_layers(build("granite", residual_multiplier=0.5)), "its residuals are multiplied"
    assert capabilities.detect_capabilities(build()).fused_layers
    right = fused_layers.multiply_onto

    def forget_gradient(projection, residual, rows, spread):
        out = right(projection, residual, rows, spread)
        return out.detach() + (residual - residual.detach())

    monkeypatch.setattr(fused_layers, "multiply_onto", forget_gradient)
    assert not can_fuse_layers(build()), "training goes through it"


def test_they_pay_on_wide_layers_and_in_bfloat16_with_a_matrix_unit_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    model, wide = make_model(), fused_layers.MIN_WIDTH
    monkeypatch.setattr(fused_layers, "read_cpu_flags", lambda: frozenset({"avx512_bf16"}))
    assert should_fuse_layers(model, wide)
    assert not should_fuse_layers(model, wide - 1)
    assert not can_fuse_layers(build()), "a narrow backbone is not even tried"
    assert not should_fuse_layers(model.bfloat16(), wide)
    monkeypatch.setattr(fused_layers, "read_cpu_flags", lambda: frozenset({"avx512_bf16", "amx_bf16"}))
    assert should_fuse_layers(model, wide)
    assert not should_fuse_layers(model.half(), wide)


def test_expert_columns_weigh_what_routing_says() -> None:
    adapted = build().decoder.layers[3].forward.__self__.unmerged[0].adapted
    by_row = torch.tensor([[0.1, 0.2, 0.3, 0.4], [1, 0, 0, 0]])
    spread = fused_layers._spread_weights(adapted, by_row, 2, 3)
    assert spread is not None and spread.shape == (6, 3 * 4 * 4)
    np.testing.assert_allclose(spread[2, :16], np.repeat([0.1, 0.2, 0.3, 0.4], 4), rtol=1e-6)
    np.testing.assert_allclose(spread[3, 16:32], np.repeat([1, 0, 0, 0], 4))
    alone = fused_layers._spread_weights(adapted, None, 2, 3)
    assert alone is not None and alone.shape == (1, 48) and alone[0, :5].tolist() == [1, 1, 1, 1, 0]
