"""Which rows settings are compared on."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.errors import DataError
from thinkrec.evaluate.text.align import References
from thinkrec.run.decoding_comparison import draw_references


def refer(n: int) -> References:
    return References(np.arange(n) * 10, np.arange(n) % 3, tuple(f"text {i}" for i in range(n)), "refs")


def test_rows_are_drawn_by_seed_and_stay_in_order() -> None:
    whole = refer(20)
    assert draw_references(whole, None, 0) is whole and draw_references(whole, 20, 0) is whole
    few, other = draw_references(whole, 6, 0), draw_references(whole, 6, 1)
    assert len(few.order) == len(few.text) == len(few.user) == 6 and few.order.tolist() != other.order.tolist()
    assert np.all(np.diff(few.order) > 0)
    assert few.text == tuple(f"text {order // 10}" for order in few.order.tolist())
    assert few.user.tolist() == [order // 10 % 3 for order in few.order.tolist()]
    # More rows hold those of fewer, so that what was written about them serves again.
    assert set(few.order) <= set(draw_references(whole, 12, 0).order)


def test_one_row_is_no_comparison() -> None:
    with pytest.raises(DataError, match="refs: 1 row"):
        draw_references(refer(1), None, 0)
