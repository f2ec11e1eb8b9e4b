"""From a user's vector and the groups' centres to the weights of the adapters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Protocol

import numpy as np
from pydantic import Discriminator, Field, Tag

from thinkrec.errors import DataError
from thinkrec.io.config import Config

SINGLE, GLOBAL, FUSE = 0, 1, 2
REGIONS = ("single", "global", "fuse")
_PART = 16_384
"""Vectors that are brought to length 1 at a time, as doubles."""


class EntropyGateConfig(Config):
    """One expert, all of them fused, or the global adapter, by how clear a user's group is.

    Defaults: ThinkRec paper, section on user-wise expert fusion.
    """

    RENAMED_KEYS: ClassVar = {"flat": "entropy_threshold"}

    kind: Literal["entropy"] = "entropy"
    tau: float = Field(default=0.1, gt=0)
    """Temperature of the softmax over cosines; smaller is sharper."""
    single_base: float = Field(default=0.5, ge=0)
    """One expert answers alone if its weight exceeds single_base + single_share / n. A value above 1: never."""
    single_share: float = Field(default=0.6, ge=0)
    """See `single_base`."""
    entropy_threshold: float = Field(default=0.95, ge=0)
    """The global adapter answers alone if the weights' entropy is at least `entropy_threshold` * ln n.
    0: always; above
    1: never."""


class GlobalGateConfig(Config):
    """The global adapter answers everybody: what the experts are worth."""

    kind: Literal["global_only"] = "global_only"


class SingleGateConfig(Config):
    """The expert of the nearest centre answers alone: what fusing is worth."""

    kind: Literal["single"] = "single"


class UniformGateConfig(Config):
    """All experts with equal weights: what knowing the user's group is worth."""

    kind: Literal["uniform"] = "uniform"


def _get_gate_kind(value: Any) -> Any:
    """The `kind` of a gate's settings; without one they are those of the entropy gate."""
    return value.get("kind", "entropy") if isinstance(value, dict) else getattr(value, "kind", None)


GateConfig = Annotated[
    Annotated[EntropyGateConfig, Tag("entropy")]
    | Annotated[GlobalGateConfig, Tag("global_only")]
    | Annotated[SingleGateConfig, Tag("single")]
    | Annotated[UniformGateConfig, Tag("uniform")],
    Discriminator(_get_gate_kind),
]
"""Any config that `GATES` knows by its kind."""


@dataclass(frozen=True, eq=False)
class GateOutput:
    """How each row mixes the adapters."""

    weights: np.ndarray
    """float32 (rows, 1 + n): global adapter first, then the experts; each row sums to 1."""
    region: np.ndarray
    """int8 (rows,): SINGLE, GLOBAL or FUSE, the rule that decided."""


class GateFunction(Protocol):
    """A rule for users about whom something is known."""

    def __call__(self, cosines: np.ndarray, config: Any) -> tuple[np.ndarray, np.ndarray]:
        """The experts' weights float64 (rows, n), n > 0, and regions int8 (rows,) from cosines (rows, n).

        Weights of a GLOBAL row are not read; of a SINGLE row all but one are 0.
        """
        ...


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

    The rule is the one of `GATES` for the config's kind, by default the entropy gate. Whatever the rule, a vector of
    zeros (a user about whom nothing is known) goes to the global adapter; so does everyone if n is 0.

    Raises DataError for values that are not finite or dimensions that differ.
    """
    config = config or EntropyGateConfig()
    vectors, centres = np.asarray(vectors), np.asarray(centres, dtype=np.float64)
    if vectors.ndim != 2 or centres.ndim != 2 or (len(centres) and vectors.shape[1] != centres.shape[1]):
        raise DataError(f"user vectors {vectors.shape} and centres {centres.shape} must be (rows, d) and (n, d)")
    for name, values in (("user vector", vectors), ("centre", centres)):
        bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
        if len(bad):
            raise DataError(f"{name} {bad[0]} holds a value that is not finite; check the encoder that made it")
    weights = np.zeros((len(vectors), 1 + len(centres)), dtype=np.float32)
    region = np.full(len(vectors), GLOBAL, dtype=np.int8)
    if len(centres):
        expert_weights, by_rule = GATES[config.kind](compute_cosine(vectors, centres), config)
        region = np.where(vectors.any(axis=1), by_rule, GLOBAL).astype(np.int8)
        weights[region != GLOBAL, 1:] = expert_weights[region != GLOBAL]
    weights[region == GLOBAL, 0] = 1.0
    return GateOutput(weights, region)


def compute_entropy_gate(cosines: np.ndarray, config: EntropyGateConfig) -> tuple[np.ndarray, np.ndarray]:
    """The gate of the ThinkRec paper.

    w = softmax(cos(e_u, c_k) / tau). If max w > single_base + single_share / n, that expert alone; else if the entropy
    of w is at least entropy_threshold * ln n, the global adapter alone; else all experts, fused with weights w.
    With n = 1 the formula says nothing (w is always 1, and ln 1 = 0): the only expert answers alone.
    """
    w = compute_softmax(cosines, config.tau)
    region = _classify_regions(w, config)
    single = region == SINGLE
    w[single] = _select_best_expert(w[single])
    return w, region


def compute_global_gate(cosines: np.ndarray, config: GlobalGateConfig) -> tuple[np.ndarray, np.ndarray]:
    """The global adapter for all."""
    return np.zeros_like(cosines), np.full(len(cosines), GLOBAL, dtype=np.int8)


def compute_single_gate(cosines: np.ndarray, config: SingleGateConfig) -> tuple[np.ndarray, np.ndarray]:
    """Weight 1 on argmax_k cos(e_u, c_k)."""
    return _select_best_expert(cosines), np.full(len(cosines), SINGLE, dtype=np.int8)


def compute_uniform_gate(cosines: np.ndarray, config: UniformGateConfig) -> tuple[np.ndarray, np.ndarray]:
    """Weight 1 / n on every expert."""
    n = cosines.shape[1]
    return np.full(cosines.shape, 1 / n), np.full(len(cosines), SINGLE if n == 1 else FUSE, dtype=np.int8)


GATES: dict[str, GateFunction] = {
    "entropy": compute_entropy_gate,
    "global_only": compute_global_gate,
    "single": compute_single_gate,
    "uniform": compute_uniform_gate,
}
"""Rule by the `kind` of its config."""


def _select_best_expert(values: np.ndarray) -> np.ndarray:
    """float64 (rows, n): 1 at each row's largest value, 0 elsewhere."""
    return np.eye(values.shape[1])[values.argmax(axis=1)]


def _classify_regions(w: np.ndarray, config: EntropyGateConfig) -> np.ndarray:
    n = w.shape[1]
    if n == 1:
        single, flat = np.ones(len(w), dtype=bool), np.zeros(len(w), dtype=bool)
    else:
        single = w.max(axis=1) > config.single_base + config.single_share / n
        # Equal weights have entropy ln n up to rounding, and must count as flat even with flat = 1.
        flat = compute_entropy(w) >= config.entropy_threshold * np.log(n) - 1e-12
    return np.select([single, flat], [SINGLE, GLOBAL], FUSE).astype(np.int8)


def _normalise_rows(vectors: np.ndarray) -> np.ndarray:
    vectors = np.asarray(vectors, dtype=np.float64)
    # Dividing by the largest entry first keeps the squares of very small or large vectors within range.
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0.0)
    scaled = vectors / np.where(largest > 0, largest, 1.0)
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    return scaled / np.where(length > 0, length, 1.0)
