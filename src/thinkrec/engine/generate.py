"""Continuation of many prompts at once, each row with its own experts; greedy unless told otherwise."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch

from thinkrec.data.columns import DataWarning
from thinkrec.engine.contrast import ContrastBatch, PromptContrast
from thinkrec.engine.recommender import Recommender
from thinkrec.errors import DataError
from thinkrec.prompts.types import Prompt


class DecodingConstraint(Protocol):
    """What one row may generate, asked about the ids generated so far."""

    def is_allowed(self, ids: Sequence[int], token: int) -> bool:
        """Whether `token` is one of `allowed_token_ids(ids)`; asked about the model's choice, most often cheaper."""
        ...

    def allowed_token_ids(self, ids: Sequence[int]) -> np.ndarray | None:
        """int64: the tokens that may follow; None where all may."""
        ...

    def count_accepted(self, ids: Sequence[int]) -> int:
        """How many of `ids` may stay, at least one; fewer than all: the rest is taken back and chosen anew."""
        ...


class TokenChooser(Protocol):
    """How one row's tokens are chosen, where not the most likely one is taken."""

    def choose_token(
        self, ids: Sequence[int], logits: torch.Tensor, rule: DecodingConstraint | None, plain: torch.Tensor | None
    ) -> int:
        """The token behind `ids`; one that `rule` allows. `logits`: float (V,), those of the tokenizer's tokens.

        `plain`: float (V,), those of the prompt alone, where `logits` are combined with another's; else None.
        """
        ...


@torch.no_grad()
def generate_greedily(
    recommender: Recommender,
    prompts: Sequence[Prompt],
    max_new_tokens: int,
    first_tokens: Sequence[int] | None = None,
    constraints: Sequence[DecodingConstraint | None] | None = None,
    choosers: Sequence[TokenChooser] | None = None,
    contrast: PromptContrast | None = None,
) -> list[np.ndarray]:
    """Most likely next token, again and again, until a row gives the end token or `max_new_tokens` are there.

    `first_tokens`: one id per row that takes the place of the first choice (a verdict already decided by the score);
    it counts as generated. `constraints`: one per row or None; it narrows every other choice. `choosers`: one per row,
    which choose in place of the most likely token. `contrast`: other prompts, which read the same tokens and lower what
    they find likely too (`engine.contrast`); constraints and choosers then meet the combined logits.
    Returns int32 ids per row without the prompt; the end token is the last one exactly if the
    row ended by itself. A row also ends where the backbone has no further position, which a DataWarning announces.
    Raises DataError where a prompt leaves none at all, RuntimeError in training mode.
    """
    recommender.require_evaluation_mode()
    _check_counts(prompts, first_tokens, constraints, choosers, contrast)
    rules = [None] * len(prompts) if constraints is None else constraints
    out: list[list[int]] = [[] for _ in range(len(prompts))]
    if max_new_tokens < 1:
        return [np.array(ids, dtype=np.int32) for ids in out]
    lengths = [len(prompt) for prompt in prompts]
    if contrast is not None:
        lengths = [max(n, len(other)) for n, other in zip(lengths, contrast.prompts, strict=True)]
    most = _compute_token_limits(recommender, lengths, max_new_tokens)
    eos, known = recommender.backbone.eos_id, len(recommender.backbone.tokenizer)
    batch = ContrastBatch(recommender, prompts, contrast)
    rows, alive, forced = list(range(len(prompts))), list(range(len(prompts))), first_tokens
    while True:
        # Backbones round their vocabulary up: ids beyond the tokenizer read as nothing.
        logits, plain = batch.compute_logits(known)
        chosen = logits.argmax(-1).tolist() if forced is None else list(forced)
        batch.add_places()
        for at in alive:
            ids, rule, token = out[rows[at]], rules[rows[at]], chosen[at]
            if choosers is not None and forced is None:
                token = choosers[rows[at]].choose_token(ids, logits[at], rule, None if plain is None else plain[at])
            elif rule is not None and forced is None and not rule.is_allowed(ids, token):
                token = _select_best_token(logits[at], rule.allowed_token_ids(ids))
            _append_token(ids, token, rule, batch.list_masks(at))
        alive = [at for at in alive if out[rows[at]][-1] != eos and len(out[rows[at]]) < most[rows[at]]]
        if not alive:
            return [np.array(ids, dtype=np.int32) for ids in out]
        # Finished rows ride along until they are half the batch: dropping them copies the whole cache.
        if 2 * len(alive) <= len(rows):
            batch.select_rows(alive)
            rows, alive = [rows[at] for at in alive], list(range(len(alive)))
        batch.read_tokens([out[row][-1:] for row in rows], [len(out[row]) - 1 for row in rows])
        forced = None


def _check_counts(
    prompts: Sequence[Prompt],
    first_tokens: Sequence | None,
    constraints: Sequence | None,
    choosers: Sequence | None,
    contrast: PromptContrast | None,
) -> None:
    if first_tokens is not None and len(first_tokens) != len(prompts):
        raise DataError(f"{len(first_tokens)} first tokens for {len(prompts)} prompts; give one each")
    if constraints is not None and len(constraints) != len(prompts):
        raise DataError(f"{len(constraints)} constraints for {len(prompts)} prompts; give one each, or None for a row")
    if choosers is not None and len(choosers) != len(prompts):
        raise DataError(f"{len(choosers)} choosers of tokens for {len(prompts)} prompts; give one each")
    if contrast is not None and len(contrast.prompts) != len(prompts):
        raise DataError(f"{len(contrast.prompts)} prompts in contrast to {len(prompts)} prompts; give one each")


def _append_token(ids: list[int], token: int, rule: DecodingConstraint | None, masks: Sequence[torch.Tensor]) -> None:
    """Add a token to a row's ids, and take back what its constraint does not accept.

    `masks`: int64 (t + 1,) each, the row of the attention mask of each prompt that is read, with a place for this token
    at its end; changed in place.
    """
    ids.append(token)
    accepted = len(ids) if rule is None else rule.count_accepted(ids)
    if accepted < len(ids):
        # The last id that stays is read once more; what was cached from it on is seen no longer.
        for mask in masks:
            seen = mask[:-1].nonzero()[:, 0]
            mask[seen[accepted - len(ids) :]] = 0
        del ids[accepted:]


def _compute_token_limits(recommender: Recommender, lengths: Sequence[int], max_new_tokens: int) -> list[int]:
    """How many tokens each row may get: what is asked for, or what the backbone's positions leave behind its prompt."""
    positions = recommender.backbone.max_positions
    if positions is None:
        return [max_new_tokens] * len(lengths)
    # The last token of a row is never read, so it needs no position.
    left = [positions - length + 1 for length in lengths]
    if min(left, default=1) < 1:
        raise DataError(f"a prompt of {positions - min(left) + 1} tokens for a backbone of {positions} positions")
    short = sum(room < max_new_tokens for room in left)
    if short:
        warnings.warn(
            f"{short} of {len(lengths)} texts can have {min(left)} tokens or a few more, not {max_new_tokens}: their"
            f" prompts leave no more of the backbone's {positions:,} positions",
            DataWarning,
            stacklevel=3,
        )
    return [min(max_new_tokens, room) for room in left]


def _select_best_token(logits: torch.Tensor, allowed: np.ndarray | None) -> int:
    """The most likely of the allowed tokens."""
    if allowed is None:
        return int(logits.argmax())
    ids = torch.from_numpy(allowed).to(logits.device)
    return int(ids[logits[ids].argmax()])
