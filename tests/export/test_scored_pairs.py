"""Pairs and their comparison."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec import ThinkRec
from thinkrec.errors import CheckpointError
from thinkrec.export.scored_pairs import ScoredPair, choose_pairs, compare_scores, split_prompt

PAIRS = [ScoredPair("u", "i", "", "", "", (), 0.0), ScoredPair("v", "j", "expert_1", "", "", (), 1.0)]


def test_the_worst_pair_is_named_and_a_score_that_is_not_finite_is_worst() -> None:
    assert compare_scores(PAIRS, np.array([0.0, 1.00005]), 1e-4, "it") == pytest.approx(5e-5)
    with pytest.raises(CheckpointError, match="pair 1 \\(user v, item j by adapter expert_1\\)"):
        compare_scores(PAIRS, np.array([0.001, 2.0]), 1e-4, "it")
    with pytest.raises(CheckpointError, match="pair 0"):
        compare_scores(PAIRS, np.array([np.nan, 2.0]), 1e-4, "it")


def test_pairs_are_of_as_many_users_as_there_are(exported_model: ThinkRec) -> None:
    queries = choose_pairs(exported_model.predictor)
    assert len(queries) == 20 and all(len(query.candidates) == 1 for query in queries)
    assert split_prompt("a\nb\nc |") == ("a\nb\n", "c |") and split_prompt("c") == ("", "c")
