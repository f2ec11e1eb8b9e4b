"""Scorers of tables, asked queries: their effects of history lines."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.collab import EncoderTrainingConfig, GradientBoostingConfig, MFConfig, SASRecConfig
from thinkrec.data.interactions import TEST
from thinkrec.data.query import Query
from thinkrec.score.line_effects import compute_line_effects
from thinkrec.score.scorer_queries import ScorerQueries
from thinkrec.testing import fit_scorer, plant_dataset

DS = plant_dataset(n_users=40, per_user=24)
ROWS = DS.interactions.get_split_rows(TEST)[:3]
SHORT = EncoderTrainingConfig(epochs=2)


@pytest.mark.parametrize(
    ("config", "reads"),
    [
        (GradientBoostingConfig(trees=8, n_seeds=1), True),
        (SASRecConfig(dim=8, training=SHORT), True),
        (MFConfig(dim=4, training=SHORT), False),
    ],
)
def test_lines_move_the_score_of_what_reads_the_past(config, reads: bool) -> None:
    scorer = fit_scorer(config, DS)
    found = compute_line_effects(ScorerQueries(scorer, DS, history=5), [Query.from_row(DS, int(row)) for row in ROWS])
    assert [len(effects.erase) for effects in found] == [5] * len(ROWS)
    np.testing.assert_allclose([effects.score for effects in found], scorer.score(DS, ROWS), atol=1e-5)
    assert any(np.abs(effects.erase).max() > 1e-4 for effects in found) == reads
