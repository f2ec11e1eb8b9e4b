"""The frozen layers below the first one that learns: computed once per prompt, then read from a file.

Where a stage trains the last quarter of the layers, the hidden states that enter it never change. A pass that sees a
prompt again starts from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import nn

from thinkrec.engine.batch import Batch, collate_prompts
from thinkrec.engine.parts import list_modules
from thinkrec.engine.recommender import Recommender
from thinkrec.io.hashing import digest_bytes
from thinkrec.model.adapters import find_decoder_layers
from thinkrec.prompts.types import PROMPT_FIELDS, Prompt


def find_first_trainable_layer(recommender: Recommender) -> int:
    """Number of the first decoder layer with a parameter that learns; 0 where something before the layers does."""
    layers = find_decoder_layers(recommender.model)[1]
    inside = {id(p) for layer in layers for p in layer.parameters()}
    before = [
        *recommender.model.parameters(),
        *(p for module in list_modules(recommender) for p in module.parameters()),
    ]
    if any(p.requires_grad and id(p) not in inside for p in before):
        return 0
    learning = (i for i, layer in enumerate(layers) if any(p.requires_grad for p in layer.parameters()))
    return next(learning, len(layers))


class FrozenActivationCache:
    """Hidden states by prompt, in a file of at most `max_bytes` bytes; prompts beyond that are computed anew."""

    def __init__(self, recommender: Recommender, first: int, path: Path, most: int) -> None:
        """Empty, of the states that go into layer `first`; the file at `path` is begun anew."""
        self.recommender, self.first_trainable, self.max_bytes = recommender, first, most
        self._layers = find_decoder_layers(recommender.model)[1]
        self._path, self._file = path, path.open("w+b")
        self._offsets: dict[bytes, tuple[int, int]] = {}
        self._size = 0

    @classmethod
    def build(
        cls, recommender: Recommender, path: Path, most: int, sample: Sequence[Prompt]
    ) -> FrozenActivationCache | None:
        """The cache of a recommender; None where every layer learns.

        None also where this backbone gives something else with its layers cut in two, which is tried with the
        `sample`, in evaluation mode.
        """
        first = find_first_trainable_layer(recommender)
        if first == 0 or most <= 0:
            return None
        cache = cls(recommender, first, path, most)
        batch = collate_prompts(sample, recommender.backbone.pad_id).to(recommender.device)
        real = torch.arange(batch.ids.shape[1], device=recommender.device)[None] < batch.lengths[:, None]
        with recommender.inference_mode():
            expected = recommender.compute_hidden(batch)[real].cpu().double()
            twice = []
            for _ in range(2):
                with cache.use_cached_states(sample, batch):
                    twice.append(recommender.compute_hidden(batch)[real].cpu().double())
        if all((states - expected).abs().max() <= 1e-3 * expected.std() for states in twice):
            return cache
        cache.close()
        return None

    def close(self) -> None:
        """Remove the file."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    @contextmanager
    def use_cached_states(self, prompts: Sequence[Prompt], batch: Batch) -> Iterator[None]:
        """The recommender computes the batch of these prompts from layer `first_trainable` on, until the block ends."""
        below, states = list(self._layers[: self.first_trainable]), self._get_states(prompts, batch)
        try:
            for i in range(self.first_trainable):
                self._layers[i] = _IdentityLayer()
            self._layers[self.first_trainable - 1] = _CachedStatesLayer(states)
            yield
        finally:
            for i, layer in enumerate(below):
                self._layers[i] = layer

    def _get_states(self, prompts: Sequence[Prompt], batch: Batch) -> torch.Tensor:
        """(b, t, hidden): what enters layer `first_trainable`; zero at padding where it is read."""
        keys = [_hash_prompt(prompt) for prompt in prompts]
        if not all(key in self._offsets for key in keys):
            states = self._compute_states(batch)
            for key, prompt, state in zip(keys, prompts, states, strict=True):
                self._store_states(key, state[: len(prompt)])
            return states
        width = self.recommender.backbone.hidden_size
        states = torch.zeros(*batch.ids.shape, width, dtype=self._dtype)
        for key, row in zip(keys, states, strict=True):
            offset, length = self._offsets[key]
            self._file.seek(offset)
            held = bytearray(self._file.read(length * width * self._dtype.itemsize))
            row[:length] = torch.frombuffer(held, dtype=self._dtype).view(length, width)
        return states.to(batch.ids.device)

    @property
    def _dtype(self) -> torch.dtype:
        return self.recommender.model.dtype

    def _compute_states(self, batch: Batch) -> torch.Tensor:
        captured: list[torch.Tensor] = []

        def stop(module: nn.Module, args: tuple, kwargs: dict) -> None:
            captured.append(args[0] if args else kwargs["hidden_states"])
            raise _ForwardStoppedError

        hook = self._layers[self.first_trainable].register_forward_pre_hook(stop, with_kwargs=True)
        try:
            with self.recommender.inference_mode():
                self.recommender.compute_hidden(batch)
        except _ForwardStoppedError:
            pass
        finally:
            hook.remove()
        return captured[0].to(self._dtype)

    def _store_states(self, key: bytes, state: torch.Tensor) -> None:
        held = state.contiguous().cpu().view(torch.uint8).numpy().tobytes()
        if key in self._offsets or self._size + len(held) > self.max_bytes:
            return
        self._file.seek(self._size)
        self._file.write(held)
        self._offsets[key] = self._size, len(state)
        self._size += len(held)


class _ForwardStoppedError(Exception):
    """The layer that learns is reached: nothing more is needed."""


class _IdentityLayer(nn.Module):
    def forward(self, hidden_states: torch.Tensor, *_, **__) -> torch.Tensor:
        return hidden_states


class _CachedStatesLayer(nn.Module):
    def __init__(self, states: torch.Tensor) -> None:
        super().__init__()
        self.states = states

    def forward(self, hidden_states: torch.Tensor, *_, **__) -> torch.Tensor:
        return self.states


def _hash_prompt(prompt: Prompt) -> bytes:
    """Everything of a prompt that the layers below can see; the gate is not: they hold no experts."""
    names = [
        name
        for name, spec in PROMPT_FIELDS.items()
        if spec.kind == "tokens" or PROMPT_FIELDS.get(spec.of, spec).replaces_token
    ]
    return digest_bytes(np.ascontiguousarray(getattr(prompt, name)).tobytes() + b"|" for name in names)
