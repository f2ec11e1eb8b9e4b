"""Made-up users of opposite taste."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from thinkrec.errors import DataError
from thinkrec.run.personality import build_opposite_queries, choose_opposite_keywords, measure_run_personality
from thinkrec.run.pipeline import Run
from thinkrec.run.recipe import parse_recipe

CONTENT = {
    "name": "personality",
    "data": {"kind": "simulator", "simulator": {"users": 30, "items": 80, "interactions_per_user": [12, 16]}},
    "model": {"kind": "boosting", "trees": 20, "n_seeds": 1},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = Run(parse_recipe(CONTENT, "personality"), Path(tmp_path_factory.mktemp("personality")) / "run")
    run.run_all_stages(lambda *_: None)
    return run


def test_two_users_have_one_past_and_opposite_opinions(run: Run) -> None:
    pairs = choose_opposite_keywords(run.ds, 3, 2)
    assert len({word for pair in pairs for word in pair}) == 2 * len(pairs)
    first, second = build_opposite_queries(run.ds, pairs[0], 2, np.arange(80))
    np.testing.assert_array_equal(first.items, second.items)
    np.testing.assert_array_equal(first.labels, 1 - second.labels)
    assert not set(first.candidates) & set(first.items)
    for item, label in zip(first.items, first.labels, strict=True):
        words = {word.lower() for word in run.ds.items.keywords[item]}
        assert (pairs[0][0] in words, pairs[0][1] in words) == (bool(label), not label)


def test_one_number_per_item_shares_all_and_a_personal_row_less(run: Run) -> None:
    options = {"n_pairs": 3, "n_items": 2, "top": 5, "n_candidates": 60}
    prior = measure_run_personality(run, model="item mean", **options)
    assert prior["mean"]["opposite"] == 5
    assert measure_run_personality(run, model=None, **options)["mean"]["opposite"] < 5


def test_keywords_on_too_few_items_are_refused(run: Run) -> None:
    with pytest.raises(DataError, match="--rows"):
        choose_opposite_keywords(run.ds, 3, 1000)
