"""One more group behind those of before."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.errors import DataError
from thinkrec.personal.groups import GroupConfig, fit_groups
from thinkrec.run.added_expert import append_group


def test_the_groups_of_before_stay_as_they_were() -> None:
    rng = np.random.default_rng(0)
    groups = fit_groups(rng.normal(size=(20, 3)).astype(np.float32), GroupConfig(n_groups=2), users=list(range(20)))
    vectors = np.array([[9, 9, 9], [11, 9, 7]], dtype=np.float32)
    more = append_group(groups, ["x", "y"], vectors)
    assert more.centres.tolist() == [*groups.centres.tolist(), [10, 9, 8]]
    assert more.labels.tolist() == [*groups.labels.tolist(), 2, 2] and more.users == [*range(20), "x", "y"]
    assert np.array_equal(more.mean, groups.mean) and np.array_equal(more.std, groups.std)


def test_users_that_the_encoder_cannot_tell_apart_are_refused() -> None:
    groups = fit_groups(np.eye(4, dtype=np.float32), GroupConfig(n_groups=2))
    with pytest.raises(DataError, match="the same vector"):
        append_group(groups, ["x", "y"], np.ones((2, 4), dtype=np.float32))
