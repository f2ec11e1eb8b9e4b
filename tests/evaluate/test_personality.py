"""Overlaps of tops."""

from __future__ import annotations

from thinkrec.evaluate.personality import measure_personality


def test_overlaps_are_counted_per_pair_and_as_means() -> None:
    tops = {"a / b": ([1, 2, 3], [3, 2, 1]), "c / d": ([1, 2, 9], [7, 8, 6])}
    result = measure_personality(tops, nobody=[1, 2, 3])
    assert result["top"] == 3
    assert result["pairs"] == {"a / b": {"opposite": 3, "nobody": 3.0}, "c / d": {"opposite": 0, "nobody": 1.0}}
    assert result["mean"] == {"opposite": 1.5, "nobody": 2.0}
