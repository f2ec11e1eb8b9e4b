from __future__ import annotations

import numpy as np
import pytest
from contracts.encoder import COLD_USERS, check_encoder, planted

from thinkrec.collab import EncoderTrainingConfig, MFConfig

FAST = EncoderTrainingConfig(lr=0.03, weight_decay=1e-4, batch_size=256, epochs=25, patience=8)


@pytest.mark.parametrize("biases", [False, True])
def test_contract(biases, tmp_path):
    encoder = check_encoder(MFConfig(dim=8, biases=biases, training=FAST), tmp_path)

    ds = planted()
    rows = np.arange(len(ds.interactions))
    vectors = encoder.encode_users(ds, rows)
    warm = encoder.encode_users(ds, ds.interactions.start[: COLD_USERS[0]])
    cold = ds.interactions.user >= COLD_USERS[0]
    np.testing.assert_allclose(vectors[cold], np.tile(warm.mean(axis=0), (cold.sum(), 1)), rtol=1e-4, atol=1e-6)


def test_without_biases_the_score_is_the_dot_product(tmp_path):
    from contracts.encoder import fitted

    ds = planted()
    rows = np.arange(0, len(ds.interactions), 7)
    encoder = fitted(MFConfig(dim=4, training=FAST), ds)
    product = (encoder.encode_users(ds, rows) * encoder.encode_items(ds)[ds.interactions.item[rows]]).sum(axis=1)
    np.testing.assert_allclose(encoder.score(ds, rows), product, rtol=1e-4, atol=1e-6)
