"""Vectors of new items by their keywords: what the regression fits, and that trained items stay as they were."""

from __future__ import annotations

import numpy as np
import pytest
from retrieve.conftest import FixedEncoder

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN
from thinkrec.data.new_items import append_items
from thinkrec.retrieve.keyword_vectors import NewItemEncoder, VectorRegression


def make_vectors(ds: Dataset, word: str) -> np.ndarray:
    """(n_items, 1): 1 where an item has the keyword."""
    return np.array([[float(word in words)] for words in ds.items.keywords], dtype=np.float32)


def test_a_keyword_that_decides_the_vector_predicts_it(small: Dataset) -> None:
    words = [word for some in small.items.keywords for word in some]
    word = max(sorted(set(words)), key=words.count)
    vectors = make_vectors(small, word)
    regression = VectorRegression.fit(small, vectors, penalty=1e-3)
    data = small.interactions
    expected = vectors[data.item[data.split == TRAIN]].mean(axis=0)
    np.testing.assert_allclose(regression.mean, expected, atol=1e-6)
    has, lacks, unknown = regression.predict_vectors([(word,), (), ("no such keyword",)])[:, 0]
    assert has == pytest.approx(1.0, abs=0.05)
    assert lacks == unknown == pytest.approx(float(expected[0]), abs=1e-6)
    assert abs(VectorRegression.fit(small, vectors, penalty=1e6).predict_vectors([(word,)])[0, 0] - expected[0]) < 0.01


def test_only_new_items_get_predicted_vectors(small: Dataset) -> None:
    word = small.items.keywords[0][0]
    more = append_items(small, [{"item_id": 999, "title": "Later", "keywords": word}])
    vectors = np.concatenate([make_vectors(small, word), [[-5.0]]])
    fixed = FixedEncoder(vectors, np.array([2.0]))
    encoder = NewItemEncoder.from_training(fixed, small)  # type: ignore[arg-type]
    both = encoder.encode_items(more)
    assert both[:-1].tolist() == vectors[:-1].tolist()
    assert both[-1] == pytest.approx(encoder.regression.predict_vectors([(word,)])[0])
    assert both[-1] != vectors[-1]


def test_scores_of_new_items_go_by_the_predicted_vectors(small: Dataset) -> None:
    from dataclasses import replace

    word = small.items.keywords[0][0]
    more = append_items(small, [{"item_id": 999, "title": "Later", "keywords": word}])
    data = more.interactions
    item = data.item.copy()
    item[0] = len(small.items)
    asked = replace(more, interactions=replace(data, item=item))
    fixed = FixedEncoder(np.concatenate([make_vectors(small, word), [[-5.0]]]), np.array([2.0]))
    encoder = NewItemEncoder.from_training(fixed, small)  # type: ignore[arg-type]
    rows = np.arange(5)
    scores = encoder.score(asked, rows)
    assert scores[0] == pytest.approx(2 * float(encoder.regression.predict_vectors([(word,)])[0, 0]), rel=1e-5)
    assert scores[1:].tolist() == fixed.score(asked, rows)[1:].tolist()
