"""A user's past as it is given in Python: pairs of an item and what the user thought of it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from thinkrec.errors import DataError

History = Iterable[tuple[Any, Any]]
"""(item id, opinion) pairs, oldest first; an opinion is True or False, 1 or 0, or a rating."""

_WORDS = {"true": True, "false": False}


def parse_history(history: History, threshold: float | None, usual: float | None) -> tuple[list[Any], np.ndarray]:
    """Item ids, and int8 labels (1 liked, 0 not), of pairs as a caller gives them.

    True and False are labels. Numbers, also as text, are ratings where there is a threshold: liked means rating >
    threshold; without one they are labels and must be 0 or 1. As in the tables, nothing else has a meaning.

    Args:
        history: pairs of an item id and an opinion, or a mapping of them.
        threshold: of this history, as its caller gave it.
        usual: of the data of the training; None where those held labels.

    Raises:
        DataError: naming the entry, for anything that is no pair, an opinion that is none of these, ratings mixed with
            True or False, and for 1 alone where it could be a label or a low rating.
    """
    if threshold is not None and not math.isfinite(threshold):
        raise DataError(f"threshold is {threshold}; give a finite number: liked means rating > threshold")
    ids, opinions = [], []
    for place, entry in enumerate(_list_entries(history), start=1):
        item, value = _split_pair(entry, place)
        ids.append(item)
        opinions.append(_parse_opinion(value, place))
    kinds = {isinstance(opinion, bool) for opinion in opinions}
    if len(kinds) > 1:
        first = next(
            i for i, opinion in enumerate(opinions) if isinstance(opinion, bool) != isinstance(opinions[0], bool)
        )
        raise DataError(
            f"history mixes True or False with numbers (entry {first + 1}: {opinions[first]!r}); give one kind"
        )
    if kinds == {True}:
        return ids, np.array(opinions, dtype=np.int8)
    bar = usual if threshold is None else threshold
    numbers = [float(opinion) for opinion in opinions]
    binary = all(number in (0.0, 1.0) for number in numbers)
    if bar is None:
        if not binary:
            wrong = next(i for i, number in enumerate(numbers) if number not in (0.0, 1.0))
            raise DataError(
                f"history entry {wrong + 1}: {opinions[wrong]!r} is neither 0 nor 1; for ratings also give threshold=: "
                "liked means rating > threshold"
            )
        return ids, np.array(numbers, dtype=np.int8)
    liked = np.array([number > bar for number in numbers], dtype=np.int8)
    if threshold is None and binary and liked.tolist() != numbers:
        # With a 0 among them they are labels: no scale of ratings that passes the bar goes down to 0 and ends at 1.
        if 0.0 not in numbers:
            raise DataError(
                f"every opinion in history is 1: a like, or a rating below the threshold {bar:g} of the data? Give "
                f"True or False for labels, or threshold={bar:g} for ratings"
            )
        return ids, np.array(numbers, dtype=np.int8)
    return ids, liked


def _list_entries(history: History) -> list[Any]:
    if isinstance(history, str | bytes):
        raise DataError(f"history is the text {history!r:.40}; give pairs (item id, liked), oldest first")
    if isinstance(history, dict):
        return list(history.items())
    try:
        return list(history)
    except TypeError as error:
        raise DataError(f"history is a {type(history).__name__}; give pairs (item id, liked), oldest first") from error


def _split_pair(entry: Any, place: int) -> tuple[Any, Any]:
    if not isinstance(entry, tuple | list) or len(entry) != 2:
        raise DataError(
            f"history entry {place}: {entry!r:.60} is no pair; give (item id, liked), such as ('b03', True)"
        )
    return entry[0], entry[1]


def _parse_opinion(value: Any, place: int) -> bool | float:
    """True, False, or a finite number."""
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, bool):
        return plain
    if isinstance(plain, str):
        text = plain.strip().lower()
        if text in _WORDS:
            return _WORDS[text]
        try:
            plain = float(text)
        except ValueError:
            plain = None
    if not isinstance(plain, int | float) or not math.isfinite(plain):
        raise DataError(f"history entry {place}: {value!r:.60} is no opinion; give True or False, 1 or 0, or a rating")
    return plain
