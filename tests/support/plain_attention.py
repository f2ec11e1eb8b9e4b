"""Attention by its formula, one query at a time in float64: slow, and with nothing in it that could be wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from thinkrec.engine.segments import Segment


def attend_plainly(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, visible: Sequence[Sequence[int]], scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """Softmax attention of a row over the keys that each query may see.

    query (1, h, m, d), key and value (1, g, n, d) with h a multiple of g; `visible`: per query the numbers of its keys.
    Returns the output (1, h, m, d) and the log-sum-exp of the scaled products (1, h, m).
    """
    q, k, v = (t.detach().double().numpy() for t in (query, key, value))
    heads_per_group = q.shape[1] // k.shape[1]
    out, lse = np.zeros((*q.shape[:3], v.shape[-1])), np.zeros(q.shape[:3])
    for head in range(q.shape[1]):
        group = head // heads_per_group
        for number, keys in enumerate(visible):
            products = np.array([scale * float(q[0, head, number] @ k[0, group, j]) for j in keys])
            weights = np.exp(products)
            lse[0, head, number] = np.log(weights.sum())
            out[0, head, number] = sum(w * v[0, group, j] for w, j in zip(weights, keys, strict=True)) / weights.sum()
    return out, lse


def list_visible_keys(segments: Sequence[Segment]) -> list[list[int]]:
    """Per token of a packed row the tokens that it sees: of its prefix what its suffix follows, and its own past."""
    visible: list[list[int]] = []
    for segment in segments:
        assert segment.start == len(visible)
        visible += [[segment.start + j for j in range(i + 1)] for i in range(segment.prefix_length)]
        followed = [seen for number, seen in segment.prefix_length_runs for _ in range(number)]
        for length, seen in zip(segment.suffix_lengths, followed, strict=True):
            first = len(visible)
            prefix = [segment.start + j for j in range(seen)]
            visible += [[*prefix, *range(first, first + i + 1)] for i in range(length)]
    return visible
