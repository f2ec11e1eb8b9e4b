"""Reading prompts before they are continued: what all of them begin with is read once, as in ranking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from transformers import DynamicCache

from thinkrec.engine.batch import collate
from thinkrec.engine.hooks import CannotPack, taking
from thinkrec.engine.layout import Layout
from thinkrec.engine.packing import pack
from thinkrec.prompts.shared_prefix import common, parted
from thinkrec.prompts.types import Prompt

if TYPE_CHECKING:
    from transformers.cache_utils import Cache

    from thinkrec.engine.recommender import Recommender

LEAST = 32
"""Prompts that begin with fewer tokens in common are read one beside the other."""


@dataclass(eq=False)
class Begun:
    """Prompts that have been read, right-aligned as generation goes on behind them."""

    last: torch.Tensor
    """(b, width): the state behind each prompt's last token."""
    cache: Cache
    """Keys and values of all prompts, t places."""
    mask: torch.Tensor
    """int64 (b, t): 1 where a place holds a token of the prompt."""
    lengths: torch.Tensor
    """int64 (b,)."""
    weights: torch.Tensor | None
    """(b, 1 + n) adapter weights; None for the global adapter."""


def read(recommender: Recommender, prompts: Sequence[Prompt]) -> Begun:
    """Read prompts; call it in evaluation mode without gradients."""
    n = common(prompts)
    if len(prompts) > 1 and n >= LEAST and recommender.packs:
        try:
            return _forked(recommender, prompts, n)
        except CannotPack:
            pass
    batch = collate(prompts, recommender.backbone.pad_id).to(recommender.device)
    embeds, mask = _to_the_right(recommender.embed(batch), batch.lengths)
    weights = recommender.weights(batch)
    place = (mask.cumsum(1) - 1).clamp_min(0)
    with recommender.experts.routing.use(weights):
        state = recommender.decoder(inputs_embeds=embeds, attention_mask=mask, position_ids=place, use_cache=True)
    return Begun(state.last_hidden_state[:, -1], state.past_key_values, mask, batch.lengths, weights)


def _forked(recommender: Recommender, prompts: Sequence[Prompt], n: int) -> Begun:
    """Their first n tokens are the trunk of a fork."""
    batch = pack([parted(prompts, n)]).to(recommender.device)
    assert batch.layout is not None
    with taking() as taken:
        states = recommender.hidden(batch)[0]
    at, mask = _aligned(batch.layout, n)
    cache = DynamicCache(config=recommender.model.config)
    for layer, parts in enumerate(taken):
        key, value = (part[0][:, at].transpose(0, 1) for part in parts)
        cache.update(key, value, layer)
    weights = recommender.weights(batch)
    last = states[batch.layout.limits[:, 1] - 1]
    return Begun(last, cache, mask, mask.sum(1), None if weights is None else weights.expand(len(prompts), -1))


def _aligned(layout: Layout, trunk: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Where in a row of one fork each place of its right-aligned prompts is found, int64 (b, t), and the mask."""
    begin, end = layout.limits[:, :1], layout.limits[:, 1:]
    length = trunk + end - begin
    t = int(length.max())
    inside = torch.arange(t, device=begin.device)[None] - (t - length)
    at = torch.where(inside < trunk, inside, begin + inside - trunk)
    return at.clamp_min(0), (inside >= 0).long()


def _to_the_right(embeds: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Move right-padded rows (b, t, h) against the right edge; also the attention mask int64 (b, t)."""
    t = embeds.shape[1]
    source = torch.arange(t, device=embeds.device)[None] - (t - lengths)[:, None]
    moved = embeds.gather(1, source.clamp_min(0)[..., None].expand_as(embeds))
    return moved, (source >= 0).long()
