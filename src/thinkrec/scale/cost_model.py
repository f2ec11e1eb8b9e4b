"""Tokens, operations, memory and machines for ranking many users: a count, with every assumption a field of its own.

For a user with a prefix of P tokens and N candidates of S tokens each, where the prefix is read once
(`engine.cascade`):

    tokens         T = P + N S
    multiply-adds  T (W + A)                              W: linear weights, A: adapter weights
                   + 2 L H D (P^2 / 2 + N S (P + S / 2))  L layers, H heads of D numbers: scores and weighted sums
    operations     2 x multiply-adds

A written reason of R tokens reads the whole prompt of its candidate again and writes R tokens, one after the other,
each through the output layer too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from thinkrec.scale.shapes import BackboneShape

DAY = 86_400
BYTES = {"float32": 4.0, "bfloat16": 2.0, "8 bits": 1.0, "4 bits": 0.5}
"""Bytes per linear weight; embeddings have 2 in 8 and 4 bits."""
ROW_BYTES = 4 + 4 + 1 + 8 + 1 + 8
"""Bytes of a rating in memory: user, item, label, time, split, order (`data.interactions.Interactions`)."""
PAST_BYTES = 4 * 8
"""Bytes per rating of what each row sees of its past (`data.visible_past.VisiblePast`)."""


@dataclass(frozen=True)
class Device:
    """An accelerator, by its vendor's data sheet: nothing here was measured."""

    name: str
    operations: float
    """Dense bfloat16 operations per second, two for a multiply-add."""
    memory: float
    """Bytes."""


DEVICES = {
    "l4": Device("NVIDIA L4", 121e12, 24e9),
    "a100": Device("NVIDIA A100 80GB", 312e12, 80e9),
    "h100": Device("NVIDIA H100 SXM", 989e12, 80e9),
    "h200": Device("NVIDIA H200", 989e12, 141e9),
}


@dataclass(frozen=True)
class PromptLengths:
    """Tokens of prompts."""

    prefix: float
    """What all candidates of a user share."""
    suffix: float
    """What each adds."""


@dataclass(frozen=True)
class Workload:
    """What is asked."""

    users: int
    candidates: int
    """Ranked per user."""
    seconds: float = DAY
    """In how many seconds."""
    reasons: float = 0.0
    """Written per user."""
    reason_tokens: int = 100
    history: int = 50
    """Ratings per user that are kept."""


@dataclass(frozen=True)
class Cost:
    """What a workload takes."""

    tokens: float
    """Read and written, per user."""
    tokens_apart: float
    """The same if every candidate were a prompt of its own."""
    operations: float
    """Per user."""
    devices: int
    """At the assumed utilisation, and at least one."""
    device_seconds: float
    """Per 1,000 users, of one device."""
    weights: dict[str, float]
    """Number format -> bytes of backbone and adapters."""
    prefix_bytes: float
    """Keys and values of one user's prefix, 2 bytes a number."""
    ratings_bytes: float
    """All users' ratings in memory."""
    vectors_bytes: float
    """Float32 vectors of all users and items."""
    retrieval_operations: float
    """Per user: inner products with every item, which is what choosing candidates takes without an index."""


def compute_token_operations(shape: BackboneShape, prefix: float, suffix: float, n: float) -> float:
    """Operations of reading a prefix once and `n` suffixes behind it."""
    linear = (prefix + n * suffix) * (shape.linear + shape.adapters)
    pairs = prefix**2 / 2 + n * suffix * (prefix + suffix / 2)
    return 2 * (linear + 2 * shape.layers * shape.heads * shape.head_dim * pairs)


def compute_weight_bytes(shape: BackboneShape, number_format: str) -> float:
    """Bytes of a backbone with its adapters, which are held in float32."""
    per_weight = BYTES[number_format]
    others = shape.parameters - shape.linear
    return shape.linear * per_weight + others * max(per_weight, 2.0) + shape.adapters * 4


def compute_cost(
    shape: BackboneShape,
    lengths: PromptLengths,
    workload: Workload,
    *,
    rate: float,
    n_items: int,
    dim: int,
) -> Cost:
    """What ranking takes.

    Args:
        shape: of the backbone with its adapters.
        lengths: of the prompts.
        workload: users, candidates, time.
        rate: operations per second that one device does in fact.
        n_items: in the catalogue.
        dim: of the vectors that choose candidates.
    """
    p, s, n = lengths.prefix, lengths.suffix, workload.candidates
    written = workload.reasons * workload.reason_tokens
    # Written tokens read what stands before them, as suffixes do; each reason reads its prompt once more.
    reason = compute_token_operations(shape, p + s, workload.reason_tokens, 1) + 2 * shape.head * workload.reason_tokens
    operations = compute_token_operations(shape, p, s, n) + reason * workload.reasons
    reread = workload.reasons * (p + s) + written
    return Cost(
        tokens=p + n * s + reread,
        tokens_apart=n * (p + s) + reread,
        operations=operations,
        devices=max(1, math.ceil(workload.users * operations / rate / workload.seconds)),
        device_seconds=1000 * operations / rate,
        weights={name: compute_weight_bytes(shape, name) for name in BYTES},
        prefix_bytes=2 * 2 * shape.layers * shape.kv_heads * shape.head_dim * p,
        ratings_bytes=float(workload.users * workload.history * (ROW_BYTES + PAST_BYTES)),
        vectors_bytes=4.0 * dim * (workload.users + n_items),
        retrieval_operations=2.0 * dim * n_items,
    )


def list_limits(cost: Cost, device_memory: float, host_memory: float, number_format: str) -> list[str]:
    """What does not fit, or would break first, in sentences."""
    limits = []
    if cost.weights[number_format] > device_memory:
        limits.append(
            f"the weights take {cost.weights[number_format] / 1e9:,.1f} GB in {number_format}, and a device has"
            f" {device_memory / 1e9:,.0f}: hold them in fewer bits, or take a larger device"
        )
    for what, size in (("ratings", cost.ratings_bytes), ("vectors", cost.vectors_bytes)):
        if size > host_memory:
            limits.append(
                f"the {what} take {size / 1e9:,.0f} GB, and a machine of {host_memory / 1e9:,.0f} GB cannot hold them:"
                f" cut by user into {math.ceil(size / host_memory)} parts or more"
            )
    if cost.retrieval_operations > cost.operations:
        limits.append(
            "choosing candidates by all inner products takes more than ranking them: use an approximate index"
        )
    return limits
