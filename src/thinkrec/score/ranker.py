"""Scores: one look at every prompt, two logits, no generation. What prompts share is computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch

from thinkrec.engine.batch import split_by_token_budget
from thinkrec.engine.hooks import UnsupportedAttentionError
from thinkrec.engine.packing import pack_shared_prefix
from thinkrec.engine.recommender import Recommender, ScoreOption, compute_scores
from thinkrec.engine.segments import PrefixKVCache
from thinkrec.engine.workers import count_workers, map_batches
from thinkrec.errors import CheckpointError
from thinkrec.io.progress import Progress
from thinkrec.prompts.shared_prefix import SharedPrefix
from thinkrec.prompts.types import Prompt

CHUNK = 2048
"""Prompts rendered at a time, so that memory does not grow with the number of rows."""
BATCH_TOKENS = {"cpu": 1024, "other": 16384}
"""Tokens of a batch by device, where none are given: on a CPU what its caches hold, elsewhere what fills it."""


def score_prompts(
    recommender: Recommender,
    render: Callable[[int], Prompt],
    n: int,
    *,
    batch_tokens: int | None = None,
    option: ScoreOption = "difference",
    bar: Progress | None = None,
) -> np.ndarray:
    """float64 (n,): the target's score of prompts render(0) .. render(n - 1); larger means more likely liked.

    `bar` is moved on by the prompts that are done. Raises CheckpointError where a score is not finite, since such a row
    has no rank; RuntimeError in training mode.
    """
    recommender.require_evaluation_mode()
    scores, budget = np.zeros(n, dtype=np.float64), batch_tokens or get_batch_tokens(recommender)

    def batches() -> Iterator[tuple[np.ndarray, list[Prompt]]]:
        for first in range(0, n, CHUNK):
            prompts = [render(i) for i in range(first, min(n, first + CHUNK))]
            for chosen in split_by_token_budget(np.array([len(p) for p in prompts]), budget):
                yield first + chosen, [prompts[i] for i in chosen]

    def score_batch(batch: tuple[np.ndarray, list[Prompt]]) -> tuple[np.ndarray, np.ndarray]:
        return batch[0], _score_prompt_batch(recommender, batch[1], option)

    with torch.no_grad():
        for places, batch_scores in map_batches(score_batch, batches(), count_workers(recommender)):
            scores[places] = batch_scores
            if bar is not None:
                bar.advance(len(places))
    return _check_finite(scores)


def score_shared_prefixes(
    recommender: Recommender,
    asked: Iterable[tuple[np.ndarray, SharedPrefix]],
    n: int,
    *,
    batch_tokens: int | None = None,
    option: ScoreOption = "difference",
    bar: Progress | None = None,
) -> np.ndarray:
    """float64 (n,): the score of every suffix, as `score_prompts` would give it for the same question.

    `asked`: per shared prefix the places (int, one per suffix) of its scores in the result. Prefixes are computed once,
    and several share a batch; where the suffixes of one fill several, its keys and values are kept. On a backbone that
    cannot pack (`Capabilities.shared_prefix`) every suffix is asked as a prompt of its own. Raises as `score_prompts`
    does.
    """
    recommender.require_evaluation_mode()
    scores, budget = np.zeros(n, dtype=np.float64), batch_tokens or get_batch_tokens(recommender)
    workers = count_workers(recommender)

    def batches() -> Iterator[tuple[list[Asked], PrefixKVCache | None]]:
        for group in _group_into_batches(asked, budget):
            places, shared = group[0]
            if len(group) > 1 or _count_tokens(shared) <= budget:
                yield group, None
            else:
                cache = _prefill_shared_prefix(recommender, shared)
                yield from (([part], cache) for part in _split_suffixes(places, shared, budget, workers))

    def score_group(batch: tuple[list[Asked], PrefixKVCache | None]) -> tuple[np.ndarray, np.ndarray]:
        group, cache = batch
        batch_scores = _score_suffixes(recommender, [shared for _, shared in group], cache, option, budget)
        return np.concatenate([places for places, _ in group]), batch_scores

    with torch.no_grad():
        for places, batch_scores in map_batches(score_group, batches(), workers):
            scores[places] = batch_scores
            if bar is not None:
                bar.advance(len(places))
    return _check_finite(scores)


def _check_finite(scores: np.ndarray) -> np.ndarray:
    lost = len(scores) - int(np.isfinite(scores).sum())
    if lost:
        raise CheckpointError(
            f"{lost} of {len(scores)} scores are not finite numbers, so that nothing can be ranked by them; the trained"
            " weights or the number format overflow: use model.backbone.dtype float32, or train with a lower lr"
        )
    return scores


def get_batch_tokens(recommender: Recommender) -> int:
    """`BATCH_TOKENS` of the device where the weights are."""
    return BATCH_TOKENS.get(recommender.device.type, BATCH_TOKENS["other"])


Asked = tuple[np.ndarray, SharedPrefix]
"""The places of the scores of its suffixes, and the shared prefix."""


def _prefill_shared_prefix(recommender: Recommender, shared: SharedPrefix) -> PrefixKVCache | None:
    """A prefix's keys and values; None where suffixes have to be asked otherwise."""
    if not len(shared.prefix) or not recommender.capabilities.shared_prefix:
        return None
    cache = PrefixKVCache()
    try:
        recommender.compute_hidden(pack_shared_prefix([SharedPrefix(shared.prefix, ())], cache).to(recommender.device))
    except UnsupportedAttentionError:
        return None
    return cache


