"""How experts are fused: exactly, or with the cross terms of the released code."""

from __future__ import annotations

import itertools

import pytest
import torch
from pydantic import ValidationError
from support.tiny_lm import make_model, make_recommender
from torch import nn

from thinkrec.engine import capabilities, fused_layers
from thinkrec.model.adapters import attach_adapters
from thinkrec.model.lora import MultiLoRAConfig, MultiLoRALinear, Routing

WEIGHTS = torch.tensor([[0.0, 0.7, 0.2, 0.1], [0.0, 0.25, 0.5, 0.25], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]])
RANK, SCALE = 2, 1.5


def make_layer(fusion: str) -> MultiLoRALinear:
    torch.manual_seed(0)
    config = MultiLoRAConfig.model_validate({"rank": RANK, "alpha": RANK * SCALE, "dropout": 0.0, "fusion": fusion})
    layer = MultiLoRALinear(nn.Linear(6, 5), config, 3, Routing()).eval()
    for p in (layer.global_a, layer.global_b, layer.expert_a, layer.expert_b):
        assert p is not None
        nn.init.normal_(p)
    return layer


def compute_by_formula(layer: MultiLoRALinear, x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """(t, out) of one row by its dense matrix."""
    slots = [layer.get_adapter(k) for k in range(4)]
    if layer.fusion == "exact":
        delta = sum(w * b @ a for w, (a, b) in zip(weights, slots, strict=True))
    else:
        pairs = itertools.product(zip(weights, slots, strict=True), repeat=2)
        delta = sum((v * w).sqrt() * b @ a for (v, (_, b)), (w, (a, _)) in pairs)
    return layer.base(x) + SCALE * x @ torch.as_tensor(delta).T


@torch.no_grad()
@pytest.mark.parametrize("fusion", ["exact", "linear"])
def test_rows_and_tokens_are_fused_as_the_formula_says(fusion: str) -> None:
    layer, x = make_layer(fusion), torch.randn(4, 3, 6)
    expected = torch.stack([compute_by_formula(layer, row, w) for row, w in zip(x, WEIGHTS, strict=True)])
    by_token = WEIGHTS[:, None].expand(4, 3, 4).reshape(1, 12, 4)
    with layer.routing.use_weights(WEIGHTS):
        torch.testing.assert_close(layer(x), expected)
    with layer.routing.use_weights(by_token):
        torch.testing.assert_close(layer(x.reshape(1, 12, 6)).view(4, 3, 5), expected)
    with layer.routing.use_weights(WEIGHTS[:1]):
        torch.testing.assert_close(layer(x)[1], compute_by_formula(layer, x[1], WEIGHTS[0]))


@torch.no_grad()
def test_both_are_the_same_only_where_one_adapter_answers_alone() -> None:
    x = torch.randn(4, 3, 6)
    found = []
    for fusion in ("exact", "linear"):
        layer = make_layer(fusion)
        with layer.routing.use_weights(WEIGHTS):
            found.append(layer(x))
    torch.testing.assert_close(found[0][2:], found[1][2:])
    assert not torch.isclose(found[0][:2], found[1][:2], atol=1e-2).any(dim=-1).all()


def test_cross_terms_are_never_computed_in_fused_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused_layers, "should_fuse_layers", lambda *_: True)
    recommender = make_recommender(n=2)
    assert capabilities.can_fuse_layers(recommender), "nothing else stands against it"
    config = recommender.adapters.config.model_copy(update={"fusion": "linear"})
    monkeypatch.setattr(recommender.adapters, "config", config)
    assert not capabilities.can_fuse_layers(recommender)


def test_another_fusion_is_refused() -> None:
    with pytest.raises(ValidationError, match="'exact' or 'linear'"):
        MultiLoRAConfig.model_validate({"fusion": "svd"})
    adapters = attach_adapters(make_model(), MultiLoRAConfig(n_experts=2, fusion="linear"))
    assert {layer.fusion for layer in adapters.layers.values()} == {"linear"}
