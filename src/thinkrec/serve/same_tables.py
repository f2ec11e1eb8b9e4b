"""Whether two runs were trained on the same tables, by what stands in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.errors import DataError


def check_same_tables(first: Dataset, second: Dataset) -> tuple[str, ...]:
    """See that two data sets hold the same users, items and opinions, whatever their files are called.

    Keywords and splits may differ, since they are choices of a recipe; each that does is returned as a sentence.

    Raises:
        DataError: naming the first difference in users, items, titles or opinions.
    """
    users, items = first.domain.user, first.domain.item
    _check_equal(f"ids of {users}s", first.user_ids, second.user_ids)
    _check_equal(f"ids of {first.domain.items}", first.items.ids, second.items.ids)
    _check_equal(f"titles of {first.domain.items}", first.items.titles, second.items.titles)
    for name, words in (
        ("user", f"{users}s of the opinions"),
        ("item", f"{items} of each opinion"),
        ("label", "likes and dislikes"),
        ("timestamp", "times of the opinions"),
    ):
        _check_equal(words, getattr(first.interactions, name).tolist(), getattr(second.interactions, name).tolist())
    notes = []
    if first.items.keywords != second.items.keywords:
        notes.append("The two runs were given different keywords; cards show those of the first.")
    if not np.array_equal(first.interactions.split, second.interactions.split):
        notes.append("The two runs split the rows differently: one may have trained on what the other had not seen.")
    return tuple(notes)


def _check_equal(words: str, first: Sequence[Any], second: Sequence[Any]) -> None:
    if list(first) == list(second):
        return
    if len(first) != len(second):
        what = f"the first has {len(first):,} and the second {len(second):,}"
    else:
        n = next(n for n, (one, other) in enumerate(zip(first, second, strict=True)) if one != other)
        what = f"at place {n + 1:,} the first has {_shorten_value(first[n])} and the second {_shorten_value(second[n])}"
    raise DataError(
        f"the two runs were trained on different tables, so that they cannot be compared: {words} differ ({what}); "
        "name a run that was trained on the same tables, or leave --beside out"
    )


def _shorten_value(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
