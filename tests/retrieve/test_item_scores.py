"""Popularity and the prior: their numbers, and what taste changes."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN
from thinkrec.data.new_items import append_items
from thinkrec.data.query import Query
from thinkrec.retrieve.config import RetrieveConfig
from thinkrec.retrieve.item_scores import ItemPrior, Popularity


def count_train(ds: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Likes and rows per item."""
    data = ds.interactions
    train = data.split == TRAIN
    n = len(ds.items)
    return np.bincount(data.item[train & (data.label == 1)], minlength=n), np.bincount(data.item[train], minlength=n)


def test_popularity_counts_likes_of_the_training(small: Dataset) -> None:
    likes, _ = count_train(small)
    source = Popularity.train(small, RetrieveConfig())
    assert source.likes.tolist() == likes.tolist()
    query = Query.from_ratings(small, None, np.array([int(np.argmax(likes))]), np.array([1]))
    proposed = source.propose_items(small, query, 80)
    assert likes[proposed[0]] == np.sort(np.delete(likes, np.argmax(likes)))[-1]
    assert (likes[proposed] > 0).all() and len(proposed) == (likes > 0).sum() - 1


def test_the_prior_lies_between_the_likes_and_the_keywords(small: Dataset) -> None:
    likes, rows = count_train(small)
    strong = ItemPrior.train(small, RetrieveConfig(prior_strength=1e9)).compute_logits(small)
    source = ItemPrior.train(small, RetrieveConfig(prior_strength=5.0))
    by_words = source.guess.predict_logits(source.residual.terms.build_matrix(small.items.keywords))
    np.testing.assert_allclose(strong, by_words, atol=1e-5)
    guess = 1 / (1 + np.exp(-by_words))
    rate = 1 / (1 + np.exp(-source.compute_logits(small)))
    np.testing.assert_allclose(rate, (likes + 5 * guess) / (rows + 5), rtol=1e-6)


def test_a_new_item_has_what_its_keywords_say(small: Dataset) -> None:
    source = ItemPrior.train(small, RetrieveConfig())
    words = small.items.keywords[0]
    more = append_items(small, [{"item_id": 999, "title": "Later", "keywords": ", ".join(words)}])
    expected = source.guess.predict_logits(source.residual.terms.build_matrix([more.items.keywords[-1]]))[0]
    assert source.compute_logits(more)[-1] == pytest.approx(expected)


def test_taste_draws_items_towards_liked_keywords(small: Dataset) -> None:
    source = ItemPrior.train(small, RetrieveConfig())
    query = Query.from_ratings(small, None, np.array([0]), np.array([1]))
    shares = [len({*words} & {*small.items.keywords[0]}) for words in small.items.keywords]
    with_taste = source.with_taste(1000.0).propose_items(small, query, 5)
    assert np.mean([shares[code] for code in with_taste]) > np.mean(shares) + 0.5
    assert (
        source.with_taste(0.0).propose_items(small, query, 80).tolist()
        == source.propose_items(small, query, 80).tolist()
    )
