from __future__ import annotations

import numpy as np
import pytest
from contracts.encoder import COLD_ITEM, check_scorer, fitted, planted

from thinkrec.collab import ItemBaselineConfig, RandomConfig
from thinkrec.collab.selection import compute_auc
from thinkrec.data.interactions import TEST, TRAIN


@pytest.mark.parametrize("source", ["mean", "keywords", "both"])
def test_contract(source, tmp_path):
    check_scorer(ItemBaselineConfig(source=source, keyword_strength=1.0), tmp_path, random=False)


def test_random_contract(tmp_path):
    scorer = check_scorer(RandomConfig(), tmp_path, learns=None)
    ds = planted()
    score = scorer.score(ds, np.arange(len(ds.interactions)))
    assert 0.45 < compute_auc(ds.interactions.label, score) < 0.55


def test_mean_by_hand():
    ds = planted()
    data = ds.interactions
    scorer = fitted(ItemBaselineConfig(source="mean", prior_strength=4.0), ds)
    train = data.split == TRAIN
    mean = (data.label[train].sum() + 1) / (train.sum() + 2)
    row = int(np.flatnonzero(data.split == TEST)[5])
    of_item = data.label[train & (data.item == data.item[row])]
    rate = (of_item.sum() + 4 * mean) / (len(of_item) + 4)
    assert scorer.score(ds, np.array([row]))[0] == pytest.approx(np.log(rate / (1 - rate)))


def test_an_item_without_train_rows_gets_the_mean_or_its_keywords():
    ds = planted()
    data = ds.interactions
    row = np.flatnonzero(data.item == COLD_ITEM)[:1]
    train = data.split == TRAIN
    mean = (data.label[train].sum() + 1) / (train.sum() + 2)
    assert fitted(ItemBaselineConfig(), ds).score(ds, row)[0] == pytest.approx(np.log(mean / (1 - mean)))
    by_words = fitted(ItemBaselineConfig(source="keywords", keyword_strength=1.0), ds).score(ds, row)
    blended = fitted(ItemBaselineConfig(source="both", keyword_strength=1.0), ds).score(ds, row)
    assert blended == pytest.approx(by_words)
    alike = [v for v in range(COLD_ITEM) if ds.items.keywords[v] == ds.items.keywords[COLD_ITEM]]
    twin = np.flatnonzero(data.item == alike[0])[:1]
    assert fitted(ItemBaselineConfig(source="keywords", keyword_strength=1.0), ds).score(ds, twin) == by_words
