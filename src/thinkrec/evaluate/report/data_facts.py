"""Facts about the data beside a results table: the split, what a like is, cold users and items, repeated pairs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import SPLITS, TEST, TRAIN
from thinkrec.data.split import ByDates, ByFractions, ByLast, ByMonths, ByRandom, Split
from thinkrec.evaluate.number_format import format_number

_SECONDS = (10**8, 10**10)
"""Times between these (1973 and 2286) are taken for seconds since 1970 and shown as dates."""


def count_facts(ds: Dataset) -> dict[str, Any]:
    """Facts about the data as plain numbers for metrics.json.

    - cold_test: shares of the test rows, 0..1, whose user, whose item, and one or both of them, have no train row; None
      without test rows.
    - repeats: user-item pairs that occur more than once, and the rows that they have beyond the first.
    - time: first and last time per split; None for an empty one.
    """
    interactions = ds.interactions
    train, test = interactions.split == TRAIN, interactions.split == TEST
    cold_user = ~np.isin(interactions.user[test], interactions.user[train])
    cold_item = ~np.isin(interactions.item[test], interactions.item[train])
    cold = {"user": cold_user, "item": cold_item, "either": cold_user | cold_item}
    pairs = interactions.user.astype(np.int64) * len(ds.items) + interactions.item
    times = np.unique(pairs, return_counts=True)[1]
    return {
        "cold_test": {name: float(is_cold.mean()) for name, is_cold in cold.items()} if test.any() else None,
        "repeats": {"pairs": int((times > 1).sum()), "rows": int((times - 1).sum())},
        "time": {
            name: _compute_time_range(interactions.timestamp[interactions.split == code])
            for code, name in enumerate(SPLITS)
        },
    }


def describe_facts(ds: Dataset, *, split: Split | None = None, liked: str = "") -> dict[str, str]:
    """The same in words, with the like rates, for a report or under a table.

    `split`: the rule; None where the data brought it. `liked`: what a like is, where that says more than the data.
    """
    interactions, facts = ds.interactions, count_facts(ds)
    split_titles = {"train": "train", "valid": "validation", "test": "test"}
    spans = {name: facts["time"][name] for name in SPLITS if facts["time"][name] is not None}
    periods = "; ".join(
        f"{split_titles[name]} {_format_date(first)} to {_format_date(last)}" for name, (first, last) in spans.items()
    )
    rates = [
        f"{split_titles[name]} {format_number(float(interactions.label[interactions.split == code].mean()))}"
        for code, name in enumerate(SPLITS)
        if name in spans
    ]
    liked = liked or ("label 1" if ds.threshold is None else f"rating > {ds.threshold:g}")
    cold = facts["cold_test"]
    shares = (
        "no test rows"
        if cold is None
        else (
            f"{cold['either']:.1%} have a user or an item without a train row (users {cold['user']:.1%}, items "
            f"{cold['item']:.1%})"
        )
    )
    repeats = facts["repeats"]
    again = f"{repeats['pairs']:,} user-item pairs occur more than once ({repeats['rows']:,} further rows)"
    return {
        "split": f"{describe_split(split)}: {periods}",
        "liked": f"{liked}; like rate {', '.join(rates)}",
        "cold test rows": shares,
        "repeated pairs": again if repeats["pairs"] else "none",
    }


def describe_split(split: Split | None) -> str:
    """The rule in words."""
    match split:
        case ByDates():
            test = "the later half of it" if split.test_from is None else f"from {split.test_from:%Y-%m-%d}"
            return f"by dates, validation from {split.valid_from:%Y-%m-%d}, test {test}"
        case ByMonths():
            return f"by months from {split.start}, {split.train} + {split.valid} + {split.test}"
        case ByFractions():
            return f"by time, the last {split.test:.0%} for test, {split.valid:.0%} before for validation"
        case ByLast():
            return f"per user, the last {split.test:g} for test, {split.valid:g} before for validation, not by one time"
        case ByRandom():
            whose = "each user's rows" if split.per_user else "all rows"
            return (
                f"drawn by seed {split.seed} from {whose}, {split.valid:.0%} for validation, {split.test:.0%} for test"
            )
        case _:
            return "as given with the data"


def _compute_time_range(times: np.ndarray) -> list[int] | None:
    return [int(times.min()), int(times.max())] if len(times) else None


def _format_date(time: int) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d}" if _SECONDS[0] < time < _SECONDS[1] else str(time)
