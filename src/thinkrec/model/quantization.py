"""Frozen linear layers in few bits (bitsandbytes): gradients have to pass them on their way to the adapters below."""

from __future__ import annotations

import warnings

import torch
from torch import nn

from thinkrec.errors import RecipeError

_CPU_PACKING_FLAG = "support_avx512bf16_for_cpu"
"""Attribute of a layer in 4 bits: whether it may pack its weight for inference on a CPU with AVX512-BF16."""


def enable_quantized_gradients(model: nn.Module, name: str) -> None:
    """Have the quantised layers of a model pass gradients for good, on every device.

    On CPUs with AVX512-BF16 a layer in 4 bits packs its weight when it is first evaluated, into a layout whose kernel
    knows no gradients; training would go on after that with adapters that never change. Such packing is turned off.
    Raises RecipeError where a layer passes none all the same.
    """
    tried = set[type]()
    for layer in model.modules():
        if not isinstance(layer, nn.Linear) or type(layer) is nn.Linear:
            continue
        if hasattr(layer, _CPU_PACKING_FLAG):
            setattr(layer, _CPU_PACKING_FLAG, False)
        if type(layer) not in tried:
            tried.add(type(layer))
            if not _has_input_gradient(layer):
                raise RecipeError(
                    f"backbone.bits: the {type(layer).__name__} layers of {name} pass no gradients once they were"
                    " evaluated, so that no adapter below them would learn; leave bits out, or use another device or"
                    " another version of bitsandbytes"
                )


def _has_input_gradient(layer: nn.Linear) -> bool:
    """Whether a gradient reaches the input of a layer that was evaluated before."""
    training = layer.training
    sample = torch.linspace(-1, 1, layer.in_features, device=layer.weight.device)[None]
    layer.eval()
    with torch.no_grad():
        layer(sample)
    learning_sample = sample.clone().requires_grad_()
    with warnings.catch_warnings():
        # PyTorch warns where a kernel has no gradient; what is said here instead is an error.
        warnings.simplefilter("ignore", UserWarning)
        total = layer(learning_sample).sum()
        if total.requires_grad:
            total.backward()
    layer.train(training)
    return learning_sample.grad is not None and bool(learning_sample.grad.any())
