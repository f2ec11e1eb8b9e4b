"""Layers in few bits have to pass gradients; stand-ins say what a real layer would do."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from thinkrec.errors import RecipeError
from thinkrec.model.quantization import enable_quantized_gradients


class Quantized(nn.Linear):
    """A layer of another class than nn.Linear, as those in few bits are."""

    passes = True

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return super().forward(input if self.passes else input.detach())


class Stuck(Quantized):
    passes = False


class PacksOnCpu(Quantized):
    """Passes no gradients once it was evaluated, unless its packing is off."""

    support_avx512bf16_for_cpu = True

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        self.passes = self.passes and (self.training or not self.support_avx512bf16_for_cpu)
        return super().forward(input)


def test_layers_that_pass_gradients_are_left_in_their_mode() -> None:
    model = nn.Sequential(nn.Linear(3, 3), Quantized(3, 2), nn.ReLU())
    model[1].train()
    enable_quantized_gradients(model, "tiny")
    assert model[1].training
    assert all(p.grad is None for p in model[0].parameters())


def test_packing_on_a_cpu_is_turned_off() -> None:
    model = nn.Sequential(PacksOnCpu(3, 2), PacksOnCpu(2, 2))
    enable_quantized_gradients(model, "tiny")
    assert [layer.support_avx512bf16_for_cpu for layer in model] == [False, False]


def test_a_layer_that_passes_none_is_named() -> None:
    with pytest.raises(
        RecipeError, match=r"backbone\.bits: the Stuck layers of tiny pass no gradients .* leave bits out"
    ):
        enable_quantized_gradients(nn.Sequential(Quantized(3, 2), Stuck(2, 2)), "tiny")
