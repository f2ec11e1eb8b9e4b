"""Reading prompts before they are continued: what all of them begin with is read once, as in ranking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers.cache_utils import Cache

from thinkrec.engine.batch import collate_prompts
from thinkrec.engine.hooks import UnsupportedAttentionError, capture_key_values
from thinkrec.engine.kv_cache import make_kv_cache
from thinkrec.engine.layout import PackedLayout
from thinkrec.engine.packing import pack_shared_prefix
from thinkrec.engine.recommender import Recommender
from thinkrec.prompts.shared_prefix import count_common_prefix, split_shared_prefix
from thinkrec.prompts.types import Prompt

MIN_SHARED_TOKENS = 32
"""Prompts that begin with fewer tokens in common are read one beside the other."""


@dataclass(eq=False)
class PrefillState:
    """Prompts that have been read, right-aligned as generation goes on behind them."""

    last_hidden: torch.Tensor
    """(b, width): the state behind each prompt's last token."""
    cache: Cache
    """Keys and values of all prompts, t places."""
    attention_mask: torch.Tensor
    """int64 (b, t): 1 where a place holds a token of the prompt."""
    lengths: torch.Tensor
    """int64 (b,)."""
    routing_weights: torch.Tensor | None
    """(b, 1 + n) adapter weights; None for the global adapter."""


def prefill_prompts(recommender: Recommender, prompts: Sequence[Prompt]) -> PrefillState:
    """Read prompts; call it in evaluation mode without gradients."""
    n = count_common_prefix(prompts)
    if len(prompts) > 1 and n >= MIN_SHARED_TOKENS and recommender.capabilities.shared_prefix:
        try:
            return _prefill_shared_prefix(recommender, prompts, n)
        except UnsupportedAttentionError:
            pass
    batch = collate_prompts(prompts, recommender.backbone.pad_id).to(recommender.device)
    embeds, mask = _align_rows_right(recommender.embed(batch), batch.lengths)
    weights = recommender.compute_routing_weights(batch)
    place = (mask.cumsum(1) - 1).clamp_min(0)
    # A model that mixes attention with something else knows best what it keeps.
    cache = make_kv_cache(recommender.model.config) if recommender.capabilities.shared_prefix else None
    with recommender.adapters.routing.use_weights(weights):
        state = recommender.decoder(
            inputs_embeds=embeds,
            attention_mask=mask,
            position_ids=place,
            past_key_values=cache,
            use_cache=True,
        )
    return PrefillState(state.last_hidden_state[:, -1], state.past_key_values, mask, batch.lengths, weights)


def _prefill_shared_prefix(recommender: Recommender, prompts: Sequence[Prompt], n: int) -> PrefillState:
    """Their first n tokens are computed once, as a shared prefix."""
    batch = pack_shared_prefix([split_shared_prefix(prompts, n)]).to(recommender.device)
    assert batch.layout is not None
    with capture_key_values() as taken:
        states = recommender.compute_hidden(batch)[0]
    at, mask = _compute_aligned_index(batch.layout, n)
    cache = make_kv_cache(recommender.model.config)
    for layer, parts in enumerate(taken):
        key, value = (part[0][:, at].transpose(0, 1) for part in parts)
        cache.update(key, value, layer)
    weights = recommender.compute_routing_weights(batch)
    last = states[batch.layout.suffix_bounds[:, 1] - 1]
    return PrefillState(last, cache, mask, mask.sum(1), None if weights is None else weights.expand(len(prompts), -1))


def _compute_aligned_index(layout: PackedLayout, prefix: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Where in a row of one prefix each place of its right-aligned prompts is found, int64 (b, t), and the mask."""
    begin, end = layout.suffix_bounds[:, :1], layout.suffix_bounds[:, 1:]
    length = prefix + end - begin
    t = int(length.max())
    inside = torch.arange(t, device=begin.device)[None] - (t - length)
    at = torch.where(inside < prefix, inside, begin + inside - prefix)
    return at.clamp_min(0), (inside >= 0).long()


def _align_rows_right(embeds: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Move right-padded rows (b, t, h) against the right edge; also the attention mask int64 (b, t)."""
    t = embeds.shape[1]
    source = torch.arange(t, device=embeds.device)[None] - (t - lengths)[:, None]
    moved = embeds.gather(1, source.clamp_min(0)[..., None].expand_as(embeds))
    return moved, (source >= 0).long()
