"""A past as it is given in Python: what the tables accept is accepted, the rest is refused naming the entry."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from thinkrec.errors import DataError
from thinkrec.score.histories import parse_history


@pytest.mark.parametrize(
    ("opinions", "threshold", "usual", "labels"),
    [
        ([True, False], None, None, [1, 0]),
        ([True, False], None, 3.0, [1, 0]),
        ([np.True_, np.False_], None, 3.0, [1, 0]),
        ([1, 0, 1], None, None, [1, 0, 1]),
        ([1.0, "0"], None, None, [1, 0]),
        (["true", "False"], None, None, [1, 0]),
        # Ratings: by the threshold of the data, or by one of their own.
        ([1, 2], None, 3.0, [0, 0]),
        ([4, 3, "5", np.int64(2), np.float32(3.5)], None, 3.0, [1, 0, 1, 0, 1]),
        ([4, 3], 3.5, 2.0, [1, 0]),
        ([4, 2], 3, None, [1, 0]),
        ([1, 1], 3, None, [0, 0]),
        ([1, 0], 0.5, None, [1, 0]),
        # With a 0 among them 0 and 1 are labels; a 0 alone is no like in either reading.
        ([1, 0], None, 3.0, [1, 0]),
        ([0], None, 3.0, [0]),
        ([1], None, 0.5, [1]),
        ([], None, 3.0, []),
    ],
)
def test_opinions(opinions: list[Any], threshold: float | None, usual: float | None, labels: list[int]) -> None:
    ids, found = parse_history([(f"b{i}", o) for i, o in enumerate(opinions)], threshold, usual)
    assert ids == [f"b{i}" for i in range(len(opinions))]
    assert found.tolist() == labels and found.dtype == np.int8


@pytest.mark.parametrize(
    ("history", "threshold", "usual", "words"),
    [
        ([("a", 1), ("b", 2)], None, None, "entry 2: 2 is neither 0 nor 1; for ratings also give threshold"),
        ([("a", 1)], None, 3.0, "every opinion in history is 1: a like, or a rating below the threshold 3"),
        ([("a", True), ("b", 4)], None, 3.0, r"mixes True or False with numbers \(entry 2: 4\)"),
        ([("a", True), ("b", None)], None, None, "entry 2: None is no opinion"),
        ([("a", "liked")], None, None, "entry 1: 'liked' is no opinion"),
        ([("a", float("nan"))], 3, None, "entry 1: nan is no opinion"),
        ([("a", [1])], None, None, "entry 1"),
        (["ab"], None, None, "entry 1: 'ab' is no pair"),
        ([("a", 1, 2)], None, None, "entry 1"),
        ("a,1", None, None, "history is the text"),
        (3, None, None, "history is a int"),
        ([("a", 4)], float("nan"), None, "threshold is nan"),
    ],
)
def test_what_says_nothing_is_refused(history: Any, threshold: float | None, usual: float | None, words: str) -> None:
    with pytest.raises(DataError, match=words):
        parse_history(history, threshold, usual)


def test_a_dictionary_keeps_its_order() -> None:
    assert parse_history({"a": True, "b": False}, None, None)[0] == ["a", "b"]
