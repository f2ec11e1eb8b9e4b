"""Scores: one look at every prompt, two logits, no generation. What prompts share is computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch

from thinkrec.fast.fork import Fork, pack
from thinkrec.fast.packing import CannotPack
from thinkrec.model.batch import Prompt, collate, token_budget_batches
from thinkrec.model.recommender import Recommender, ScoreOption, score_of
from thinkrec.progress import Progress

CHUNK = 2048
"""Prompts rendered at a time, so that memory does not grow with the number of rows."""
BATCH_TOKENS = {"cpu": 2048, "other": 16384}
"""Tokens of a batch by device, where none are given: on a CPU what its caches hold, elsewhere what fills it."""
TRUNKS = 8
"""A batch that holds a part of one fork's leaves gives them at least so many times the tokens of the trunk, which
every such batch computes again."""


def score_prompts(
    recommender: Recommender,
    render: Callable[[int], Prompt],
    n: int,
    *,
    batch_tokens: int | None = None,
    option: ScoreOption = "difference",
    title: str = "scoring",
    progress: bool = False,
) -> np.ndarray:
    """float64 (n,): the target's score of prompts render(0) .. render(n - 1); larger means more likely liked."""
    scores, budget = np.zeros(n, dtype=np.float64), batch_tokens or usual_tokens(recommender)
    with Progress(title, n, shown=progress) as bar, recommender.inference():
        for first in range(0, n, CHUNK):
            prompts = [render(i) for i in range(first, min(n, first + CHUNK))]
            for chosen in token_budget_batches(np.array([len(p) for p in prompts]), budget):
                batch = collate([prompts[i] for i in chosen], recommender.backbone.pad_id).to(recommender.device)
                last = batch.answer_at[batch.last_answers()]
                found = score_of(recommender.answer_logits(recommender.states(batch, last)), option)
                scores[first + chosen] = found.double().cpu().numpy()
                bar.advance(len(chosen))
    return scores


def score_forks(
    recommender: Recommender,
    asked: Iterable[tuple[np.ndarray, Fork]],
    n: int,
    *,
    batch_tokens: int | None = None,
    option: ScoreOption = "difference",
    title: str = "scoring",
    progress: bool = False,
) -> np.ndarray:
    """float64 (n,): the score of every leaf, as `score_prompts` would give it for the same question.

    `asked`: per fork the places (int, one per leaf) of its scores in the result. Trunks are computed once, or once per
    batch where leaves fill several; forks share batches. On a backbone that cannot pack (`Recommender.packs`) every
    leaf is asked as a prompt of its own.
    """
    scores, budget = np.zeros(n, dtype=np.float64), batch_tokens or usual_tokens(recommender)

    def one_by_one(fork: Fork) -> np.ndarray:
        prompts = fork.prompts()
        return score_prompts(recommender, prompts.__getitem__, len(prompts), batch_tokens=budget, option=option)

    with Progress(title, n, shown=progress) as bar, recommender.inference():
        for group in _batches(asked, budget):
            forks = [fork for _, fork in group]
            try:
                found = _packed(recommender, forks, option) if recommender.packs else None
            except CannotPack:
                found = None
            if found is None:
                found = np.concatenate([one_by_one(fork) for fork in forks])
            places = np.concatenate([at for at, _ in group])
            scores[places] = found
            bar.advance(len(places))
    return scores


def usual_tokens(recommender: Recommender) -> int:
    """`BATCH_TOKENS` of the device where the weights are."""
    return BATCH_TOKENS.get(recommender.device.type, BATCH_TOKENS["other"])


def _packed(recommender: Recommender, forks: list[Fork], option: ScoreOption) -> np.ndarray:
    batch = pack(forks).to(recommender.device)
    logits = recommender.answer_logits(recommender.states(batch, batch.answer_at))
    return score_of(logits, option).double().cpu().numpy()


def _batches(asked: Iterable[tuple[np.ndarray, Fork]], budget: int) -> Iterator[list[tuple[np.ndarray, Fork]]]:
    """Forks in groups of at most `budget` tokens, longer ones cut into several with the same trunk."""
    group, room = [], budget
    for places, fork in asked:
        trunk, ends = len(fork.trunk), np.cumsum([len(leaf) for leaf in fork.leaves])
        first = 0
        while first < len(ends):
            done = ends[first - 1] if first else 0
            fits = int(np.searchsorted(ends, done + room - trunk, side="right"))
            if fits == first or (fits < len(ends) and room - trunk < TRUNKS * trunk):
                if group:
                    yield group
                    group, room = [], budget
                    continue
                fits = max(first + 1, int(np.searchsorted(ends, done + TRUNKS * trunk, side="right")))
            group.append((places[first:fits], fork.take(first, fits)))
            room -= trunk + int(ends[fits - 1] - done)
            first = fits
            if first < len(ends):
                yield group
                group, room = [], budget
    if group:
        yield group


def probability(score: np.ndarray) -> np.ndarray:
    """Sigmoid of logit(Yes) - logit(No): the model's probability of a like."""
    return torch.sigmoid(torch.from_numpy(np.asarray(score, dtype=np.float64))).numpy()
