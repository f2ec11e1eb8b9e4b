"""Linear layers with adapters, joined: outputs and gradients are those of the layers one by one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from thinkrec.engine.joint_projection import JointProjection
from thinkrec.model.lora import MultiLoRAConfig, MultiLoRALinear, Routing

WIDTH = 10


def make_layers(n_experts: int = 0, bias: bool = False) -> list[nn.Module]:
    """Two adapted linear layers with a plain one between them, of three widths."""
    torch.manual_seed(0)
    config = MultiLoRAConfig(rank=2, alpha=3, dropout=0.0, n_experts=n_experts, targets=("x",))
    bare = [nn.Linear(WIDTH, out, bias=bias) for out in (6, 4, 5)]
    layers = [
        bare[1] if i == 1 else MultiLoRALinear(linear, config, n_experts, Routing()) for i, linear in enumerate(bare)
    ]
    bare[1].requires_grad_(False)
    for layer in layers[::2]:
        for p in layer.parameters():
            p.data.normal_() if p.requires_grad else None
    return layers


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("blocks", [[3], [1, 2], [1, 1, 1]])
@pytest.mark.parametrize("n_experts", [0, 2])
def test_outputs_and_gradients_are_those_of_the_layers(n_experts: int, blocks: list[int], bias: bool) -> None:
    layers, rows = make_layers(n_experts, bias), torch.randn(7, WIDTH, requires_grad=True)
    weights = torch.rand(7, 1 + n_experts) if n_experts else None
    expected = []
    for layer in layers:
        with layer.routing.use_weights(weights) if isinstance(layer, MultiLoRALinear) else torch.enable_grad():
            expected.append(layer(rows))
    joint = JointProjection(layers, blocks)
    joint.refresh(is_merged=False)
    wide, spread = joint.make_input(7), None if weights is None else weights.repeat_interleave(2, dim=1).repeat(1, 2)
    with torch.no_grad():
        wide[:, :WIDTH] = rows
        joint.fill_middle(wide, spread)
        outputs = joint.multiply(wide)
    assert len(outputs) == len(blocks)
    torch.testing.assert_close(torch.cat(outputs, 1), torch.cat(expected, 1).detach())
    grads = [torch.randn_like(out) for out in outputs]
    parameters = joint.list_parameters()
    assert len(parameters) == (8 if n_experts else 4)
    theirs = torch.autograd.grad(torch.cat(expected, 1), [rows, *parameters], torch.cat(grads, 1))
    mine = joint.differentiate(grads, wide, spread)
    for ours, right in zip((mine[0], *mine[1]), theirs, strict=True):
        torch.testing.assert_close(ours, right)
    for p in parameters:
        p.requires_grad_(False)
    assert joint.differentiate(grads, wide, spread)[1] == [None] * len(parameters), "nothing learns"


def test_a_residual_is_added_within_the_product() -> None:
    layers, rows, residual = make_layers(bias=True)[:1], torch.randn(3, WIDTH), torch.randn(3, 6)
    joint = JointProjection(layers, [1])
    joint.refresh(is_merged=False)
    wide = joint.make_input(3)
    with torch.no_grad():
        wide[:, :WIDTH] = rows
        joint.fill_middle(wide, None)
        torch.testing.assert_close(joint.multiply_onto(residual, wide), residual + layers[0](rows))


def test_plain_layers_are_not_copied_and_adapters_are_copied_when_they_change() -> None:
    plain = nn.Linear(WIDTH, 4)
    joint = JointProjection([plain], [1])
    joint.refresh(is_merged=False)
    assert joint.weights[0] is plain.weight and joint.make_input(2).shape == (2, WIDTH)
    layers = make_layers()
    joint = JointProjection(layers, [3])
    joint.refresh(is_merged=False)
    held = joint.weights[0]
    joint.refresh(is_merged=False)
    with torch.no_grad():
        layers[0].global_b.add_(1)
        layers[0].global_a.add_(1)
    joint.refresh(is_merged=False)
    assert joint.weights[0] is held, "a step of training changes columns, not the frozen weights"
    torch.testing.assert_close(held[:6, WIDTH : WIDTH + 2], layers[0].global_b.detach())
    torch.testing.assert_close(joint.a[:2], layers[0].global_a.detach())
    with torch.no_grad():
        layers[1].weight.mul_(2)
    joint.refresh(is_merged=False)
    torch.testing.assert_close(joint.weights[0][6:10, :WIDTH], layers[1].weight)


def test_merged_weights_need_no_columns() -> None:
    layers = [make_layers()[0]]
    joint = JointProjection(layers, [1])
    layers[0].merged_weight = torch.randn(6, WIDTH)
    joint.refresh(is_merged=True)
    assert joint.weights[0] is layers[0].merged_weight and not len(joint.a)
    assert joint.differentiate([torch.ones(2, 6)], joint.make_input(2), None)[1] == [None, None]
    joint.refresh(is_merged=False)
    assert joint.weights[0].shape == (6, WIDTH + 2)
