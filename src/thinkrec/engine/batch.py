"""How prompts become padded batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from thinkrec.engine.layout import PackedLayout
from thinkrec.errors import DataError
from thinkrec.prompts.fields import PromptField
from thinkrec.prompts.shared_prefix import list_value_fields
from thinkrec.prompts.types import PROMPT_FIELDS, Prompt

_BUCKET = 16
"""Lengths this close may share a batch when the order is shuffled, so that batches differ between epochs."""

_POSITION_FIELDS = {name: list_value_fields(name) for name, spec in PROMPT_FIELDS.items() if spec.kind == "position"}
_NO_PAIRS = torch.zeros(0, 2, dtype=torch.int64)
_PER_PROMPT_FIELDS = [name for name, spec in PROMPT_FIELDS.items() if spec.kind == "per_prompt"]


class Batch:
    """Prompts side by side, padded on the right; every field of `Prompt` under its own name.

    Of a position field int64 (m, 2), pairs of (row, position), in row order, within a row in the prompt's order; of a
    value field (m,), in the same order; of a field of the whole prompt (b, ...).
    """

    ids: torch.Tensor
    """int64 (b, t)."""
    lengths: torch.Tensor
    """int64 (b,): tokens of each row before padding."""
    placeholder_at: torch.Tensor
    """int64 (m, 2)."""
    placeholder_vectors: torch.Tensor
    """float32 (m, d); d is 0 if no row has a slot."""
    answer_at: torch.Tensor
    """int64 (q, 2)."""
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
    soft_at: torch.Tensor
    """int64 (s, 2)."""
    soft_index: torch.Tensor
    """int64 (s,)."""
    layout: PackedLayout | None = None
    """Of a packed batch (one row, see `thinkrec.engine.packing.pack_shared_prefix`): which tokens belong together."""
    position_ids: torch.Tensor | None = None
    """Of a packed batch, int64 (t,): where in its own prompt each token stands."""
    gate_index: torch.Tensor | None = None
    """Of a packed batch, int64 (t,): whose gate each token has."""

    def __init__(self, **values: Any) -> None:
        """Tensors by name, and the layout of a packed batch. They are not changed afterwards; see `replace`."""
        self.__dict__.update(values)

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
        return self.replace(**{name: value.to(device) for name, value in vars(self).items() if value is not None})

    def replace(self, **values: Any) -> Batch:
        """A copy with other values."""
        return Batch(**{**vars(self), **values})


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
    tensors = {
        name: _collate_field(spec, [getattr(prompt, name) for prompt in prompts], pad_id)
        for name, spec in PROMPT_FIELDS.items()
    }
    return Batch(lengths=torch.from_numpy(lengths), **tensors)


def _collate_field(spec: PromptField, arrays: list[np.ndarray], pad_id: int) -> torch.Tensor:
    """One field of all prompts, in the batch's type."""
    if spec.kind == "tokens":
        return _pad_rows(arrays, pad_id)
    if spec.is_optional and not any(map(len, arrays)):
        return _NO_PAIRS if spec.kind == "position" else torch.from_numpy(spec.make_empty().astype(spec.batch_dtype))
    if spec.kind == "position":
        return _build_index_pairs(arrays)
    if spec.kind == "per_prompt":
        return torch.from_numpy(np.stack(arrays).astype(spec.batch_dtype))
    if spec.ndim > 1:
        arrays = [values for values in arrays if len(values)]
        sizes = {values.shape[1] for values in arrays}
        if len(sizes) > 1:
            raise DataError(f"slot vectors of different dimensions in one batch: {sorted(sizes)}")
        if not arrays:
            return torch.from_numpy(spec.make_empty().astype(spec.batch_dtype))
    return torch.from_numpy(np.concatenate(arrays).astype(spec.batch_dtype))


def _pad_rows(arrays: list[np.ndarray], pad_id: int) -> torch.Tensor:
    """int64 (b, t): rows of token ids, padded on the right."""
    ids = np.full((len(arrays), max(map(len, arrays))), pad_id, dtype=np.int64)
    for row, values in zip(ids, arrays, strict=True):
        row[: len(values)] = values
    return torch.from_numpy(ids)


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


def _check_prompt(prompt: Prompt, first: Prompt, i: int) -> None:
    if not len(prompt):
        raise DataError(f"prompt {i} of the batch has no tokens; render at least one")
    for name, value_fields in _POSITION_FIELDS.items():
        at = getattr(prompt, name)
        if len(at) and (at.min() < 0 or at.max() >= len(prompt)):
            raise DataError(
                f"prompt {i} of the batch: {name} holds a position outside its {len(prompt)} tokens; "
                "positions count from 0 within the unpadded prompt"
            )
        for other in value_fields:
            if (n := len(getattr(prompt, other))) != len(at):
                raise DataError(
                    f"prompt {i} of the batch: {name} has {len(at)} entries, {other} has {n}; they must be equally long"
                )
    for name in _PER_PROMPT_FIELDS:
        values, wanted = getattr(prompt, name), getattr(first, name)
        if values.shape != wanted.shape:
            raise DataError(
                f"prompt {i} of the batch has {len(values)} {name} weights, prompt 0 has {len(wanted)}; "
                "use one number of experts for all rows"
            )
