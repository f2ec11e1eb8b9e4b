"""Without times a random split decides what came before: whoever is judged has all train rows as a past."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST, TRAIN, VALID
from thinkrec.data.split import ByRandom, Split
from thinkrec.data.untimed_order import order_untimed_rows
from thinkrec.errors import DataWarning

SAID = (
    r"interactions: there are no times, so that the split decides what came before: .* judged by all train rows of its "
    r"user, (\d+\.\d) on average; (\d+\.\d) stand above it in the table\.$"
)


def make_rows(**more: object) -> pl.DataFrame:
    user = np.repeat(np.arange(20), 12)
    item = np.tile(np.arange(12), 20)
    return pl.DataFrame({"user_id": user, "item_id": item, "label": (user + item) % 2}).with_columns(**more)


def load(rows: pl.DataFrame, split: Split) -> tuple[Dataset, list[str]]:
    items = pl.DataFrame({"item_id": np.arange(12), "title": [f"Item {i}" for i in range(12)]})
    with pytest.warns(DataWarning) as heard:
        ds = Dataset.from_tables(rows, items, split=split)
    return ds, [str(entry.message) for entry in heard]


@pytest.mark.parametrize("split", [ByRandom(), ByRandom(per_user=True)])
def test_train_rows_come_first_and_nothing_is_hidden(split: ByRandom) -> None:
    ds, said = load(make_rows(), split)
    table = ds.interactions
    assert table.past.is_complete and not any("not in time order" in text for text in said)
    for user in range(20):
        rows = np.arange(table.start[user], table.start[user + 1])
        assert (np.diff(table.split[rows]) >= 0).all()
        n_train = int((table.split[rows] == TRAIN).sum())
        for row in rows[table.split[rows] != TRAIN]:
            seen = table.get_history_rows(row, 100)
            assert (table.split[seen] == TRAIN).sum() == n_train
            assert not (table.split[row] == VALID and (table.split[seen] == TEST).any())
        # Rows of one split stay as they stand in the table.
        for code in (TRAIN, VALID, TEST):
            assert (np.diff(table.item[rows[table.split[rows] == code]]) > 0).all()
    assert sorted(table.order) == list(range(240))


def test_the_message_counts() -> None:
    ds, said = load(make_rows(), ByRandom(per_user=True, valid=0.25, test=0.25))
    (found,) = [match for text in said if (match := re.match(SAID, text))]
    assert found[1] == "6.0"
    # By the table, a row at a random place among twelve has half of the six above it, on average.
    table = ds.interactions
    above = [
        sum(
            table.item[other] < table.item[row]
            for other in range(table.start[u], table.start[u + 1])
            if table.split[other] == TRAIN
        )
        for u in range(20)
        for row in range(table.start[u], table.start[u + 1])
        if table.split[row] != TRAIN
    ]
    assert found[2] == f"{np.mean(above):.1f}"


def test_other_rules_leave_the_rows_as_they_are() -> None:
    rows = make_rows(order=pl.int_range(240), timestamp=pl.lit(0), split=pl.lit("train"))
    assert order_untimed_rows(rows, None, has_order=False, source="t") is rows
    assert order_untimed_rows(rows, ByRandom(), has_order=True, source="t") is rows


def test_an_order_that_is_named_and_times_stay() -> None:
    ds, said = load(make_rows(order=pl.int_range(240)), ByRandom())
    assert not ds.interactions.past.is_complete and not any("the split decides" in text for text in said)
    ds, said = load(make_rows(timestamp=pl.int_range(240) + 10**9), ByRandom())
    assert not any("the split decides" in text for text in said) and not ds.interactions.past.is_complete
