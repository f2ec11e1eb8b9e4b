"""Implicit feedback: plays and purchases say Yes alone; what counts as a No is drawn by seed and said."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

import numpy as np
import polars as pl
from pydantic import Field

from thinkrec.data.messages import emit_warning, warn_rows
from thinkrec.data.ratings import find_unrated_rows
from thinkrec.data.row_trace import keep_rows
from thinkrec.errors import DataError
from thinkrec.io.config import Config
from thinkrec.io.counts import choose_form

_TRIES = 20


class SampledNegatives(Config):
    """Items that the user never met, drawn by seed, as the source of No."""

    per_positive: float = Field(default=1.0, gt=0, le=20)
    """Mean number of items drawn for each Yes; the number of each is geometric."""
    draw: Literal["uniform", "popularity"] = "uniform"
    """uniform: every item of the period alike. popularity: by its rows in the period."""
    days: int = Field(default=30, ge=1)
    """Length of the periods: an item can be a No only in a period in which somebody met it."""
    seed: int = Field(default=0, ge=0)
    """Seed of the draw."""

    def describe(self) -> str:
        """One sentence for beside every table."""
        how = "uniformly" if self.draw == "uniform" else "by popularity"
        return (
            f"No is sampled: per Yes on average {self.per_positive:g} "
            f"{'item' if self.per_positive == 1 else 'items'} that the user never met, drawn {how} among the items "
            f"that anybody met in the same {'day' if self.days == 1 else f'{self.days} days'}, or at all where there "
            f"are no times (seed {self.seed}); such labels measure who met what, not who disliked what"
        )


def mark_rows_liked(
    table: pl.DataFrame, threshold: float | None, missing: Collection[Any] | None, source: str
) -> pl.DataFrame:
    """Interactions in which every row is a Yes: label 1 in place of what counts how often or how long.

    Rows whose rating is one of `missing` (plays of 0) are left out, and counted. Raises DataError where a threshold
    says that some rows are a No, and where no row is left.
    """
    if threshold is not None:
        raise DataError(
            f"{source}: `negatives` says that every row is a Yes, and threshold={threshold:g} that some are none. Drop "
            "one of them."
        )
    absent = find_unrated_rows(table, missing, source)
    if absent.any():
        warn_rows(table["rating"], absent, source, "mean that nothing happened", "They are left out (missing).")
        keep_rows(source, ~absent)
        table = table.filter(~absent)
    if table.is_empty():
        raise DataError(f"{source}: no row is left: every rating is named in `missing`. Correct it.")
    return table.drop("rating", "label", strict=False).with_columns(pl.lit(1, dtype=pl.Int8).alias("label"))


def sample_negatives(rows: pl.DataFrame, config: SampledNegatives, *, has_times: bool, source: str) -> pl.DataFrame:
    """Rows of label 1 with drawn rows of label 0 among them, `order` counted anew.

    The rows of one user in their order (time, `order`) have labels that are independent draws with
    P(Yes) = 1 / (1 + per_positive): before each Yes, at its time, stands a geometric number of No. With a fixed number
    the labels of earlier rows, which a model is shown, would tell the label of the next. A No has the split of its Yes.
    It is an item that its user meets nowhere in the table, so a row about an item that the user has met is a Yes.

    Args:
        rows: canonical interactions with label 1 and a column `split`.
        config: how to draw.
        has_times: whether `timestamp` is a time; without, all rows are one period.
        source: for messages.

    Raises:
        DataError: if a row has another label, or no item could be drawn at all.
    """
    if not (rows["label"] == 1).all():
        raise DataError(f"{source}: sampled negatives are for data in which every row is a Yes. Drop `negatives`.")
    ranked = rows.with_columns(pl.col(pl.Categorical).cast(pl.String)).sort("user_id", "timestamp", "order")
    rng = np.random.default_rng(config.seed)
    item_ids = ranked["item_id"].unique().sort()
    codes = (
        ranked["item_id"].replace_strict(item_ids, pl.int_range(len(item_ids), eager=True)).to_numpy().astype(np.int64)
    )
    users = ranked["user_id"].rank("dense").to_numpy().astype(np.int64)
    period = ranked["timestamp"].to_numpy() // (config.days * 86_400) if has_times else np.zeros(len(ranked), np.int64)
    # Numpy's geometric counts the trials up to the first success, that is the failures and one.
    counts = rng.geometric(1 / (1 + config.per_positive), len(ranked)) - 1
    owner = np.repeat(np.arange(len(ranked)), counts)
    drawn = _draw_items(users * len(item_ids), codes, period, owner, config, rng)
    is_drawn = drawn >= 0
    if not is_drawn.any():
        raise DataError(f"{source}: no item could be drawn as a No: every user met all items. Use more items or days.")
    if lacking := int((~is_drawn).sum()):
        emit_warning(
            f"{source}: {lacking:,} of {len(is_drawn):,} rows of No {choose_form(lacking, 'was', 'were')} "
            "not drawn, because the user met nearly all items of the period."
        )
    owner, drawn = owner[is_drawn], drawn[is_drawn]
    negatives = ranked[owner.tolist()].with_columns(
        item_ids.gather(drawn).alias("item_id"), pl.lit(0, dtype=pl.Int8).alias("label"), pl.Series("place", owner * 2)
    )
    positives = ranked.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("place") * 2 + 1)
    both = pl.concat([negatives, positives]).sort("place", maintain_order=True).drop("place")
    return both.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("order"))


def _draw_items(
    user_base: np.ndarray,
    codes: np.ndarray,
    period: np.ndarray,
    owner: np.ndarray,
    config: SampledNegatives,
    rng: np.random.Generator,
) -> np.ndarray:
    """An item code per entry of `owner` (int64 row numbers) that its user never met; -1 where none was hit in time."""
    met = np.unique(user_base + codes)
    pools = {}
    for value in np.unique(period):
        inside = codes[period == value]
        pools[value] = np.unique(inside) if config.draw == "uniform" else inside
    drawn = np.full(len(owner), -1, dtype=np.int64)
    places = np.arange(len(owner))
    by_period = np.argsort(period[owner], kind="stable")
    for _ in range(_TRIES):
        left = by_period[drawn[by_period] < 0]
        if not len(left):
            break
        values, starts = np.unique(period[owner[left]], return_index=True)
        for value, part in zip(values, np.split(left, starts[1:]), strict=True):
            pool = pools[value]
            picks = pool[rng.integers(0, len(pool), len(part))]
            keys = user_base[owner[part]] + picks
            at = np.minimum(np.searchsorted(met, keys), len(met) - 1)
            new = met[at] != keys
            drawn[places[part[new]]] = picks[new]
    return drawn
