"""Whether packing leaves a backbone's results as they are, found out by trying."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from thinkrec.model.batch import Prompt, collate
from thinkrec.model.fork import Fork, pack
from thinkrec.model.packing import CannotPack, install

if TYPE_CHECKING:
    from thinkrec.model.recommender import Recommender

_CLOSE = {torch.float64: 1e-6, torch.float32: 1e-3}
"""Largest difference, in standard deviations of a hidden state; half precision: `_HALF`."""
_HALF = 0.1
_TRUNKS, _LEAVES = (7, 12), (3, 5, 1)


def can_pack(recommender: Recommender) -> bool:
    """Compare a few random questions asked in forks with the same questions asked one by one.

    False where attention is not the kind that packing replaces, or does more than it (caps, sinks, biases), or where
    something else in the decoder looks across tokens (state-space and convolution layers).
    """
    if not install(recommender.model):
        return False
    rng, size = np.random.default_rng(0), recommender.backbone.model.get_input_embeddings().num_embeddings
    gate = np.full(recommender.experts.slots, 1 / recommender.experts.slots, dtype=np.float32)

    def part(n: int) -> Prompt:
        none = np.zeros(0, dtype=np.int32)
        return Prompt(rng.integers(size, size=n).astype(np.int32), none, np.zeros((0, 0), dtype=np.float32),
                      np.array([n - 1], dtype=np.int32), np.zeros(1, dtype=np.int8), np.ones(1, dtype=np.float32),
                      none, none, np.zeros(0, dtype=np.float32), gate)  # fmt: skip

    forks = [Fork(part(n), tuple(part(m) for m in _LEAVES)) for n in _TRUNKS]
    plain = collate([prompt for fork in forks for prompt in fork.prompts()], recommender.backbone.pad_id)
    packed = pack(forks).to(recommender.device)
    plain = plain.to(recommender.device)
    try:
        with recommender.inference():
            found = recommender.hidden(packed)[0, packed.answer_at[:, 1]]
            last = plain.answer_at[plain.last_answers()]
            wanted = recommender.hidden(plain)[last[:, 0], last[:, 1]]
    except CannotPack:
        return False
    apart = (found.double() - wanted.double()).abs().max() / wanted.double().std()
    return bool(apart <= _CLOSE.get(wanted.dtype, _HALF))
