"""Checks for parts of your own: each says what the part promises, and fails saying what it does not keep.

    from thinkrec.testing import check_encoder

    def test_contract(tmp_path):
        check_encoder({"kind": "mypackage.module.MyEncoder"}, tmp_path)

They are plain functions that raise AssertionError; pytest is not needed.
"""

from __future__ import annotations

from thinkrec.testing.encoder import check_causal, check_encoder, check_scorer, fit_scorer
from thinkrec.testing.planted import COLD_ITEM, COLD_USERS, flip_labels, grow_dataset, plant_dataset
from thinkrec.testing.teacher import check_budget, check_teacher, make_questions

__all__ = [
    "COLD_ITEM",
    "COLD_USERS",
    "check_budget",
    "check_causal",
    "check_encoder",
    "check_scorer",
    "check_teacher",
    "fit_scorer",
    "flip_labels",
    "grow_dataset",
    "make_questions",
    "plant_dataset",
]
