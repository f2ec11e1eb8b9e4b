"""Several sampled continuations of each prompt in a given form, and the logits of the answer behind each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from thinkrec.engine.decode_batch import DecodeBatch
from thinkrec.engine.prefill import prefill_prompts
from thinkrec.engine.recommender import Recommender
from thinkrec.errors import DataError
from thinkrec.prompts.types import Prompt


class SampleForm(Protocol):
    """The form of one continuation, asked about the ids written so far, which only grow."""

    def allowed_token_ids(self, ids: Sequence[int]) -> np.ndarray:
        """int64, ascending: the tokens that may follow, at least one."""
        ...

    def is_complete(self, ids: Sequence[int]) -> bool:
        """Whether the continuation ends here."""
        ...


@dataclass(frozen=True, eq=False)
class SampledText:
    """One continuation."""

    ids: np.ndarray
    """int32 (t,)."""
    answer_logits: torch.Tensor
    """float32 (2,): of Yes and No as the token behind it."""


@torch.no_grad()
def sample_texts(
    recommender: Recommender,
    prompts: Sequence[Prompt],
    forms: Sequence[Sequence[SampleForm]],
    draws: Sequence[Sequence[Iterator[float]]],
    *,
    temperature: float = 1.0,
) -> list[list[SampledText]]:
    """K continuations of each prompt, each in its own form.

    Prompts are read once and copied. Where a form leaves one token, it is taken without asking the model, and a run of
    such tokens is read in one pass.

    Args:
        recommender: in evaluation mode.
        prompts: (n,); positions for the longest continuation must be left.
        forms: (n, k), with the same k >= 1 for every prompt.
        draws: (n, k): uniform numbers in [0, 1), one for each choice; a continuation hangs on its own alone, so that
            neither the batch nor k changes it (but for roundings).
        temperature: divides the logits before their softmax over what the form allows; 0 takes the likeliest.

    Returns:
        (n, k) continuations, each complete.

    Raises:
        DataError: where forms, draws and prompts do not fit, or the temperature is below 0.
        RuntimeError: in training mode.
    """
    recommender.require_evaluation_mode()
    copies = _check_counts(prompts, forms, draws, temperature)
    batch = DecodeBatch(recommender, prefill_prompts(recommender, prompts))
    batch.repeat_rows(copies)
    flat_forms = [form for row in forms for form in row]
    flat_draws = [draw for row in draws for draw in row]
    ids: list[list[int]] = [[] for _ in flat_forms]
    logits: list[torch.Tensor | None] = [None] * len(flat_forms)
    rows = list(range(len(flat_forms)))
    while rows:
        alive = [row for row in rows if logits[row] is None]
        if 2 * len(alive) <= len(rows):
            batch.select_rows([at for at, row in enumerate(rows) if logits[row] is None])
            rows = alive
            if not rows:
                break
        values = recommender.compute_next_token_logits(batch.last_hidden).cpu().double().numpy()
        fresh = [
            _write_on(ids[row], flat_forms[row], value, flat_draws[row], temperature) if logits[row] is None else [0]
            for row, value in zip(rows, values, strict=True)
        ]
        batch.add_places(max(map(len, fresh)))
        batch.read_tokens(fresh, [len(ids[row]) - len(new) for row, new in zip(rows, fresh, strict=True)])
        answers = recommender.compute_answer_logits(batch.last_hidden)
        for row, answer in zip(rows, answers, strict=True):
            if logits[row] is None and flat_forms[row].is_complete(ids[row]):
                logits[row] = answer
    texts = [SampledText(np.array(i, dtype=np.int32), a) for i, a in zip(ids, logits, strict=True) if a is not None]
    return [texts[first : first + copies] for first in range(0, len(texts), copies)]


def _write_on(
    ids: list[int], form: SampleForm, logits: np.ndarray, draw: Iterator[float], temperature: float
) -> list[int]:
    """Append what follows up to the next choice of the form, or its end; returns the new ids, at least one."""
    begun = len(ids)
    while not form.is_complete(ids):
        allowed = form.allowed_token_ids(ids)
        if len(allowed) > 1:
            if len(ids) > begun:
                # The model chooses behind what it has read, so what has just been written is read first.
                break
            ids.append(draw_token(logits, allowed, draw, temperature))
        else:
            ids.append(int(allowed[0]))
    return ids[begun:]


def draw_token(logits: np.ndarray, allowed: np.ndarray, draw: Iterator[float], temperature: float) -> int:
    """One of the tokens `allowed`, int64 (m,): where a uniform number falls in their cumulative probabilities.

    `logits`: float64 (V,).
    """
    values = logits[allowed]
    if not temperature:
        return int(allowed[values.argmax()])
    return int(allowed[find_drawn_place(np.exp((values - values.max()) / temperature), next(draw))])


def find_drawn_place(shares: np.ndarray, number: float) -> int:
    """Where a uniform number in [0, 1) falls among shares, float64 (n,) of any sum: a place whose share is not 0."""
    sums = shares.cumsum()
    # A number next to 1 may round to the whole sum, behind the last place.
    return int(min(np.searchsorted(sums, number * sums[-1], side="right"), np.searchsorted(sums, sums[-1])))


def _check_counts(prompts: Sequence, forms: Sequence, draws: Sequence, temperature: float) -> int:
    """How many continuations each prompt has."""
    if len(forms) != len(prompts) or len(draws) != len(prompts):
        raise DataError(f"{len(forms)} forms and {len(draws)} draws for {len(prompts)} prompts; give one list each")
    sizes = {len(row) for row in (*forms, *draws)}
    if len(sizes) > 1 or not min(sizes, default=1):
        raise DataError(f"prompts with {sorted(sizes)} continuations in one batch; give all the same number, 1 or more")
    if temperature < 0:
        raise DataError(f"a temperature is 0 or more, not {temperature:g}")
    return sizes.pop() if sizes else 1
