"""What a composed score is made of, and how it is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from thinkrec.errors import CheckpointError
from thinkrec.score.composition import COMPOSITION, CompositionConfig, ScoreComposition

COMPOSED = ScoreComposition({"model": 1.0, "batch": 0.5, "item": 0.0}, 2.0, -1.0, 0.3, 1.5, (2.0, 0.25))


def test_the_score_is_the_weighed_sum_of_the_parts() -> None:
    parts = {"model": np.array([1.0, -2.0]), "batch": np.array([2.0, 0.0])}  # an item of weight 0 need not be there
    np.testing.assert_allclose(COMPOSED.combine(parts), [2 * 2 - 1, 2 * -2 - 1])


def test_a_split_score_adds_up_and_the_user_counts_the_same_for_all_items() -> None:
    scores, logits = np.array([1.0, -0.5, 3.0]), np.array([0.2, 0.0, 1.0])
    parts = COMPOSED.split_scores(scores, logits, np.array([0.1, -0.4]))
    assert [part.user for part in parts] == pytest.approx([2.0 * 0.1 - 0.25 * 0.4] * 3)
    assert [part.item for part in parts] == pytest.approx(1.5 * logits)
    assert [part.base + part.item + part.user + part.personal for part in parts] == pytest.approx(scores)


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    COMPOSED.save(tmp_path)
    assert ScoreComposition.load(tmp_path) == COMPOSED
    (tmp_path / COMPOSITION).write_text('{"weights": {}}')
    with pytest.raises(CheckpointError, match="run the recipe again"):
        ScoreComposition.load(tmp_path)


def test_the_config_lists_what_is_weighed() -> None:
    assert CompositionConfig().list_parts() == ("model", "batch", "item")
    full = CompositionConfig.model_validate({"scorer": {"kind": "boosting"}, "item": None})
    assert full.list_parts() == ("model", "batch", "scorer")
    assert full.model_copy(update={"batch_state": False}).list_parts() == ("model", "scorer")
    for wrong in (0.5, 1.0):
        with pytest.raises(ValidationError):
            CompositionConfig(min_auc=wrong)
