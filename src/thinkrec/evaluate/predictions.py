"""Scores beside the rows they are for: matched by `order`, checked by user and item, missing rows counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from thinkrec.data.columns import parse_ids, parse_order, reject_rows
from thinkrec.data.tables import read_table
from thinkrec.errors import DataError
from thinkrec.evaluate.judged_rows import require_table_columns

IDS = ("user_id", "item_id")
_NAMED = 5


@dataclass(frozen=True)
class GroundTruth:
    """The rows that predictions are judged on."""

    rows: pl.DataFrame
    """order (Int64, distinct), user (what the bootstrap draws), label (0 or 1), and user_id and item_id where known."""
    source: str
    """Where they are from, for messages."""
    description: str = "rows"
    """What they are called in messages: "test rows"."""
    other_rows: pl.DataFrame | None = None
    """(order, split) of rows of the same source that are not judged."""


def read_predictions(path: Path) -> pl.DataFrame:
    """Predictions: order (Int64, distinct), score (Float64, finite), and user_id and item_id where the table has them.

    Raises DataError for another kind of table, a repeated order, an empty id, or a score that is not finite.
    """
    if path.is_dir():
        tables = sorted(inside.relative_to(path).as_posix() for inside in path.glob("s*/*/predictions.parquet"))
        remedy = f"give one of its tables: {', '.join(tables)}" if tables else "give a table with order and score"
        raise DataError(f"{path} is a folder; {remedy}")
    table, name = read_table(path), str(path)
    require_table_columns(table, ("order", "score"), name)
    order = parse_order(table["order"], name)
    score = table["score"].cast(pl.Float64, strict=False)
    reject_rows(
        table["score"], ~score.is_finite(), name, "has scores that are not finite numbers", "Look at the scorer."
    )
    ids = [column for column in IDS if column in table.columns]
    return pl.DataFrame([order.alias("order"), score.alias("score"), *(parse_ids(table[c], name) for c in ids)])


def match_predictions(
    tables: Mapping[str, pl.DataFrame], truth: GroundTruth, *, partial: bool
) -> tuple[list[pl.DataFrame], str]:
    """Predictions (name -> `read_predictions`) on the rows of `truth`, and a remark on what was left out.

    Returns one frame per table with order, user, label and score, all over the same rows in `order` order. Without
    `partial` these are all rows of `truth`; with it the rows that every table has, and the remark says how many rows
    and users are gone. Raises DataError for predictions of other rows, rows without a prediction, or a user or item
    that is not that of the row.
    """
    joined = [_join_truth(table, name, truth) for name, table in tables.items()]
    common = truth.rows.select("order").sort("order")
    for name, frame in zip(tables, joined, strict=True):
        lacking = common.join(frame, on="order", how="anti", maintain_order="left")["order"]
        if len(lacking) and not partial:
            raise DataError(
                f"{name} has no prediction for {describe_gaps(truth.rows, frame['order'], truth.description)} of "
                f"{truth.source} (order {shorten_list(lacking)}). Predict every row, or judge the others alone with "
                "--partial."
            )
        common = common.join(frame, on="order", how="semi", maintain_order="left")
    if not common.height:
        raise DataError(f"no row of {truth.source} is in all of {', '.join(tables)}; give predictions of the same rows")
    matched = [common.join(frame, on="order", how="left", maintain_order="left") for frame in joined]
    return matched, describe_partial_coverage(truth.rows, common["order"], "without a prediction", truth.description)


def describe_partial_coverage(rows: pl.DataFrame, judged: pl.Series, why: str, what: str) -> str:
    """One sentence on the `rows` (order, user) that are not among the orders `judged`; empty where none is left out.

    `what` the rows are called: "test rows"; `why` they are left out: "without a prediction".
    """
    left_out, users = _find_gaps(rows, judged)
    if not left_out.height:
        return ""
    lost = f", with them all rows of {_format_lost_users(users, rows)}" if len(users) else "; every user keeps some"
    return (
        f"Partial: {len(judged):,} of {rows.height:,} {what} are judged; {left_out.height:,} {why} are left out{lost}."
    )


def describe_gaps(rows: pl.DataFrame, judged: pl.Series, what: str) -> str:
    """How many of the `rows` (order, user) are not among the orders `judged`, and which users lose all theirs."""
    left_out, users = _find_gaps(rows, judged)
    lost = f", among them all those of {_format_lost_users(users, rows)}" if len(users) else ""
    return f"{left_out.height:,} of {rows.height:,} {what}{lost}"


def shorten_list(values: Iterable[object], limit: int = _NAMED) -> str:
    """The first few values with commas, and how many more there are."""
    texts = [str(value) for value in values]
    return ", ".join(texts[:limit]) + (f" and {len(texts) - limit} more" if len(texts) > limit else "")


def _join_truth(table: pl.DataFrame, name: str, truth: GroundTruth) -> pl.DataFrame:
    joined = table.select("order", "score").join(truth.rows, on="order", how="left", maintain_order="left")
    unknown = joined["label"].is_null()
    if unknown.any() and truth.other_rows is not None:
        others = table.filter(unknown).join(truth.other_rows, on="order", how="inner")
        if others.height:
            counts = others["split"].value_counts().sort("split").rows()
            per_split = " and ".join(f"{count:,} of split {split}" for split, count in counts)
            raise DataError(
                f"{name} has predictions for rows that are not judged: {per_split} (judged are the "
                f"{truth.description} of {truth.source}). Leave them out, or choose other rows with --split train, "
                "valid, test or all."
            )
    remedy = "Give the table that these predictions were made for."
    reject_rows(table["order"], unknown, name, f"names rows that {truth.source} does not have", remedy)
    _refuse_other_ids(table, joined, name, truth.source)
    return joined


def _refuse_other_ids(table: pl.DataFrame, joined: pl.DataFrame, name: str, source: str) -> None:
    """Ids are compared as text: one table may have been read from CSV, where whole numbers become integers."""
    known = [column for column in IDS if column in table.columns and column in joined.columns]
    wrong = pl.Series([False] * table.height, dtype=pl.Boolean)
    for column in known:
        wrong |= table[column].cast(pl.String).ne_missing(joined[column].cast(pl.String))
    rows = wrong.arg_true().to_list()
    if not rows:
        return

    def format_ids(frame: pl.DataFrame, row: int) -> str:
        return " ".join(f"{column.removesuffix('_id')} {frame[column][row]!r}" for column in known)

    examples = [
        f"order {table['order'][row]} is {format_ids(table, row)} here, {format_ids(joined, row)} there" for row in rows
    ]
    raise DataError(
        f"{name}: {len(rows):,} of {table.height:,} rows are of another user or item than the rows of {source} with "
        f"the same order ({'; '.join(examples[:3])}{' and more' * (len(rows) > 3)}). The tables were changed or "
        "reordered since the predictions were made, or are of other data: give the tables that they were made for."
    )


def _find_gaps(rows: pl.DataFrame, judged: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
    """Rows that are not among the orders `judged`, and the names of users of whom none is."""
    is_judged = rows["order"].is_in(judged.implode())
    left_out = rows.filter(~is_judged).sort("order")
    lost = left_out.filter(~left_out["user"].is_in(rows.filter(is_judged)["user"].unique().implode()))
    return left_out, lost[_get_name_column(rows)].unique(maintain_order=True)


def _format_lost_users(lost: pl.Series, rows: pl.DataFrame) -> str:
    return f"{len(lost):,} of {rows['user'].n_unique():,} users ({shorten_list(lost)})"


def _get_name_column(rows: pl.DataFrame) -> str:
    return "user_id" if "user_id" in rows.columns else "user"
