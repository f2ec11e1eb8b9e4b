"""In which order rows come in does not matter, apart from ties in time."""

from __future__ import annotations

import numpy as np
import polars as pl

from thinkrec.data.dataset import Dataset


def test_rows_in_any_order_give_the_same_histories() -> None:
    n, rng = 40, np.random.default_rng(0)
    rows = pl.DataFrame(
        {
            "user_id": rng.integers(0, 4, n),
            "item_id": rng.integers(0, 6, n),
            "label": rng.integers(0, 2, n),
            "timestamp": rng.permutation(n),
        }
    ).with_columns(
        pl.when(pl.col("timestamp") < 20)
        .then(pl.lit("train"))
        .when(pl.col("timestamp") < 30)
        .then(pl.lit("valid"))
        .otherwise(pl.lit("test"))
        .alias("split")
    )
    items = pl.DataFrame({"item_id": range(6), "title": list("abcdef")})
    found = [Dataset.from_tables(table, items).interactions for table in (rows, rows.sort("timestamp"))]
    for it in found:
        same = it.user[1:] == it.user[:-1]
        assert (np.diff(it.timestamp)[same] > 0).all(), "time goes on within each user"
        for row in range(len(it)):
            past = it.get_history(row, n)
            earlier = (it.user == it.user[row]) & (it.timestamp < it.timestamp[row])
            np.testing.assert_array_equal(np.arange(past.start, past.stop), np.flatnonzero(earlier))
    for name in ("user", "item", "label", "timestamp", "split", "start"):
        np.testing.assert_array_equal(getattr(found[0], name), getattr(found[1], name))
