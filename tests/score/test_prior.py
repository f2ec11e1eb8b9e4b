"""What a prior may be."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from thinkrec.score.prior import ScorePriorConfig


def test_a_prior_weighs_something() -> None:
    assert ScorePriorConfig(weight=0.5).source == "mean"
    for weight in (0, -1):
        with pytest.raises(ValidationError, match="greater than 0"):
            ScorePriorConfig(weight=weight)
