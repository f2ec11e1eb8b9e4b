"""`evaluate ceiling` on a small catalogue."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.data.interactions import TRAIN
from thinkrec.errors import DataError
from thinkrec.run import ceiling
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

DS = simulate_catalogue(SimulatorConfig(users=40, items=60, interactions_per_user=(14, 20)), 5).dataset


def test_train_rows_are_thinned_and_no_others() -> None:
    data = DS.interactions
    for by in ("rows", "users"):
        part = ceiling.subsample_train_rows(DS, by, 0.5, 0).interactions
        assert (part.split != TRAIN).sum() == (data.split != TRAIN).sum()
        assert 0.3 < (part.split == TRAIN).sum() / (data.split == TRAIN).sum() < 0.7
        users = len(np.unique(part.user[part.split == TRAIN]))
        assert (users == 19) if by == "users" else (users > 20), by  # half of the 38 who have train rows


def test_everything_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceiling, "TREES", ceiling.TREES.model_copy(update={"trees": 5}))
    result = ceiling.measure_ceiling(DS, shares=[0.5])
    assert result["order_leak"] == 1.0
    points = {(p["scorer"], p["by"], p["share"]): p for p in result["curves"]}
    assert len(points) == 2 * 4
    assert points["boosting", "rows", 1.0]["uauc"] == points["boosting", "users", 1.0]["uauc"]
    assert points["boosting", "rows", 0.5]["n_rows"] < points["boosting", "rows", 1.0]["n_rows"]
    assert [row["term"] for row in result["explained"]][:2] == ["item", "user (whole past)"]
    assert set(result["oracle"]) == {str(share) for share in ceiling.KNOWN_SHARES}
    with pytest.raises(DataError, match="--shares 2"):
        ceiling.measure_ceiling(DS, shares=[2.0])
