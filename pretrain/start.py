"""A start from which matching by content is a short way off.

Left to itself so small a model needs far more steps than two cores have before its attention finds out that a line of
the table should be compared with earlier lines (the phase change of "induction"). So two layers start with a rough
draft of it; training is free to keep, sharpen or undo it.

- Embeddings share one direction `here`; the verdict tokens differ along `verdict` and share `label`.
- Layer 0: heads look at the last dozen tokens (rotary angles of `here` against itself) and add up what they find, so
  that the bar and the verdict after it carry the keywords of their line.
- Layer 1: heads compare these sums through rotary pairs that turn slowly (keys are like queries), prefer verdict
  tokens, and copy their verdict.

The comparison follows Trockman and Kolter, Mimetic Initialization of Self-Attention Layers (2023).
"""

from __future__ import annotations

import torch
from transformers import LlamaForCausalLM

NEAR = 1.3
"""Peak attention logit of the local heads per rotary pair."""
PAIRS = (2, 6)
"""Rotary pairs of the local heads, first and last but one."""
REACH = 400
"""Tokens over which a comparing head should tell no distances."""
SPARE = 1
"""Heads that start at random in each of the two layers."""
GATHER = 1.5
"""Size of the gathered sum beside a token's own embedding."""
MATCH = 3.2
"""Scale of queries and keys in the comparing heads."""
PREFER = 1.5
"""Square root of the preference for verdict tokens, before scaling."""
COPY = 0.3
"""Scale of the verdict read and written."""


@torch.no_grad()
def draft_matching(model: LlamaForCausalLM, yes_id: int, no_id: int, marks: list[int]) -> None:
    """Writes the draft into embeddings and the first two layers of a freshly initialised model.

    `marks`: tokens of the table's frame (comma, bar, line break), which say nothing about likeness.
    Raises ValueError if the drafted heads together are wider than the model.
    """
    drafted = model.config.num_attention_heads - SPARE
    if drafted * model.config.head_dim > model.config.hidden_size:
        raise ValueError(
            f"the drafted start needs (heads - {SPARE}) * head_dim <= hidden, got {drafted} * {model.config.head_dim}"
            f" > {model.config.hidden_size}; take fewer or smaller heads, or --plain-start"
        )
    embedding = model.get_input_embeddings().weight
    width = embedding.shape[1]
    length = embedding.norm(dim=1).mean()
    here, label, verdict = torch.linalg.qr(torch.randn(width, 3))[0].T
    embedding[yes_id] = length * (label + verdict) * 0.5**0.5
    embedding[no_id] = length * (label - verdict) * 0.5**0.5
    frame = torch.linalg.qr(torch.cat([torch.stack([here, label, verdict]), embedding[marks]]).T)[0].T
    embedding += length * here
    _gather(model.model.layers[0].self_attn, here, length, frame)
    _compare(model.model.layers[1].self_attn, here, label, verdict, frame)


def _gather(attention, here: torch.Tensor, length: torch.Tensor, frame: torch.Tensor) -> None:
    size, width = attention.head_dim, len(here)
    basis = torch.linalg.qr(torch.randn(width, width))[0]
    # The normalised input has norm sqrt(width), half of its square along `here`.
    angle = (NEAR * size**0.5 * 2 / width) ** 0.5
    scale = (GATHER * float(length) * (2 / width) ** 0.5) ** 0.5
    heads = attention.q_proj.weight.shape[0] // size
    for head in range(heads - SPARE):
        rows = slice(head * size, (head + 1) * size)
        for weight in (attention.q_proj.weight, attention.k_proj.weight):
            weight[rows] = 0.0
            for pair in range(*PAIRS):
                weight[head * size + pair] = angle * here
        read = basis[:, rows].T
        read = read - (read @ frame.T) @ frame
        attention.v_proj.weight[rows] = scale * read
        attention.o_proj.weight[:, rows] = scale * read.T


def _compare(attention, here: torch.Tensor, label: torch.Tensor, verdict: torch.Tensor, frame: torch.Tensor) -> None:
    size, width = attention.head_dim, len(here)
    heads = attention.q_proj.weight.shape[0] // size
    turns = _turns(attention, size)
    slow = [p for p in range(size // 2) if turns[p] * REACH < 0.7]
    slow = [*slow, *(size // 2 + p for p in slow)]
    for head in range(heads - SPARE):
        first = head * size
        read = torch.linalg.qr(torch.randn(width, len(slow)))[0].T
        read = read - (read @ frame.T) @ frame
        at = [first + place for place in slow]
        attention.q_proj.weight[at] = MATCH * read
        attention.k_proj.weight[at] = MATCH * read
        last = first + size // 2 - 1
        attention.q_proj.weight[last] = PREFER * here
        attention.k_proj.weight[last] = PREFER * label
        attention.q_proj.weight[first + size - 1] = 0.0
        attention.k_proj.weight[first + size - 1] = 0.0
        attention.v_proj.weight[first] = COPY * verdict
        attention.o_proj.weight[:, first] = COPY * verdict


def _turns(attention, size: int) -> list[float]:
    """Rotary angle per token of each pair of a head."""
    theta = attention.config.rope_parameters["rope_theta"]
    return [theta ** (-2 * p / size) for p in range(size // 2)]
