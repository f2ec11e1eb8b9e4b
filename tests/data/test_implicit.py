"""Sampled No: never met, of the same period, in numbers that make labels independent of what came before."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from thinkrec.data.dataset import Dataset
from thinkrec.data.implicit import SampledNegatives, sample_negatives
from thinkrec.data.split import ByRandom
from thinkrec.errors import DataError, DataWarning


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


def test_tables_of_plays() -> None:
    """Every row is a Yes whatever its count; rows named in `missing` go; what is drawn was never met by its user."""
    rows = pl.DataFrame(
        {
            "user_id": [n // 6 for n in range(60)],
            "item_id": [(n * 7) % 20 for n in range(60)],
            "rating": [0, *range(1, 60)],
        }
    )
    items = {"item_id": list(range(20)), "title": [f"Artist {n}" for n in range(20)]}
    split = ByRandom(valid=0.2, test=0.2, per_user=True)
    with pytest.warns(DataWarning, match="1 of 60 rows means that nothing happened"):
        ds = Dataset.from_tables(rows, items, negatives=SampledNegatives(), missing=[0], split=split)
    liked = ds.to_frame().filter(pl.col("label") == 1).select("user_id", "item_id")
    assert liked.sort("user_id", "item_id").equals(rows[1:].select("user_id", "item_id").sort("user_id", "item_id"))
    drawn = ds.to_frame().filter(pl.col("label") == 0)
    assert 30 < len(drawn) < 100 and drawn.join(liked, on=["user_id", "item_id"], how="semi").is_empty()
    with pytest.raises(DataError, match="every row is a Yes, and threshold=3 that some are none"):
        Dataset.from_tables(rows, items, negatives=SampledNegatives(), threshold=3, split=split)
    with pytest.raises(DataError, match="no row is left: every rating is named in `missing`"):
        Dataset.from_tables(rows[:1], items, negatives=SampledNegatives(), missing=[0], split=split)
    more = Dataset.from_tables(rows, items, negatives=SampledNegatives(per_positive=4), split=split)
    assert len(more.interactions) > len(ds.interactions)
