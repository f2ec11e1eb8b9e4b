"""The last decoder layer, computed in full only where somebody reads its result.

Of the last layer every token's keys and values are needed, but queries, attention, and all that follows only at the
places that are read: the answers. So the layer runs twice: up to its attention for all tokens, and whole for the few.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import nn

from thinkrec.engine.batch import Batch
from thinkrec.engine.hooks import HOOK_STATE, KeyValuesCapturedError, PruningState, UnsupportedAttentionError
from thinkrec.engine.layout import compute_padded_index
from thinkrec.model.adapters import find_decoder_layers
from thinkrec.model.lora import Routing

_MAX_SELECTED_SHARE = 0.7
"""Reading more than this share of a batch's places is no cheaper than all of them."""


class PositionSelection(NamedTuple):
    """Places of a batch that somebody reads, and where the states of each are found."""

    positions: torch.Tensor
    """int64 (b, s): positions in the rows."""
    output_index: torch.Tensor
    """int64 (m,): where in the flattened result each place went."""
    is_suffix_ends: bool = False
    """Whether they are the last tokens of all suffixes of a packed row, in order."""


def select_positions(batch: Batch, at: torch.Tensor) -> PositionSelection | None:
    """The index pairs `at` (m, 2) of a batch side by side.

    None where that would be most of the batch, or of a row with prefixes anything but the last tokens of its suffixes.
    """
    if batch.layout is not None:
        everything = torch.arange(len(at), device=at.device)
        if torch.equal(at[:, 1], batch.layout.suffix_bounds[:, 1] - 1):
            return PositionSelection(at[:, 1][None], everything, is_suffix_ends=True)
        few = 0 < len(at) <= _MAX_SELECTED_SHARE * batch.ids.shape[1]
        return PositionSelection(at[:, 1][None], everything) if few and batch.layout.has_only_suffixes else None
    (rows, width), row = batch.ids.shape, at[:, 0]
    s, where = compute_padded_index(row, rows)
    if s == 0 or s > _MAX_SELECTED_SHARE * width:
        return None
    place = torch.zeros(rows * s, dtype=torch.long, device=row.device)
    place[where] = at[:, 1]
    return PositionSelection(place.view(rows, s), where)


@contextmanager
def prune_last_layer(places: PositionSelection) -> Iterator[None]:
    """Decoders give only the last hidden states at `places`, (b, s, width), until the block ends.

    For decoders whose last layer has had `install_last_layer_hooks`.
    """
    before, HOOK_STATE.pruning = HOOK_STATE.pruning, PruningState(places.positions, places.is_suffix_ends)
    try:
        yield
    finally:
        HOOK_STATE.pruning = before


def install_last_layer_hooks(model: nn.Module, routing: Routing) -> None:
    """Put the two hooks on a model's last decoder layer that make `prune_last_layer` work. At rest they do nothing."""
    last = find_decoder_layers(model)[1][-1]

    def narrow(module: nn.Module, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any]] | None:
        now = HOOK_STATE.pruning
        if now is None or now.is_capturing or now.key_values is not None:
            return None
        length = (args[0] if args else kwargs["hidden_states"]).shape[1]
        now.is_capturing = True
        try:
            # Not the call but its inside: hooks, these among them, are for the real one.
            module.forward(*args, **kwargs)
        except KeyValuesCapturedError as captured:
            now.key_values = captured.args[0], captured.args[1]
        else:
            raise UnsupportedAttentionError("attention of another kind")
        finally:
            now.is_capturing = False
        pick = _make_position_gather(now.positions, length)
        if routing.weights is not None and routing.weights.ndim == 3:
            routing.weights = pick(routing.weights)
        return tuple(pick(arg) for arg in args), {name: pick(value) for name, value in kwargs.items()}

    last.register_forward_pre_hook(narrow, with_kwargs=True)


def _make_position_gather(place: torch.Tensor, length: int):
    """Takes the places out of what runs along the tokens: (b or 1, length, ...) tensors, alone or in a tuple."""

    def pick(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(pick(part) for part in value)
        if not isinstance(value, torch.Tensor) or value.ndim not in (2, 3) or value.shape[1] != length:
            return value
        rows = value.expand(len(place), *value.shape[1:])
        index = place if value.ndim == 2 else place[..., None].expand(-1, -1, value.shape[2])
        return rows.gather(1, index)

    return pick
