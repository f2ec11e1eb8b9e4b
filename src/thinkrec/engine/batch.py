"""A rendered prompt as one value, and how prompts become padded batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch

from thinkrec.engine.layout import PackedLayout
from thinkrec.errors import DataError
from thinkrec.prompts.types import Prompt

_BUCKET = 16
"""Lengths this close may share a batch when the order is shuffled, so that batches differ between epochs."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Prompts side by side, padded on the right. Index pairs are (row, position)."""

    ids: torch.Tensor
    """int64 (b, t)."""
    lengths: torch.Tensor
    """int64 (b,): tokens of each row before padding."""
    placeholder_at: torch.Tensor
    """int64 (m, 2)."""
    placeholder_vectors: torch.Tensor
    """float32 (m, d); d is 0 if no row has a slot."""
    answer_at: torch.Tensor
    """int64 (q, 2), in row order, within a row in the prompt's order."""
    answer_label: torch.Tensor
    """float32 (q,)."""
    answer_weight: torch.Tensor
    """float32 (q,)."""
    token_at: torch.Tensor
    """int64 (p, 2)."""
    token_target: torch.Tensor
    """int64 (p,)."""
    token_weight: torch.Tensor
    """float32 (p,)."""
    gate: torch.Tensor
    """float32 (b, 1 + n); of a packed batch (owners, 1 + n)."""
    layout: PackedLayout | None = None
    """Of a packed batch (one row, see `thinkrec.engine.packing.pack_shared_prefix`): which tokens belong together."""
    position_ids: torch.Tensor | None = None
    """Of a packed batch, int64 (t,): where in its own prompt each token stands."""
    gate_index: torch.Tensor | None = None
    """Of a packed batch, int64 (t,): whose gate each token has."""

    def __len__(self) -> int:
        """Rows, padded or packed."""
        return self.ids.shape[0]

    def find_last_answers(self) -> torch.Tensor:
        """int64 (b,): which of the q answers is each row's last one, the target's; of a packed batch each suffix's.

        Every row or suffix must have an answer.
        """
        row = self.answer_at[:, 0] if self.layout is None else self.layout.find_suffix_index(self.answer_at[:, 1])
        return torch.cat([row[1:] != row[:-1], row.new_ones(min(1, len(row))).bool()]).nonzero()[:, 0]

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on another device."""
        held = ((f.name, getattr(self, f.name)) for f in fields(self))
        return replace(self, **{name: value.to(device) for name, value in held if value is not None})


def collate_prompts(prompts: Sequence[Prompt], pad_id: int) -> Batch:
    """Pad prompts on the right into one `Batch`.

    Raises DataError, naming the prompt's place in `prompts`, where a position lies outside the prompt, lists that
    belong together differ in length, or prompts disagree about the number of experts or the vectors' dimension.
    """
    if not prompts:
        raise DataError("collate got no prompts; a batch needs at least one")
    for i, prompt in enumerate(prompts):
        _check_prompt(prompt, prompts[0], i)
    lengths = np.array([len(p) for p in prompts], dtype=np.int64)
    ids = np.full((len(prompts), int(lengths.max())), pad_id, dtype=np.int64)
    for i, prompt in enumerate(prompts):
        ids[i, : len(prompt)] = prompt.ids
    vectors = [p.placeholder_vectors for p in prompts if len(p.placeholder_at)]
    if len({v.shape[1] for v in vectors}) > 1:
        raise DataError(f"slot vectors of different dimensions in one batch: {sorted({v.shape[1] for v in vectors})}")
    return Batch(
        ids=torch.from_numpy(ids),
        lengths=torch.from_numpy(lengths),
        placeholder_at=_build_index_pairs([p.placeholder_at for p in prompts]),
        placeholder_vectors=_concat_arrays(vectors, np.float32) if vectors else torch.zeros(0, 0),
        answer_at=_build_index_pairs([p.answer_at for p in prompts]),
        answer_label=_concat_arrays([p.answer_label for p in prompts], np.float32),
        answer_weight=_concat_arrays([p.answer_weight for p in prompts], np.float32),
        token_at=_build_index_pairs([p.token_at for p in prompts]),
        token_target=_concat_arrays([p.token_target for p in prompts], np.int64),
        token_weight=_concat_arrays([p.token_weight for p in prompts], np.float32),
        gate=torch.from_numpy(np.stack([p.gate for p in prompts]).astype(np.float32)),
    )


def split_by_token_budget(lengths: np.ndarray, budget: int, shuffle_seed: int | None = None) -> list[np.ndarray]:
    """Cut prompts into batches of similar length whose padded size (rows x longest row) is at most `budget` tokens.

    `lengths`: int (n,). Returns int64 index arrays that together hold 0..n-1 once each. Without a seed the order is by
    length, shortest first; with one, both the rows that share a batch and the order of batches are drawn from it.
    A prompt longer than the budget gets a batch of its own.
    """
    if budget < 1:
        raise DataError(f"a token budget must be at least 1, got {budget}")
    lengths = np.asarray(lengths, dtype=np.int64)
    if shuffle_seed is None:
        return _split_ordered_rows(np.argsort(lengths, kind="stable"), lengths, budget)
    rng = np.random.default_rng(shuffle_seed)
    mixed = rng.permutation(len(lengths))
    batches = _split_ordered_rows(mixed[np.argsort(lengths[mixed] // _BUCKET, kind="stable")], lengths, budget)
    return [batches[i] for i in rng.permutation(len(batches))]


def _split_ordered_rows(order: np.ndarray, lengths: np.ndarray, budget: int) -> list[np.ndarray]:
    batches, first, longest = [], 0, 0
    for i, index in enumerate(order):
        longest = max(longest, int(lengths[index]))
        if i > first and longest * (i - first + 1) > budget:
            batches.append(order[first:i])
            first, longest = i, int(lengths[index])
    if first < len(order):
        batches.append(order[first:])
    return batches


def _build_index_pairs(positions: list[np.ndarray]) -> torch.Tensor:
    rows = np.repeat(np.arange(len(positions)), [len(p) for p in positions])
    return torch.from_numpy(np.stack([rows, np.concatenate(positions)], axis=1).astype(np.int64))


def _concat_arrays(arrays: list[np.ndarray], dtype: type) -> torch.Tensor:
    return torch.from_numpy(np.concatenate(arrays).astype(dtype))


def _check_prompt(prompt: Prompt, first: Prompt, i: int) -> None:
    if not len(prompt):
        raise DataError(f"prompt {i} of the batch has no tokens; render at least one")
    for name in ("placeholder_at", "answer_at", "token_at"):
        at = getattr(prompt, name)
        if len(at) and (at.min() < 0 or at.max() >= len(prompt)):
            raise DataError(
                f"prompt {i} of the batch: {name} holds a position outside its {len(prompt)} tokens; "
                "positions count from 0 within the unpadded prompt"
            )
    same = {
        "placeholder_at": ("placeholder_vectors",),
        "answer_at": ("answer_label", "answer_weight"),
        "token_at": ("token_target", "token_weight"),
    }
    for name, others in same.items():
        for other in others:
            if len(getattr(prompt, name)) != len(getattr(prompt, other)):
                raise DataError(
                    f"prompt {i} of the batch: {name} has {len(getattr(prompt, name))} entries, {other} has "
                    f"{len(getattr(prompt, other))}; they must be equally long"
                )
    if prompt.gate.shape != first.gate.shape:
        raise DataError(
            f"prompt {i} of the batch has {len(prompt.gate)} gate weights, prompt 0 has {len(first.gate)}; "
            "use one number of experts for all rows"
        )
