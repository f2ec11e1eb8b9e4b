"""Ranking in forks: every leaf once, budgets kept, and scores as without any sharing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.tiny_lm import make_part, make_recommender

from thinkrec.engine.prefix_cache import PrefixCache
from thinkrec.errors import CheckpointError
from thinkrec.prompts.shared_prefix import SharedPrefix
from thinkrec.prompts.types import Prompt
from thinkrec.score import ranker
from thinkrec.score.ranker import score_prompts, score_shared_prefixes


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


GATE = np.array([0.1, 0.2, 0.3, 0.4], dtype=np.float32)


def fork(rng: np.random.Generator, trunk: int, leaves: list[int]) -> SharedPrefix:
    return SharedPrefix(make_part(rng, trunk, GATE), tuple(make_part(rng, n, GATE) for n in leaves))


def asked(seed: int, shape: list[tuple[int, list[int]]]) -> tuple[list[tuple[np.ndarray, SharedPrefix]], int]:
    """Forks with shuffled places for their scores."""
    rng, n = np.random.default_rng(seed), sum(len(leaves) for _, leaves in shape)
    places, made, at = rng.permutation(n), [], 0
    for trunk, leaves in shape:
        made.append((places[at : at + len(leaves)], fork(rng, trunk, leaves)))
        at += len(leaves)
    return made, n


SHAPES = st.lists(st.tuples(st.integers(0, 40), st.lists(st.integers(1, 30), max_size=25)), max_size=8)


@settings(max_examples=150, deadline=None)
@given(shape=SHAPES, budget=st.integers(1, 300), workers=st.integers(1, 5))
def test_every_leaf_is_asked_once_and_batches_keep_to_the_budget(shape, budget: int, workers: int) -> None:
    found, n = asked(0, shape)
    seen, parts = [], {}
    for group in ranker._group_into_batches([ranker._Question(*pair) for pair in found], budget):
        if len(group) > 1:
            assert sum(question.count_tokens() for question in group) <= budget
        elif group[0].count_tokens() > budget:
            group = ranker._split_suffixes(group[0], budget, workers)
            assert all(sum(map(len, part.suffixes)) <= budget or len(part.suffixes) == 1 for _, part, *_ in group)
        for places, part, *_ in group:
            assert len(places) == len(part.suffixes) > 0
            seen += places.tolist()
            parts.update(zip(places.tolist(), part.suffixes, strict=True))
    assert sorted(seen) == list(range(n))
    for places, whole in found:
        assert all(parts[place] is leaf for place, leaf in zip(places.tolist(), whole.suffixes, strict=True))


@pytest.mark.parametrize(
    ("kind", "more", "packs"),
    [("llama", {}, True), ("gemma2", {}, False), ("mistral", {"sliding_window": 40}, True)],
    ids=["packs", "cannot pack", "packs what fits its window"],
)
@pytest.mark.parametrize("budget", [1, 40, 8192])
@pytest.mark.parametrize("cores", [1, 3])
def test_scores_are_those_of_prompts_of_their_own(
    kind: str, more: dict, packs: bool, budget: int, cores: int, threads
) -> None:
    threads(cores)
    rec = make_recommender(kind, **more)
    assert rec.capabilities.shared_prefix is packs
    made, n = asked(1, [(20, [5] * 30 + [9]), (1, [3]), (33, [2, 8]), (0, [4]), (12, [])])
    found = score_shared_prefixes(rec, made, n, batch_tokens=budget)
    wanted = np.zeros(n)
    for places, one in made:
        prompts: list[Prompt] = one.to_prompts()
        wanted[places] = score_prompts(rec, prompts.__getitem__, len(prompts))
    assert wanted.std() > 0.1
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    rec.prefix_cache = PrefixCache(1 << 20)
    for turn in range(3):
        np.testing.assert_allclose(
            score_shared_prefixes(rec, made, n, batch_tokens=budget), found, atol=1e-5, err_msg=str(turn)
        )
    # Three prefixes with suffixes: not kept on the first request, computed again on the second, known on the third.
    counts = rec.prefix_cache.counts
    if not more:
        assert (counts.hits, counts.misses, len(rec.prefix_cache)) == ((3, 6, 3) if packs else (0, 0, 0))
    only_yes = score_shared_prefixes(rec, made, n, batch_tokens=budget, option="yes")
    assert np.abs(only_yes - found).max() > 0.01


@pytest.mark.parametrize("cores", [1, 2])
def test_thousands_of_candidates(cores: int, threads) -> None:
    threads(cores)
    rec = make_recommender()
    made, n = asked(2, [(25, [4] * 3000)])
    found = score_shared_prefixes(rec, made, n)
    few = np.random.default_rng(0).choice(n, 40, replace=False)
    prompts = made[0][1].to_prompts()
    wanted = score_prompts(rec, lambda i: prompts[few[i]], 40)
    np.testing.assert_allclose(found[made[0][0]][few], wanted, atol=1e-4)


def test_nobody_asked_nothing_scored() -> None:
    assert score_shared_prefixes(make_recommender(), [], 0).shape == (0,)


def test_scores_that_are_no_numbers_are_refused() -> None:
    rec = make_recommender()
    made, n = asked(1, [(20, [5] * 3)])
    assert rec.capabilities.shared_prefix and rec.capabilities.last_layer_pruning
    with torch.no_grad():
        rec.adapters.get_parameters("global")[0].fill_(float("nan"))
    prompts = made[0][1].to_prompts()
    for ask in (lambda: score_shared_prefixes(rec, made, n), lambda: score_prompts(rec, prompts.__getitem__, n)):
        with pytest.raises(CheckpointError, match="3 of 3 scores are not finite numbers"):
            ask()
