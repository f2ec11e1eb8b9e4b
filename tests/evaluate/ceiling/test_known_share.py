"""UAUC of somebody who knows a share of what decides."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.evaluate.ceiling.known_share import find_known_share, simulate_uauc

USER = np.repeat(np.arange(80), 25)
LABEL = np.random.default_rng(1).integers(2, size=len(USER))


def test_nothing_known_is_chance_and_all_known_is_perfect() -> None:
    assert simulate_uauc(USER, LABEL, 0.0)[0] == pytest.approx(0.5, abs=0.02)
    assert simulate_uauc(USER, LABEL, 1.0) == (1.0, 0.0)
    values = [simulate_uauc(USER, LABEL, share)[0] for share in (0.1, 0.3, 0.6, 0.9)]
    assert values == sorted(values)
    with pytest.raises(ValueError, match="between 0 and 1"):
        simulate_uauc(USER, LABEL, 1.2)


def test_the_share_behind_a_uauc_is_found() -> None:
    assert find_known_share(USER, LABEL, simulate_uauc(USER, LABEL, 0.35)[0]) == pytest.approx(0.35, abs=0.01)
    assert find_known_share(USER, LABEL, 0.5) == 0.0


def test_order_of_rows_does_not_matter() -> None:
    mixed = np.random.default_rng(2).permutation(len(USER))
    assert simulate_uauc(USER[mixed], LABEL[mixed], 0.3)[0] == pytest.approx(simulate_uauc(USER, LABEL, 0.3)[0])
