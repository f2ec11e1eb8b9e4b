"""Greedy continuation of many prompts at once, each row with its own experts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from thinkrec.errors import DataError
from thinkrec.model.batch import Batch
from thinkrec.model.copying import Constraint

if TYPE_CHECKING:
    from thinkrec.model.recommender import Recommender


def continue_greedily(
    recommender: Recommender,
    batch: Batch,
    max_new_tokens: int,
    first_tokens: Sequence[int] | None = None,
    constraints: Sequence[Constraint | None] | None = None,
) -> list[np.ndarray]:
    """Most likely next token, again and again, until a row gives the end token or `max_new_tokens` are there.

    `first_tokens`: one id per row that takes the place of the first choice (a verdict already decided by the score);
    it counts as generated. `constraints`: one per row or None; it is asked before every other choice and narrows it.
    Returns int32 ids per row without the prompt; the end token is the last one exactly if the
    row ended by itself. Call it in evaluation mode without gradients (`Recommender.inference`).
    """
    if first_tokens is not None and len(first_tokens) != len(batch):
        raise DataError(f"{len(first_tokens)} first tokens for {len(batch)} prompts; give one each")
    if constraints is not None and len(constraints) != len(batch):
        raise DataError(f"{len(constraints)} constraints for {len(batch)} prompts; give one each, or None for a row")
    rows = torch.arange(len(batch), device=batch.ids.device)
    out: list[list[int]] = [[] for _ in range(len(batch))]
    if max_new_tokens < 1:
        return [np.array(ids, dtype=np.int32) for ids in out]
    eos, embed = recommender.backbone.eos_id, recommender.model.get_input_embeddings()
    weights = recommender.weights(batch)
    embeds, mask = _to_the_right(recommender.embed(batch), batch.lengths)
    place = (mask.cumsum(1) - 1).clamp_min(0)
    cache = None
    for step in range(max_new_tokens):
        with recommender.experts.routing.use(weights):
            state = recommender.decoder(
                inputs_embeds=embeds, attention_mask=mask, position_ids=place, past_key_values=cache, use_cache=True
            )
        cache = state.past_key_values
        if step == 0 and first_tokens is not None:
            token = torch.tensor(list(first_tokens), device=rows.device)
        else:
            logits = recommender.next_logits(state.last_hidden_state[:, -1])
            token = (logits if constraints is None else _narrowed(logits, rows.tolist(), out, constraints, eos)).argmax(
                -1
            )
        for row, chosen in zip(rows.tolist(), token.tolist(), strict=True):
            if not out[row] or out[row][-1] != eos:
                out[row].append(chosen)
        alive = torch.tensor([out[row][-1] != eos for row in rows.tolist()], device=rows.device)
        if not alive.any():
            break
        place = place[:, -1:] + 1
        mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
        # Finished rows ride along until they are half the batch: dropping them copies the whole cache.
        if 2 * int(alive.sum()) <= len(rows):
            keep = alive.nonzero()[:, 0]
            cache.batch_select_indices(keep)
            rows, token, place, mask = rows[keep], token[keep], place[keep], mask[keep]
            weights = None if weights is None else weights[keep]
        embeds = embed(token)[:, None]
    return [np.array(ids, dtype=np.int32) for ids in out]


def _narrowed(
    logits: torch.Tensor, rows: list[int], out: list[list[int]], constraints: Sequence[Constraint | None], eos: int
) -> torch.Tensor:
    """Logits (b, V) with everything that a row's constraint forbids at minus infinity; finished rows are not asked."""
    kept = logits.clone()
    for place, row in enumerate(rows):
        constraint = constraints[row]
        if constraint is None or (out[row] and out[row][-1] == eos):
            continue
        allowed = constraint.allowed(out[row])
        if allowed is not None:
            chosen = torch.from_numpy(allowed).to(logits.device)
            kept[place] = float("-inf")
            kept[place, chosen] = logits[place, chosen]
    return kept


def _to_the_right(embeds: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Move right-padded rows (b, t, h) against the right edge; also the attention mask int64 (b, t)."""
    t = embeds.shape[1]
    source = torch.arange(t, device=embeds.device)[None] - (t - lengths)[:, None]
    moved = embeds.gather(1, source.clamp_min(0)[..., None].expand_as(embeds))
    return moved, (source >= 0).long()
