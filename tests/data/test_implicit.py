"""Sampled No: never met, of the same period, in numbers that make labels independent of what came before."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from thinkrec.data.implicit import SampledNegatives, sample_negatives
from thinkrec.errors import DataError


def build(n_users: int = 200, n_items: int = 300) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    n = n_users * 20
    return pl.DataFrame(
        {
            "user_id": np.repeat(np.arange(n_users), 20),
            "item_id": rng.integers(0, n_items, n),
            "label": pl.Series([1] * n, dtype=pl.Int8),
            "timestamp": rng.integers(0, 90 * 86_400, n),
            "order": np.arange(n),
            "split": ["train"] * n,
        }
    )


def test_negatives_are_new_to_the_user_and_labels_follow_from_no_label_before() -> None:
    rows = build()
    out = sample_negatives(rows, SampledNegatives(per_positive=2, seed=3), has_times=True, source="t")
    met = set(rows.select("user_id", "item_id").rows())
    no = out.filter(pl.col("label") == 0)
    assert not met & set(no.select("user_id", "item_id").rows())
    assert len(no) / len(rows) == pytest.approx(2, abs=0.15)
    label = out.sort("user_id", "timestamp", "order")["label"].to_numpy()
    after_yes, after_no = label[1:][label[:-1] == 1].mean(), label[1:][label[:-1] == 0].mean()
    assert after_yes == pytest.approx(after_no, abs=0.03)
    periods = out.with_columns((pl.col("timestamp") // (30 * 86_400)).alias("p"))
    known = set(periods.filter(pl.col("label") == 1).select("item_id", "p").rows())
    assert set(periods.filter(pl.col("label") == 0).select("item_id", "p").rows()) <= known


def test_same_seed_same_rows_and_a_no_of_its_own_is_refused() -> None:
    rows = build(20)
    one, two = (sample_negatives(rows, SampledNegatives(), has_times=True, source="t") for _ in range(2))
    assert one.equals(two)
    with pytest.raises(DataError, match="every row is a Yes"):
        sample_negatives(rows.with_columns(label=pl.lit(0)), SampledNegatives(), has_times=True, source="t")
