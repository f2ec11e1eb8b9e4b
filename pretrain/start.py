"""A start from which matching by content is a short way off.

Left to itself so small a model needs far more steps than two cores have before its attention finds out that a line of
the table should be compared with earlier lines (the phase change of "induction"). So two layers start with a rough
draft of it; training is free to keep, sharpen or undo it.

- Embeddings share one direction `here`; the verdict tokens differ along `verdict` and share `label`.
- Layer 0: heads look at the last dozen tokens (rotary angles of `here` against itself) and add up what they find, so
  that the bar and the verdict after it carry the keywords of their line.
- Layer 1: heads compare these sums through rotary pairs that turn slowly (keys are like queries), prefer verdict
  tokens, and copy their verdict.
- One more head of each of the two layers continues what stood in the text before: that of layer 0 looks at the token
  just before and notes it in other directions, that of layer 1 compares its own token with these notes and copies the
  token they stand at. Prose that quotes a title needs it ("induction heads", Olsson et al., 2022).

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
QUOTING = 1
"""Heads of each of the two layers that look for a continuation; they come last."""
GATHER = 1.5
"""Size of the gathered sum beside a token's own embedding."""
MATCH = 3.2
"""Scale of queries and keys in the comparing heads."""
PREFER = 1.5
"""Square root of the preference for verdict tokens, before scaling."""
COPY = 0.3
"""Scale of the verdict read and written."""
BEFORE = 4.5
"""Peak attention logit per rotary pair of the head that looks at the token just before."""
NOTED = 1.0
"""Size of the note of that token beside a token's own embedding."""
RECOGNISE = 3.2
"""Scale of queries and keys where a token is compared with the notes."""
CONTINUE = 10.0
"""Size of the copied token beside an embedding."""


@torch.no_grad()
def draft_matching(model: LlamaForCausalLM, yes_id: int, no_id: int, marks: list[int]) -> None:
    """Writes the draft into embeddings and the first two layers of a freshly initialised model.

    `marks`: tokens of the table's frame (comma, bar, line break), which say nothing about likeness.
    Raises ValueError if the drafted heads together are wider than the model.
    """
    drafted = model.config.num_attention_heads - QUOTING
    if drafted * model.config.head_dim > model.config.hidden_size:
        raise ValueError(
            f"the drafted start needs (heads - {QUOTING}) * head_dim <= hidden, got {drafted} * {model.config.head_dim}"
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
    first, second = (model.model.layers[i].self_attn for i in (0, 1))
    # The notes of the quoting head lie in directions of their own, which the comparing heads do not read.
    note = _apart(torch.linalg.qr(torch.randn(width, len(_slow(second))))[0].T, frame)
    _compare(second, here, label, verdict, torch.cat([frame, torch.linalg.qr(note.T)[0].T]))
    _quote(first, second, here, length, frame, note)


def _gather(attention, here: torch.Tensor, length: torch.Tensor, frame: torch.Tensor) -> None:
    size, width = attention.head_dim, len(here)
    basis = torch.linalg.qr(torch.randn(width, width))[0]
    # The normalised input has norm sqrt(width), half of its square along `here`.
    angle = (NEAR * size**0.5 * 2 / width) ** 0.5
    scale = (GATHER * float(length) * (2 / width) ** 0.5) ** 0.5
    heads = attention.q_proj.weight.shape[0] // size
    for head in range(heads - QUOTING):
        rows = slice(head * size, (head + 1) * size)
        for weight in (attention.q_proj.weight, attention.k_proj.weight):
            weight[rows] = 0.0
            for pair in range(*PAIRS):
                weight[head * size + pair] = angle * here
        read = basis[:, rows].T
        read = _apart(read, frame)
        attention.v_proj.weight[rows] = scale * read
        attention.o_proj.weight[:, rows] = scale * read.T


def _compare(attention, here: torch.Tensor, label: torch.Tensor, verdict: torch.Tensor, frame: torch.Tensor) -> None:
    size, width = attention.head_dim, len(here)
    heads = attention.q_proj.weight.shape[0] // size
    slow = _slow(attention)
    for head in range(heads - QUOTING):
        first = head * size
        read = torch.linalg.qr(torch.randn(width, len(slow)))[0].T
        read = _apart(read, frame)
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


def _quote(first, second, here: torch.Tensor, length: torch.Tensor, frame: torch.Tensor, note: torch.Tensor) -> None:
    size, width = first.head_dim, len(here)
    half, begin = size // 2, first.q_proj.weight.shape[0] - size
    rows = slice(begin, begin + size)
    for attention in (first, second):
        for weight in (attention.q_proj.weight, attention.k_proj.weight):
            weight[rows] = 0.0
    read, tell = (_apart(torch.linalg.qr(torch.randn(width, n))[0].T, frame) for n in (len(note), size))
    turns = _turns(first, size)
    angle = (BEFORE * size**0.5 * 2 / width) ** 0.5
    for pair in range(PAIRS[1]):
        turn = torch.tensor(turns[pair])
        # A key at distance d meets this query at an angle of (d - 1) turns.
        first.q_proj.weight[begin + pair] = angle * turn.cos() * here
        first.q_proj.weight[begin + half + pair] = -angle * turn.sin() * here
        first.k_proj.weight[begin + pair] = angle * here
    unit = float(length) * (2 / width) ** 0.5
    first.v_proj.weight[rows][len(note) :] = 0.0
    first.v_proj.weight[rows][: len(note)] = (NOTED * unit) ** 0.5 * read
    first.o_proj.weight[:, rows] = 0.0
    first.o_proj.weight[:, begin : begin + len(note)] = (NOTED * unit) ** 0.5 * note.T
    at = [begin + place for place in _slow(second)]
    second.q_proj.weight[at] = RECOGNISE * read
    second.k_proj.weight[at] = RECOGNISE * note
    second.v_proj.weight[rows] = (CONTINUE * unit) ** 0.5 * tell
    second.o_proj.weight[:, rows] = (CONTINUE * unit) ** 0.5 * tell.T


def _apart(rows: torch.Tensor, frame: torch.Tensor) -> torch.Tensor:
    """Rows (k, width) less what they have in the directions of `frame` (m, width), which is orthonormal."""
    return rows - (rows @ frame.T) @ frame


def _slow(attention) -> list[int]:
    """Places of a head whose rotary pair turns too slowly to tell distances up to REACH."""
    size = attention.head_dim
    turns = _turns(attention, size)
    slow = [p for p in range(size // 2) if turns[p] * REACH < 0.7]
    return [*slow, *(size // 2 + p for p in slow)]


def _turns(attention, size: int) -> list[float]:
    """Rotary angle per token of each pair of a head."""
    theta = attention.config.rope_parameters["rope_theta"]
    return [theta ** (-2 * p / size) for p in range(size // 2)]
