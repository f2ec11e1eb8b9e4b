"""What reasons are compared with."""

from __future__ import annotations

import doctest

import numpy as np

from thinkrec.evaluate.faithfulness import baselines
from thinkrec.evaluate.faithfulness.baselines import cite_largest_effect, cite_most_recent, cite_same_places
from thinkrec.evaluate.faithfulness.cited_lines import CitedLines


def test_examples_hold() -> None:
    assert doctest.testmod(baselines).failed == 0


def test_places_are_counted_from_the_most_recent_line() -> None:
    other = CitedLines(np.array([0, 1, -1], dtype=np.int8))
    longer = cite_same_places(other, np.array([1, 1, 1, 0, 1], dtype=np.int8))
    assert longer.directions.tolist() == [0, 0, 0, -1, 1], "the side is the own label's"
    assert cite_same_places(other, np.array([1], dtype=np.int8)).directions.tolist() == [1]
    assert cite_same_places(other, np.zeros(0, dtype=np.int8)).directions.tolist() == []


def test_one_line_each() -> None:
    labels = np.array([1, 1, 0], dtype=np.int8)
    assert cite_most_recent(labels).directions.tolist() == [0, 0, -1]
    assert cite_most_recent(labels[:0]).directions.tolist() == []
    assert cite_largest_effect(np.array([0.2, -0.1])).directions.tolist() == [1, 0]
    assert cite_largest_effect(np.zeros(2)).directions.tolist() == [0, 0]
    assert cite_largest_effect(np.zeros(0)).directions.tolist() == []
