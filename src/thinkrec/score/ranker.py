"""Scores: one look at every prompt, two logits, no generation. What prompts share is computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
import torch

from thinkrec.engine.batch import split_by_token_budget
from thinkrec.engine.hooks import UnsupportedAttentionError
from thinkrec.engine.packing import pack_shared_prefix
from thinkrec.engine.prefix_cache import digest_prefix
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
    and several share a batch; where the suffixes of one fill several, its keys and values are kept. Those that
    `Recommender.prefix_cache` holds from an earlier call are not computed at all. On a backbone that cannot pack
    (`Capabilities.shared_prefix`) every suffix is asked as a prompt of its own. Raises as `score_prompts` does.
    """
    recommender.require_evaluation_mode()
    scores, budget = np.zeros(n, dtype=np.float64), batch_tokens or get_batch_tokens(recommender)
    workers = count_workers(recommender)

    def batches() -> Iterator[list[_Question]]:
        for group in _group_into_batches(_open_prefixes(recommender, asked), budget):
            if len(group) > 1 or group[0].count_tokens() <= budget:
                yield group
            else:
                question = _prefill_shared_prefix(recommender, group[0])
                yield from ([part] for part in _split_suffixes(question, budget, workers))

    def score_group(group: list[_Question]) -> tuple[list[_Question], np.ndarray]:
        return group, _score_suffixes(recommender, group, option, budget)

    with torch.no_grad():
        for group, batch_scores in map_batches(score_group, batches(), workers):
            places = np.concatenate([question.places for question in group])
            scores[places] = batch_scores
            _keep_prefixes(recommender, group)
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


class _Question(NamedTuple):
    """A shared prefix on its way through the batches."""

    places: np.ndarray
    """int: the places of the scores of its suffixes."""
    shared: SharedPrefix
    cache: PrefixKVCache | None = None
    """The prefix's keys and values, or what they go into; None: nobody needs them later."""
    key: bytes | None = None
    """What the recommender keeps them by, where they are new."""

    def count_tokens(self) -> int:
        """Tokens to compute."""
        is_known = self.cache is not None and bool(self.cache.layers)
        return (0 if is_known else len(self.shared.prefix)) + sum(map(len, self.shared.suffixes))


def _open_prefixes(recommender: Recommender, asked: Iterable[tuple[np.ndarray, SharedPrefix]]) -> Iterator[_Question]:
    """The questions, with what the recommender holds of their prefixes."""
    # Where a kernel takes many sequences at once, kept keys and values would keep rows from it.
    usable = recommender.capabilities.shared_prefix and not recommender.capabilities.varlen
    held = recommender.prefix_cache if usable else None
    for places, shared in asked:
        if held is None or not len(shared.prefix) or not shared.suffixes:
            yield _Question(places, shared)
            continue
        key = digest_prefix(shared.prefix)
        cache = held.get(key)
        yield _Question(places, shared, cache, key if cache is not None and not cache.layers else None)


def _keep_prefixes(recommender: Recommender, group: Iterable[_Question]) -> None:
    """Hand the recommender what is new and complete."""
    for question in group:
        if question.key is not None and question.cache is not None and recommender.prefix_cache is not None:
            recommender.prefix_cache.put(question.key, question.cache)


def _prefill_shared_prefix(recommender: Recommender, question: _Question) -> _Question:
    """The question with its prefix's keys and values; without where suffixes have to be asked otherwise."""
    if question.cache is not None and question.cache.layers:
        return question
    shared, cache = question.shared, question.cache or PrefixKVCache()
    if not len(shared.prefix) or not recommender.capabilities.shared_prefix:
        return question._replace(cache=None)
    try:
        row = pack_shared_prefix([SharedPrefix(shared.prefix, ())], [cache])
        recommender.compute_hidden(row.to(recommender.device))
    except UnsupportedAttentionError:
        return question._replace(cache=None, key=None)
    _keep_prefixes(recommender, [question._replace(cache=cache)])
    return question._replace(cache=cache, key=None)


def _score_suffixes(recommender: Recommender, group: list[_Question], option: ScoreOption, budget: int) -> np.ndarray:
    """Scores of all suffixes, in order."""
    shared_prefixes = [question.shared for question in group]
    try:
        if recommender.capabilities.shared_prefix:
            caches = [question.cache for question in group]
            batch = pack_shared_prefix(shared_prefixes, caches).to(recommender.device)
            logits = recommender.compute_answer_logits(recommender.gather_hidden(batch, batch.answer_at))
            return compute_scores(logits, option).cpu().double().numpy()
    except UnsupportedAttentionError:
        for question in group:
            if question.key is not None and question.cache is not None:
                question.cache.layers.clear()  # begun, and not complete
    prompts = [prompt for shared in shared_prefixes for prompt in shared.to_prompts()]
    scores = np.zeros(len(prompts))
    for places in split_by_token_budget(np.array([len(prompt) for prompt in prompts]), budget):
        scores[places] = _score_prompt_batch(recommender, [prompts[i] for i in places], option)
    return scores


def _score_prompt_batch(recommender: Recommender, prompts: list[Prompt], option: ScoreOption) -> np.ndarray:
    """float64 (len(prompts),): scores of prompts that share a batch."""
    _, states = recommender.pack_and_forward(prompts, lambda batch: batch.answer_at[batch.find_last_answers()])
    return compute_scores(recommender.compute_answer_logits(states), option).cpu().double().numpy()


def _group_into_batches(asked: Iterable[_Question], budget: int) -> Iterator[list[_Question]]:
    """Shared prefixes for one batch of at most `budget` tokens; a longer one comes alone."""
    group, room = [], budget
    for question in asked:
        if not question.shared.suffixes:
            continue
        size = question.count_tokens()
        if group and size > room:
            yield group
            group, room = [], budget
        group.append(question)
        room -= size
    if group:
        yield group


def _split_suffixes(question: _Question, budget: int, workers: int) -> list[_Question]:
    """The suffixes in even parts of at most `budget` tokens (or one suffix), as many as keep all workers busy."""
    places, shared = question.places, question.shared
    ends = np.cumsum([len(suffix) for suffix in shared.suffixes])
    workers = max(1, workers)
    rounds = -(-int(ends[-1]) // (budget * workers))
    most = min(budget, -(-int(ends[-1]) // (rounds * workers)))
    first, parts = 0, []
    while first < len(ends):
        done = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, done + most, side="right")))
        sees = None if shared.explicit_prefix_lengths is None else shared.explicit_prefix_lengths[first:last]
        part = SharedPrefix(shared.prefix, shared.suffixes[first:last], sees)
        parts.append(question._replace(places=places[first:last], shared=part))
        first = last
    return parts


def compute_like_probability(score: np.ndarray) -> np.ndarray:
    """Sigmoid of logit(Yes) - logit(No): the model's probability of a like."""
    return torch.sigmoid(torch.from_numpy(np.asarray(score, dtype=np.float64))).numpy()
