"""Reasons beside their references, matched by `order`, never by line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from thinkrec.data.columns import parse_ids, parse_order, parse_text, reject_rows
from thinkrec.errors import DataError
from thinkrec.evaluate.judged_rows import require_table_columns
from thinkrec.evaluate.predictions import describe_gaps, describe_partial_coverage, shorten_list


@dataclass(frozen=True)
class References:
    """What reasons are compared to, by ascending `order`."""

    order: np.ndarray
    """int64 (n,), distinct."""
    user: np.ndarray
    """(n,): whose row it is; what the bootstrap draws."""
    text: tuple[str, ...]
    source: str
    """The name of the table in messages."""

    @property
    def rows(self) -> pl.DataFrame:
        """Rows as a frame: order, user."""
        return pl.DataFrame({"order": self.order, "user": pl.Series(self.user)})


def read_references(
    table: pl.DataFrame, source: str, *, split: str | None = None, users: pl.DataFrame | None = None
) -> References:
    """References of a table with `order`, `reason` and `user_id`.

    Args:
        table: columns order and reason; user_id unless `users` is given; split where rows are chosen by it.
        source: the name of the table in messages.
        split: keep the rows whose column `split` says so; by default all.
        users: (order, user), where the table has no `user_id`.

    Raises:
        DataError: a missing column, an unknown split, a repeated order, an empty reference, or a row whose user is not
            known.
    """
    require_table_columns(table, ("order", "reason"), source)
    if split is not None:
        require_table_columns(table, ("split",), source)
        names = table["split"].cast(pl.String)
        table = table.filter(names == split)
        if not table.height:
            known = ", ".join(sorted(set(names.drop_nulls())))
            raise DataError(f"{source}: no row has the split {split!r}; the column holds: {known}")
    order, text = parse_order(table["order"], source), parse_text(table["reason"], source)
    empty = text.str.strip_chars().fill_null("") == ""
    reject_rows(table["reason"], empty, source, "has empty references", "Drop these rows.")
    frame = pl.DataFrame({"order": order, "text": text})
    if "user_id" in table.columns:
        frame = frame.with_columns(user=parse_ids(table["user_id"], source))
    elif users is not None:
        frame = frame.join(users.select("order", "user"), on="order", how="left", maintain_order="left")
        reject_rows(order, frame["user"].is_null(), source, "names rows without a known user", "Add a column user_id.")
    else:
        raise DataError(
            f"{source}: column 'user_id' is missing, and intervals are over users. Add it, or say where the users are: "
            "--interactions TABLE or --run RUN."
        )
    frame = frame.sort("order")
    return References(frame["order"].to_numpy(), frame["user"].to_numpy(), tuple(frame["text"].to_list()), source)


def keep_common_references(
    tables: Mapping[str, pl.DataFrame], references: References
) -> tuple[dict[str, pl.DataFrame], References, str]:
    """Tables and references cut to the references that every table has a reason for, and a remark on what is gone.

    Reasons without a reference are left out as well, which the remark says. Raises DataError if nothing is left.
    """
    common = set(references.order.tolist())
    orders = {}
    for name, table in tables.items():
        require_table_columns(table, ("order", "reason"), name)
        orders[name] = parse_order(table["order"], name)
        common &= set(orders[name].to_list())
    if not common:
        raise DataError(
            f"no row of {references.source} is in all of {', '.join(tables)}; give reasons of the same rows"
        )
    is_common = np.isin(references.order, list(common))
    common_tables = {name: table.filter(orders[name].is_in(list(common))) for name, table in tables.items()}
    text = tuple(text for text, keep in zip(references.text, is_common, strict=True) if keep)
    common_references = References(references.order[is_common], references.user[is_common], text, references.source)
    remark = describe_partial_coverage(
        references.rows, pl.Series(common_references.order), "without a reason", "references"
    )
    known = references.order.tolist()
    remarks = [
        f"{count:,} of {len(orders[name]):,} reasons of {Path(name).name} have no reference and are left out."
        for name in tables
        if (count := int((~orders[name].is_in(known)).sum()))
    ]
    return common_tables, common_references, " ".join(filter(None, [remark, *remarks]))


def align_reasons(table: pl.DataFrame, source: str, references: References) -> tuple[str, ...]:
    """The reasons of a table (columns order, reason) in the order of the references; an empty reason stays empty.

    Raises DataError for a repeated order, one without a reference, a reference without a reason, or a missing text.
    """
    require_table_columns(table, ("order", "reason"), source)
    order, text = parse_order(table["order"], source), parse_text(table["reason"], source)
    remedy = "Write an empty text where nothing was generated."
    reject_rows(table["reason"], text.is_null(), source, "has reasons that are missing", remedy)
    reason_of = dict(zip(order.to_list(), text.to_list(), strict=True))
    wanted = references.order.tolist()
    unknown = sorted(set(reason_of) - set(wanted))
    if unknown:
        raise DataError(
            f"{source} has reasons for rows that {references.source} does not have: order {shorten_list(unknown)}. "
            "Choose the same rows, for instance with --split."
        )
    lacking = [row for row in wanted if row not in reason_of]
    if lacking:
        raise DataError(
            f"{source} lacks reasons for rows of {references.source}: order {shorten_list(lacking)}. "
            f"That is {describe_gaps(references.rows, order, 'references')}. Write a reason for every row that is "
            "compared, an empty one where nothing came, or compare the others alone with --partial."
        )
    return tuple(reason_of[row] for row in wanted)
