"""Next tokens by what one prompt says and another does not: contrastive decoding of two prompts by one model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from thinkrec.engine.decode_batch import DecodeBatch
from thinkrec.engine.prefill import prefill_prompts
from thinkrec.engine.recommender import Recommender
from thinkrec.prompts.types import Prompt

IMPLAUSIBLE = 1000.0
"""Nats that are taken from the log probability of an implausible token: it then ranks behind every plausible one, and
among its like as before, so that a rule that allows none of the plausible ones still has a best token."""


@dataclass(frozen=True)
class PromptContrast:
    """Other prompts, whose continuation is argued against."""

    prompts: Sequence[Prompt]
    """One for each prompt that is continued."""
    weight: float
    """a in (1 + a) ln p(token | prompt) - a ln p(token | other prompt)."""
    min_p: float
    """A token is plausible if it is at least so likely behind the prompt, as a share of the most likely one's
    probability."""

    def combine_logits(self, logits: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """What takes the place of `logits`, float (b, V), where the other prompts give `other`; float (b, V).

        The difference is that of context-aware decoding (Shi et al., 2023, arXiv 2305.14739), the limit to plausible
        tokens that of contrastive decoding (Li et al., 2022, arXiv 2210.15097).
        """
        plain = logits.float().log_softmax(-1)
        combined = (1 + self.weight) * plain - self.weight * other.float().log_softmax(-1)
        least = plain.amax(-1, keepdim=True) + torch.tensor(self.min_p, device=plain.device).log()
        return torch.where(plain >= least, combined, plain - IMPLAUSIBLE)


class ContrastBatch:
    """Prompts that are continued side by side, and beside each, where there is a contrast, its other prompt."""

    def __init__(self, recommender: Recommender, prompts: Sequence[Prompt], contrast: PromptContrast | None) -> None:
        """Reads all prompts; those of each kind apart, since mostly only those begin alike."""
        self._recommender, self._contrast = recommender, contrast
        kinds = [prompts] if contrast is None else [prompts, contrast.prompts]
        self._batches = [DecodeBatch(recommender, prefill_prompts(recommender, kind)) for kind in kinds]

    def compute_logits(self, known: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Float (b, known), by which the next tokens are chosen; with a contrast also those of the prompts alone."""
        plain, *other = (
            self._recommender.compute_next_token_logits(batch.last_hidden)[:, :known] for batch in self._batches
        )
        return (plain, None) if self._contrast is None else (self._contrast.combine_logits(plain, *other), plain)

    def list_masks(self, row: int) -> list[torch.Tensor]:
        """Int64 (t,) each: the entries of a row in the masks, see `DecodeBatch.mask`."""
        return [batch.mask[row] for batch in self._batches]

    def add_places(self) -> None:
        """As `DecodeBatch.add_places`, for one token."""
        for batch in self._batches:
            batch.add_places()

    def select_rows(self, rows: Sequence[int]) -> None:
        """As `DecodeBatch.select_rows`."""
        for batch in self._batches:
            batch.select_rows(rows)

    def read_tokens(self, tokens: Sequence[Sequence[int]], places: Sequence[int]) -> None:
        """As `DecodeBatch.read_tokens`: the same tokens behind both prompts of a row."""
        for batch in self._batches:
            batch.read_tokens(tokens, places)