def _score_suffixes(
    recommender: Recommender,
    shared_prefixes: list[SharedPrefix],
    cache: PrefixKVCache | None,
    option: ScoreOption,
    budget: int,
) -> np.ndarray:
    """Scores of all suffixes, in order."""
    try:
        if recommender.capabilities.shared_prefix:
            batch = pack_shared_prefix(shared_prefixes, cache).to(recommender.device)
            logits = recommender.compute_answer_logits(recommender.gather_hidden(batch, batch.answer_at))
            return compute_scores(logits, option).cpu().double().numpy()
    except UnsupportedAttentionError:
        pass
    prompts = [prompt for shared in shared_prefixes for prompt in shared.to_prompts()]
    scores = np.zeros(len(prompts))
    for places in split_by_token_budget(np.array([len(prompt) for prompt in prompts]), budget):
        scores[places] = _score_prompt_batch(recommender, [prompts[i] for i in places], option)
    return scores


def _score_prompt_batch(recommender: Recommender, prompts: list[Prompt], option: ScoreOption) -> np.ndarray:
    """float64 (len(prompts),): scores of prompts that share a batch."""
    _, states = recommender.pack_and_forward(prompts, lambda batch: batch.answer_at[batch.find_last_answers()])
    return compute_scores(recommender.compute_answer_logits(states), option).cpu().double().numpy()


def _count_tokens(shared: SharedPrefix) -> int:
    return len(shared.prefix) + sum(map(len, shared.suffixes))


def _group_into_batches(asked: Iterable[Asked], budget: int) -> Iterator[list[Asked]]:
    """Shared prefixes for one batch of at most `budget` tokens; a longer one comes alone."""
    group, room = [], budget
    for places, shared in asked:
        if not shared.suffixes:
            continue
        size = _count_tokens(shared)
        if group and size > room:
            yield group
            group, room = [], budget
        group.append((places, shared))
        room -= size
    if group:
        yield group


def _split_suffixes(places: np.ndarray, shared: SharedPrefix, budget: int, workers: int) -> list[Asked]:
    """The suffixes in even parts of at most `budget` tokens (or one suffix), as many as keep all workers busy."""
    ends = np.cumsum([len(suffix) for suffix in shared.suffixes])
    workers = max(1, workers)
    rounds = -(-int(ends[-1]) // (budget * workers))
    most = min(budget, -(-int(ends[-1]) // (rounds * workers)))
    first, parts = 0, []
    while first < len(ends):
        done = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, done + most, side="right")))
        sees = None if shared.explicit_prefix_lengths is None else shared.explicit_prefix_lengths[first:last]
        parts.append((places[first:last], SharedPrefix(shared.prefix, shared.suffixes[first:last], sees)))
        first = last
    return parts


def compute_like_probability(score: np.ndarray) -> np.ndarray:
    """Sigmoid of logit(Yes) - logit(No): the model's probability of a like."""
    return torch.sigmoid(torch.from_numpy(np.asarray(score, dtype=np.float64))).numpy()
