"""Groups do not depend on the scale of single dimensions."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.personal.groups import GroupConfig, fit_groups


@pytest.mark.parametrize("method", ["ward", "minibatch-kmeans"])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_a_large_dimension_without_groups_does_not_hide_a_small_one_with_them(method: str, scale: float) -> None:
    rng, truth = np.random.default_rng(0), np.repeat([0, 1], [60, 40])
    telling = np.where(truth == 0, -1.0, 1.0) + rng.normal(size=100) * 0.05
    vectors = np.stack([telling, rng.normal(size=100) * 0.5 * scale, telling], axis=1).astype(np.float32)
    groups = fit_groups(vectors, GroupConfig.model_validate({"n_groups": 2, "method": method}), seed=0)
    np.testing.assert_array_equal(groups.labels, truth)
