"""The simulated catalogue: by seed, with the planted structure it claims."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import roc_auc_score

from thinkrec.data.interactions import TEST, TRAIN
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

WORLD = simulate_catalogue(SimulatorConfig(), 41)


def test_equal_seeds_give_equal_worlds_and_others_do_not() -> None:
    small = SimulatorConfig(users=30, items=50)
    a, b, c = (simulate_catalogue(small, seed) for seed in (1, 1, 2))
    assert a.dataset.compute_fingerprint() == b.dataset.compute_fingerprint() != c.dataset.compute_fingerprint()
    np.testing.assert_array_equal(a.like_probability, b.like_probability)


def test_labels_follow_the_stated_probabilities() -> None:
    label, p = WORLD.dataset.interactions.label, WORLD.like_probability
    for low in np.arange(0, 1, 0.1):
        inside = (p >= low) & (p < low + 0.1)
        error = 4 * np.sqrt(0.25 / inside.sum())
        assert abs(label[inside].mean() - p[inside].mean()) < error


def test_one_number_per_item_or_genre_says_little_but_combinations_in_the_history_much() -> None:
    it, words = WORLD.dataset.interactions, WORLD.dataset.items.keywords
    train, test = np.flatnonzero(it.split == TRAIN), np.flatnonzero(it.split == TEST)
    likes = np.bincount(it.item[train], weights=it.label[train], minlength=len(words))
    mean = (likes + 1) / (np.bincount(it.item[train], minlength=len(words)) + 2)

    def kernel(row: int, n: int) -> float:
        past = it.get_history(row, 10)
        match = [words[i][:n] == words[it.item[row]][:n] for i in it.item[past]]
        return float(np.sum((2.0 * it.label[past] - 1) * match))

    label = it.label[test]
    best = roc_auc_score(label, WORLD.like_probability[test])
    genre = roc_auc_score(label, [kernel(int(r), 1) for r in test])
    pair = roc_auc_score(label, [kernel(int(r), 2) for r in test])
    item = roc_auc_score(label, mean[it.item[test]])
    assert best > 0.9
    assert item < 0.56
    assert genre < 0.6
    assert pair > 0.78


def test_causes_are_words_of_the_item() -> None:
    it, words = WORLD.dataset.interactions, WORLD.dataset.items.keywords
    assert all(set(cause) <= set(words[i]) for cause, i in zip(WORLD.dominant_attributes, it.item, strict=True))
    assert np.mean([len(cause) == 2 for cause in WORLD.dominant_attributes]) > 0.5


def test_planted_causes_add_up_to_the_truth_and_decide_it() -> None:
    it, small = WORLD.dataset.interactions, range(400)
    # Without generosity, which belongs to the user, rows of one user differ by their terms alone.
    logit = np.log(WORLD.like_probability / (1 - WORLD.like_probability))
    rest = logit - WORLD.logit_terms.sum(axis=1)
    for user in range(20):
        own = rest[it.start[user] : it.start[user + 1]]
        np.testing.assert_allclose(own, own[0], atol=1e-9)
    for row in small:
        causes = WORLD.find_causes(row)
        words = WORLD.dataset.items.keywords[it.item[row]]
        assert all(set(cause.keywords) <= set(words) for cause in causes)
        assert [abs(c.weight) for c in causes] == sorted((abs(c.weight) for c in causes), reverse=True)
        deciding = WORLD.find_deciding_cause(row)
        if deciding is not None:
            assert (deciding.weight > 0) == (WORLD.like_probability[row] > 0.5)
            assert all(abs(c.weight) <= abs(deciding.weight) for c in causes if c.weight * deciding.weight > 0)
    assert np.mean([len(c.keywords) == 2 for c in map(WORLD.find_deciding_cause, small) if c is not None]) > 0.8
