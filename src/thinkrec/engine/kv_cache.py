"""Keys and values of generated text, appended in place.

Transformers' own cache copies all keys and values of every layer for each new token. For 32 prompts of 700 tokens on
SmolLM2 that is more than a gigabyte a token, several times what the token itself costs.
"""

from __future__ import annotations

import torch
from transformers import DynamicCache, PretrainedConfig
from transformers.cache_utils import DynamicLayer

ROOM = 64
"""Places that are set aside beyond those that are filled."""


def make_kv_cache(config: PretrainedConfig) -> DynamicCache:
    """An empty cache for a model of this configuration; sliding and other layers are Transformers' own."""
    cache = DynamicCache(config=config)
    cache.layers = [GrowingLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


class GrowingLayer(DynamicLayer):
    """The keys and values (b, g, t, d) of one layer: views of buffers with room for further tokens.

    For use without gradients: what was handed out before an update shares memory with what comes after it.
    """

    def __init__(self) -> None:
        """Empty; the shape is that of the first keys and values."""
        super().__init__()
        self._buffers: list[torch.Tensor] = []

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args, **kwargs
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append keys and values (b, g, m, d); returns all of them."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start = self.get_seq_length()
        stop = start + key_states.shape[-2]
        if not self._has_room(stop):
            self._buffers = [_make_buffer(new, held, start, stop) for new, held in self._pair(key_states, value_states)]
        for buffer, new in zip(self._buffers, (key_states, value_states), strict=True):
            buffer[:, :, start:stop] = new
        self.keys, self.values = (buffer[:, :, :stop] for buffer in self._buffers)
        return self.keys, self.values

    def _pair(self, *new: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
        assert self.keys is not None and self.values is not None
        return list(zip(new, (self.keys, self.values), strict=True))

    def _has_room(self, stop: int) -> bool:
        """Whether the buffers hold what is there now, which selecting rows or cropping may have replaced, and more."""
        held = (self.keys, self.values)
        return bool(self._buffers) and all(
            tensor is not None
            and tensor.data_ptr() == buffer.data_ptr()
            and tensor.shape[0] == buffer.shape[0]
            and stop <= buffer.shape[2]
            for tensor, buffer in zip(held, self._buffers, strict=True)
        )


def _make_buffer(new: torch.Tensor, held: torch.Tensor, start: int, stop: int) -> torch.Tensor:
    """A buffer (b, g, stop + ROOM, d) that begins with the `start` places held so far."""
    batch, groups, _, width = new.shape
    buffer = new.new_empty(batch, groups, stop + ROOM, width)
    if start:
        buffer[:, :, :start] = held
    return buffer
