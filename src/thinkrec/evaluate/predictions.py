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
    """order (Int64, distinct), score (Float64, finite), and user_id and item_id where the table has them.

    Raises DataError for another kind of table, a repeated order, an empty id, or a score that is not finite.
    """
    if path.is_dir():
        found = sorted(inside.relative_to(path).as_posix() for inside in path.glob("s*/*/predictions.parquet"))
        told = f"give one of its tables: {', '.join(found)}" if found else "give a table with order and score"
        raise DataError(f"{path} is a folder; {told}")
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


def describe_partial_coverage(rows: pl.DataFrame, kept: pl.Series, why: str, what: str) -> str:
    """One sentence on the `rows` (order, user) that are not among the orders `kept`; empty where none is gone.

    `what` the rows are called: "test rows"; `why` they are gone: "without a prediction".
    """
    gone, users = _find_gaps(rows, kept)
    if not gone.height:
        return ""
    lost = f", with them all rows of {_format_lost_users(users, rows)}" if len(users) else "; every user keeps some"
    return f"Partial: {len(kept):,} of {rows.height:,} {what} are judged; {gone.height:,} {why} are left out{lost}."


def describe_gaps(rows: pl.DataFrame, kept: pl.Series, what: str) -> str:
    """How many of the `rows` (order, user) are not among `kept`, and which users lose all theirs."""
    gone, users = _find_gaps(rows, kept)
    lost = f", among them all those of {_format_lost_users(users, rows)}" if len(users) else ""
    return f"{gone.height:,} of {rows.height:,} {what}{lost}"


def shorten_list(values: Iterable[object], most: int = _NAMED) -> str:
    """The first few values with commas, and how many more there are."""
    shown = [str(value) for value in values]
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if len(shown) > most else "")


def _join_truth(table: pl.DataFrame, name: str, truth: GroundTruth) -> pl.DataFrame:
    joined = table.select("order", "score").join(truth.rows, on="order", how="left", maintain_order="left")
    unknown = joined["label"].is_null()
    if unknown.any() and truth.other_rows is not None:
        others = table.filter(unknown).join(truth.other_rows, on="order", how="inner")
        if others.height:
            counts = others["split"].value_counts().sort("split").rows()
            told = " and ".join(f"{count:,} of split {split}" for split, count in counts)
            raise DataError(
                f"{name} has predictions for rows that are not judged: {told} (judged are the {truth.description} of "
                f"{truth.source}). Leave them out, or choose other rows with --split train, valid, test or all."
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

    def told(frame: pl.DataFrame, row: int) -> str:
        return " ".join(f"{column.removesuffix('_id')} {frame[column][row]!r}" for column in known)

    shown = [f"order {table['order'][row]} is {told(table, row)} here, {told(joined, row)} there" for row in rows]
    raise DataError(
        f"{name}: {len(rows):,} of {table.height:,} rows are of another user or item than the rows of {source} with "
        f"the same order ({'; '.join(shown[:3])}{' and more' * (len(rows) > 3)}). The tables were changed or reordered "
        "since the predictions were made, or are of other data: give the tables that they were made for."
    )


def _find_gaps(rows: pl.DataFrame, kept: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
    """Rows that are not among the orders `kept`, and the names of users of whom none is."""
    there = rows["order"].is_in(kept.implode())
    gone = rows.filter(~there).sort("order")
    lost = gone.filter(~gone["user"].is_in(rows.filter(there)["user"].unique().implode()))
    return gone, lost[_get_name_column(rows)].unique(maintain_order=True)


def _format_lost_users(lost: pl.Series, rows: pl.DataFrame) -> str:
    return f"{len(lost):,} of {rows['user'].n_unique():,} users ({shorten_list(lost)})"


def _get_name_column(rows: pl.DataFrame) -> str:
    return "user_id" if "user_id" in rows.columns else "user"
