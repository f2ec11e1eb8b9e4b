"""What came before a row where nothing says it: without times, a random split decides."""

from __future__ import annotations

import polars as pl

from thinkrec.data.interactions import SPLITS
from thinkrec.data.messages import emit_warning
from thinkrec.data.split import ByRandom, Split


def order_untimed_rows(rows: pl.DataFrame, split: Split | None, *, has_order: bool, source: str) -> pl.DataFrame:
    """Rows with a column `split`, none of which has a time, in an `order` that a random split leaves whole.

    The place in the table would hide from a test row all train rows below it, although they are no later. So the train
    rows of a user count as earlier than the validation rows, and these as earlier than the test rows; rows of one split
    stay in their order. Then every row that is judged has all train rows of its user as its past, and no row sees one
    of a later split. A DataWarning says so, with counts. Other splits, and tables that name an order, stay as they are.
    """
    if has_order or not isinstance(split, ByRandom):
        return rows
    train = pl.col("split") == SPLITS[0]
    placed = rows.with_row_index("row").sort("user_id", "timestamp", "order")
    judged = placed.select(
        train.sum().over("user_id").alias("all"), train.cum_sum().over("user_id").alias("above"), train.alias("train")
    ).filter(~pl.col("train"))
    before, above = (float(judged[name].mean()) for name in ("all", "above"))  # type: ignore[arg-type]
    emit_warning(
        f"{source}: there are no times, so that the split decides what came before: of one user's rows, those for "
        "training count as the earliest, and those for test as the latest. A validation or test row is judged by all "
        f"train rows of its user, {before:.1f} on average; {above:.1f} stand above it in the table."
    )
    ordered = rows.with_row_index("row").sort("split", "order").with_columns(pl.int_range(pl.len()).alias("order"))
    return ordered.sort("row").drop("row")
