"""A bank of mixtures in the place of one per user."""

from __future__ import annotations

import numpy as np

from thinkrec import ThinkRec
from thinkrec.export.prototypes import build_bank, compute_user_gates, format_errors, measure_banks


def test_as_many_prototypes_as_mixtures_lose_nothing() -> None:
    gates = np.array([[1, 0, 0], [0, 0.5, 0.5], [1, 0, 0], [0, 1, 0]], dtype=np.float32)
    bank = build_bank(gates, 64)
    assert len(bank.gates) == 3
    np.testing.assert_array_equal(bank.gates[bank.nearest], gates)


def test_centres_are_mixtures_and_users_have_the_nearest() -> None:
    gates = np.random.default_rng(0).dirichlet([1, 1, 1], 50)
    bank = build_bank(gates, 4)
    np.testing.assert_allclose(bank.gates.sum(axis=1), 1)
    far = np.linalg.norm(gates[:, None] - bank.gates[None], axis=2)
    np.testing.assert_array_equal(bank.nearest, far.argmin(axis=1))
    np.testing.assert_allclose(build_bank(gates, 1).gates[0], gates.mean(axis=0), atol=1e-6)


def test_a_larger_bank_is_nearer_and_a_full_one_exact(exported_model: ThinkRec) -> None:
    gates = compute_user_gates(exported_model.predictor)
    assert len(np.unique(gates, axis=0)) > 2
    one, full = measure_banks(exported_model.predictor, gates, (1, 1000), users=10, candidates=3)
    assert one.mean > 1e-3 and one.pairs == full.pairs == 30
    assert full.largest < 1e-5 and full.changed == 0
    assert "| 1 | 1 | 30 |" in format_errors([one])
