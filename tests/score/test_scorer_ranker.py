"""A scorer ranks as the recommender does: ids in, ids out, what was met left out."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.collab import ItemBaselineConfig, MFConfig
from thinkrec.errors import DataError
from thinkrec.score.scorer_ranker import ScorerRanker
from thinkrec.testing import fit_scorer, plant_dataset

DS = plant_dataset(n_users=40, per_user=24)
RANKER = ScorerRanker(fit_scorer(ItemBaselineConfig(source="mean"), DS), DS, progress=False)


def test_items_not_met_are_ranked_from_best_to_worst() -> None:
    ranking = RANKER.rank(3)
    it = DS.interactions
    met = {DS.items.ids[code] for code in it.item[it.start[3] : it.start[4]]}
    assert {entry.item for entry in ranking} == set(DS.items.ids) - met
    scores = [entry.score for entry in ranking]
    assert scores == sorted(scores, reverse=True)
    assert ranking[0].probability == pytest.approx(1 / (1 + np.exp(-ranking[0].score)))
    assert RANKER.rank(3, top=2) == ranking[:2] and RANKER.rank("3", top=2) == ranking[:2]


def test_candidates_and_a_history_take_the_place_of_the_data() -> None:
    asked = [entry.item for entry in RANKER.rank(3, [5, 6, 5, 7])]
    assert sorted(asked) == [5, 6, 7]
    fresh = RANKER.rank("somebody", history=[(4, True), (9, False)])
    assert len(fresh) == len(DS.items) - 2 and {4, 9}.isdisjoint(entry.item for entry in fresh)
    personal = ScorerRanker(fit_scorer(MFConfig(dim=4), DS), DS, progress=False)
    assert [entry.item for entry in personal.rank(1)] != [entry.item for entry in personal.rank(2)]


def test_unknown_ids_are_refused() -> None:
    with pytest.raises(DataError, match="'999'"):
        RANKER.rank("999")
    with pytest.raises(DataError, match="600"):
        RANKER.rank(3, [600])
