"""From a user's vector and the groups' centres to the weights of the adapters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field

from thinkrec.errors import DataError
from thinkrec.io.config import Config

SINGLE, GLOBAL, FUSE = 0, 1, 2
REGIONS = ("single", "global", "fuse")
_PART = 16_384
"""Vectors that are brought to length 1 at a time, as doubles."""


class GateConfig(Config):
    """Temperature and thresholds. Defaults: ThinkRec paper, section on user-wise expert fusion."""

    RENAMED_KEYS: ClassVar = {"flat": "entropy_threshold"}

    tau: float = Field(default=0.1, gt=0)
    """Temperature of the softmax over cosines; smaller is sharper."""
    single_base: float = Field(default=0.5, ge=0)
    """One expert answers alone if its weight exceeds single_base + single_share / n. A value above 1: never."""
    single_share: float = Field(default=0.6, ge=0)
    """See `single_base`."""
    entropy_threshold: float = Field(default=0.95, ge=0)
    """The global adapter answers alone if the weights' entropy is at least flat * ln n. 0: always; above 1: never."""


@dataclass(frozen=True, eq=False)
class GateOutput:
    """How each row mixes the adapters."""

    weights: np.ndarray
    """float32 (rows, 1 + n): global adapter first, then the experts; each row sums to 1."""
    region: np.ndarray
    """int8 (rows,): SINGLE, GLOBAL or FUSE, the rule that decided."""


def compute_cosine(vectors: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Cosines float64 (rows, n) between rows (rows, d) and centres (n, d); 0 where either has length 0."""
    turned = _normalise_rows(centres).T
    parts = [_normalise_rows(vectors[first : first + _PART]) @ turned for first in range(0, len(vectors), _PART)]
    return np.concatenate(parts) if parts else np.zeros((0, len(centres)))


def compute_softmax(values: np.ndarray, tau: float) -> np.ndarray:
    """softmax(values / tau) along the last axis."""
    raised = np.exp((values - values.max(axis=-1, keepdims=True)) / tau)
    return raised / raised.sum(axis=-1, keepdims=True)


def compute_entropy(weights: np.ndarray) -> np.ndarray:
    """Entropy in nats along the last axis, with 0 ln 0 = 0."""
    return -(weights * np.log(np.where(weights > 0, weights, 1.0))).sum(axis=-1)


def compute_gate(vectors: np.ndarray, centres: np.ndarray, config: GateConfig | None = None) -> GateOutput:
    """Decide for each user vector (rows, d) which adapters answer, given the groups' centres (n, d).

    w = softmax(cos(e_u, c_k) / tau). If max w > single_base + single_share / n, that expert alone; else if the entropy
    of w is at least flat * ln n, the global adapter alone; else all experts, fused with weights w.
    A vector of zeros (a user about whom nothing is known) goes to the global adapter; so does everyone if n is 0.
    With n = 1 the formula says nothing (w is always 1, and ln 1 = 0): the only expert answers alone.

    Raises DataError for values that are not finite or dimensions that differ.
    """
    config = config or GateConfig()
    vectors, centres = np.asarray(vectors), np.asarray(centres, dtype=np.float64)
    if vectors.ndim != 2 or centres.ndim != 2 or (len(centres) and vectors.shape[1] != centres.shape[1]):
        raise DataError(f"user vectors {vectors.shape} and centres {centres.shape} must be (rows, d) and (n, d)")
    for name, values in (("user vector", vectors), ("centre", centres)):
        bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
        if len(bad):
            raise DataError(f"{name} {bad[0]} holds a value that is not finite; check the encoder that made it")
    rows, n = len(vectors), len(centres)
    weights = np.zeros((rows, 1 + n), dtype=np.float32)
    region = np.full(rows, GLOBAL, dtype=np.int8)
    if n:
        w = compute_softmax(compute_cosine(vectors, centres), config.tau)
        region = _classify_regions(w, np.asarray(vectors.any(axis=1)), config)
    else:
        w = np.zeros((rows, 0))
    weights[region == GLOBAL, 0] = 1.0
    single = np.flatnonzero(region == SINGLE)
    if len(single):
        weights[single, 1 + w[single].argmax(axis=1)] = 1.0
    weights[region == FUSE, 1:] = w[region == FUSE]
    return GateOutput(weights, region)


def _classify_regions(w: np.ndarray, known: np.ndarray, config: GateConfig) -> np.ndarray:
    n = w.shape[1]
    if n == 1:
        single, flat = np.ones(len(w), dtype=bool), np.zeros(len(w), dtype=bool)
    else:
        single = w.max(axis=1) > config.single_base + config.single_share / n
        # Equal weights have entropy ln n up to rounding, and must count as flat even with flat = 1.
        flat = compute_entropy(w) >= config.entropy_threshold * np.log(n) - 1e-12
    return np.select([~known, single, flat], [GLOBAL, SINGLE, GLOBAL], FUSE).astype(np.int8)


def _normalise_rows(vectors: np.ndarray) -> np.ndarray:
    vectors = np.asarray(vectors, dtype=np.float64)
    # Dividing by the largest entry first keeps the squares of very small or large vectors within range.
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0.0)
    scaled = vectors / np.where(largest > 0, largest, 1.0)
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    return scaled / np.where(length > 0, length, 1.0)
