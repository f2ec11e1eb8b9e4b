"""Linear layers that read the same input, multiplied together with their adapters.

With the adapters' B's as further columns of the frozen weight, and x A^T as further columns of the input, one product
gives y = x W^T + s (x A^T) B^T, and one product of the backward pass gives the gradients of both halves of the input:

    [x, m] [W, B]^T    with m = s w (x A^T), w the weights of experts by row or token (1 for the global adapter alone)

So an adapter of rank r costs r columns in place of passes over the outputs, and the A's of all layers that share the
input are one product.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from thinkrec.model.lora import MultiLoRALinear


class JointProjection:
    """Several linear layers over one input, adapters included; its tensors follow what they are made of."""

    def __init__(self, linears: Sequence[nn.Module], blocks: Sequence[int]) -> None:
        """Of nn.Linear or MultiLoRALinear; `blocks`: how many of them, in order, share an output tensor."""
        self.linears, self.blocks = list(linears), list(blocks)
        self.in_features = self._get_base(self.linears[0]).in_features
        self._stamps: tuple[list[_Stamp], list[_Stamp]] | None = None
        self.weights: list[torch.Tensor] = []
        """Per block (out, in + k), the adapters' B's in the last k columns."""
        self.a = torch.empty(0)
        """(k, in): the A's, one below the other, in the weights' format."""

    @property
    def adapted(self) -> list[MultiLoRALinear]:
        """The layers with adapters, in order."""
        return [linear for linear in self.linears if isinstance(linear, MultiLoRALinear)]

    def list_parameters(self) -> list[torch.Tensor]:
        """The adapters' tensors, A and B of each kind that a layer holds, in the order of `differentiate`'s results."""
        tensors = []
        for layer in self.adapted:
            tensors += [layer.global_a, layer.global_b]
            if layer.expert_a is not None and layer.expert_b is not None:
                tensors += [layer.expert_a, layer.expert_b]
        return tensors

    def refresh(self, is_merged: bool) -> None:
        """Take over what has changed in the layers; `is_merged`: use their merged weights, and no adapter columns."""
        frozen = [_Stamp(self._get_dense(linear, is_merged)) for linear in self.linears]
        adapters = [] if is_merged else [_Stamp(tensor) for tensor in self.list_parameters()]
        if self._stamps == (frozen, adapters):
            return
        # Steps of training change the adapters alone.
        if self._stamps is None or self._stamps[0] != frozen:
            self._build_weights(is_merged)
        self._copy_adapters(is_merged)
        self._stamps = (frozen, adapters)

    @torch.no_grad()
    def _build_weights(self, is_merged: bool) -> None:
        k, self.weights, first = 0 if is_merged else self._count_columns(), [], 0
        for size in self.blocks:
            dense = [self._get_dense(linear, is_merged) for linear in self.linears[first : first + size]]
            first += size
            if k == 0 and size == 1:
                self.weights.append(dense[0])
                continue
            rows = sum(map(len, dense))
            joint = dense[0].new_zeros(rows, self.in_features + k)
            joint[:, : self.in_features].copy_(torch.cat(dense))
            self.weights.append(joint)

    @torch.no_grad()
    def _copy_adapters(self, is_merged: bool) -> None:
        k = 0 if is_merged else self._count_columns()
        self.a = self.weights[0].new_empty(k, self.in_features)
        if not k:
            return
        for linear, block, rows, columns in self._iterate_places():
            a, b = linear.stack_adapters()
            self.a[columns].copy_(a)
            self.weights[block][rows, self.in_features + columns.start : self.in_features + columns.stop].copy_(b)

    def _iterate_places(self):
        """Per adapted layer: itself, its block, its rows in that, and its columns among the adapters'."""
        number, column = 0, 0
        for block, size in enumerate(self.blocks):
            row = 0
            for linear in self.linears[number : number + size]:
                out = self._get_base(linear).out_features
                if isinstance(linear, MultiLoRALinear):
                    width = linear.rank * linear.n_adapters
                    yield linear, block, slice(row, row + out), slice(column, column + width)
                    column += width
                row += out
            number += size

    def _count_columns(self) -> int:
        return sum(linear.rank * linear.n_adapters for linear in self.adapted)

    def make_input(self, n: int) -> torch.Tensor:
        """An empty (n, in + k): the caller writes the input into its first columns, `fill_middle` the others."""
        return self.weights[0].new_empty(n, self.weights[0].shape[1])

    def fill_middle(self, wide: torch.Tensor, spread: torch.Tensor | None) -> None:
        """Write m = s w (x A^T) behind the input x in `wide`; `spread`: w, (n or 1, k), None for 1."""
        if len(self.a):
            middle = wide[:, self.in_features :]
            torch.mm(wide[:, : self.in_features], self.a.T, out=middle)
            middle.mul_(self.adapted[0].scale)
            if spread is not None:
                middle.mul_(spread)

    def multiply(self, wide: torch.Tensor) -> list[torch.Tensor]:
        """(n, out) per block."""
        return [F.linear(wide, weight, bias) for weight, bias in zip(self.weights, self._list_biases(), strict=True)]

    def multiply_onto(self, residual: torch.Tensor, wide: torch.Tensor) -> torch.Tensor:
        """The residual + the only block's output, (n, out)."""
        (bias,) = self._list_biases()
        out = torch.addmm(residual, wide, self.weights[0].T)
        return out if bias is None else out.add_(bias)

    def _list_biases(self) -> list[torch.Tensor | None]:
        biases, first = [], 0
        for size in self.blocks:
            parts = [self._get_base(linear).bias for linear in self.linears[first : first + size]]
            first += size
            biases.append(None if parts[0] is None else torch.cat([part for part in parts if part is not None]))
        return biases

    def differentiate(
        self, grads: Sequence[torch.Tensor], wide: torch.Tensor, spread: torch.Tensor | None
    ) -> tuple[torch.Tensor, list[torch.Tensor | None]]:
        """Gradients for the input (n, in), and in float32 for `list_parameters`; `grads`: (n, out) per block.

        None for all of the latter where none of them learns.
        """
        full = grads[0] @ self.weights[0]
        for grad, weight in zip(grads[1:], self.weights[1:], strict=True):
            full.addmm_(grad, weight)
        parameters = self.list_parameters()
        if not len(self.a):
            return full, [None] * len(parameters)
        inputs, middle = wide[:, : self.in_features], wide[:, self.in_features :]
        grad_middle = full[:, self.in_features :] * self.adapted[0].scale
        if spread is not None:
            grad_middle.mul_(spread)
        grad_inputs = torch.addmm(full[:, : self.in_features], grad_middle, self.a)
        if not any(parameter.requires_grad for parameter in parameters):
            return grad_inputs, [None] * len(parameters)
        grad_a = (grad_middle.T @ inputs).float()
        results: list[torch.Tensor | None] = []
        for layer, block, rows, columns in self._iterate_places():
            grad_b = (grads[block][:, rows].T @ middle[:, columns]).float()
            for slots in (slice(0, layer.rank), slice(layer.rank, None))[: 1 if layer.expert_a is None else 2]:
                results += [grad_a[columns][slots], grad_b[:, slots]]
        return grad_inputs, results

    @staticmethod
    def _get_base(linear: nn.Module) -> nn.Linear:
        base = linear.base if isinstance(linear, MultiLoRALinear) else linear
        assert isinstance(base, nn.Linear)
        return base

    def _get_dense(self, linear: nn.Module, is_merged: bool) -> torch.Tensor:
        if is_merged and isinstance(linear, MultiLoRALinear):
            assert linear.merged_weight is not None
            return linear.merged_weight
        return self._get_base(linear).weight


class _Stamp:
    """Equal to a later one of the same tensor, unless that was written into or moved in between."""

    def __init__(self, tensor: torch.Tensor) -> None:
        # Its memory is held, so that nothing else can stand there: `Module.to` gives a parameter other memory.
        self.tensor, self.memory = tensor, tensor.detach()
        self.state = (tensor.data_ptr(), tensor.dtype, tensor._version)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Stamp) and self.tensor is other.tensor and self.state == other.state

    __hash__ = None  # type: ignore[assignment]
