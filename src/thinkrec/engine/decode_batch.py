"""Prompts that are continued side by side: what has been read is cached, and every row goes on at its own pace."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from thinkrec.engine.prefill import PrefillState
from thinkrec.engine.recommender import Recommender


class DecodeBatch:
    """The rows of a batch behind what they have read so far; use it without gradients."""

    def __init__(self, recommender: Recommender, begun: PrefillState) -> None:
        """Behind prompts that have been read (`engine.prefill.prefill_prompts`)."""
        self._recommender, self._cache = recommender, begun.cache
        self.last_hidden = begun.last_hidden
        """(b, width): the state behind the last token that each row has read."""
        self.mask = begun.attention_mask
        """int64 (b, t): 1 where a cached place is seen; a row's entries may be set to 0 to take tokens back."""
        self._lengths, self._weights = begun.lengths, begun.routing_weights

    def repeat_rows(self, copies: int) -> None:
        """Have each row `copies` times, one beside the other."""
        self._cache.batch_repeat_interleave(copies)
        self.last_hidden = self.last_hidden.repeat_interleave(copies, dim=0)
        self.mask = self.mask.repeat_interleave(copies, dim=0)
        self._lengths = self._lengths.repeat_interleave(copies)
        if self._weights is not None:
            self._weights = self._weights.repeat_interleave(copies, dim=0)

    def select_rows(self, rows: Sequence[int]) -> None:
        """Go on with some of the rows alone; it copies the cache."""
        index = torch.tensor(rows, dtype=torch.long, device=self.mask.device)
        self._cache.batch_select_indices(index)
        self.last_hidden, self.mask = self.last_hidden[index], self.mask[index]
        self._lengths = self._lengths[index]
        self._weights = None if self._weights is None else self._weights[index]

    def add_places(self, n: int = 1) -> None:
        """Make room in the mask for n more tokens of each row, all seen; to be called before `read_tokens`."""
        self.mask = torch.cat([self.mask, self.mask.new_ones(len(self.mask), n)], dim=1)

    def read_tokens(self, tokens: Sequence[Sequence[int]], places: Sequence[int]) -> None:
        """Read one or more tokens of every row, for which `add_places` has made room.

        `tokens`: per row as many as were made room for, or fewer: what is missing is masked. `places`: of each row's
        first one, counted from the end of its prompt.
        """
        device, width = self.mask.device, max(map(len, tokens))
        counts = torch.tensor([len(row) for row in tokens], device=device)
        ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in tokens], dtype=torch.long, device=device)
        if width > 1:
            self.mask[:, -width:] *= torch.arange(width, device=device) < counts[:, None]
        first = self._lengths + torch.tensor(places, device=device)
        embed = self._recommender.model.get_input_embeddings()
        with self._recommender.adapters.routing.use_weights(self._weights):
            hidden = self._recommender.decoder(
                inputs_embeds=embed(ids),
                attention_mask=self.mask,
                position_ids=first[:, None] + torch.arange(width, device=device),
                past_key_values=self._cache,
                use_cache=True,
            ).last_hidden_state
        self.last_hidden = hidden[torch.arange(len(counts), device=device), counts - 1]
