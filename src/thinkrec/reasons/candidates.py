"""Several reasons for one train row, from several tables: what a choice among them is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import polars as pl

from thinkrec.claims.verdict import format_verdict, parse_verdict
from thinkrec.data.columns import require_columns
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN
from thinkrec.data.tables import read_table
from thinkrec.errors import DataError
from thinkrec.reasons.matching import match_rows

NO_ROW, NO_TRAIN_ROW = "their rows are not in the data", "their rows are not train rows"
NO_TEXT, OTHER_VERDICT, REPEATED = "no text", "another verdict than the row's label", "said by another candidate"
"""Why a reason is no candidate."""


class Candidate(NamedTuple):
    """One of the reasons that a row could be trained on."""

    table: str
    """Name of the table that it comes from."""
    reason: str


@dataclass(frozen=True)
class Candidates:
    """What tables offer for train rows."""

    by_row: dict[int, list[Candidate]]
    """Row number -> its candidates of different texts, in the order of the tables; no row is without."""
    left_out: dict[str, Counter[str]]
    """Table -> why reasons of it are no candidates, with counts."""
    rows_without: int
    """Train rows that a table names and that no candidate is left for."""


def read_candidates(ds: Dataset, tables: Mapping[str, Path]) -> Candidates:
    """Read tables with `order` and `reason`, best `user_id` and `item_id` too (`match_rows`), one reason a row each.

    A reason is a candidate if its row is a train row, it opens with the row's label as a verdict and means it, and no
    table before it has the same text.

    Raises DataError for a table without these columns, one whose rows are not those of the data (`match_rows`), and
    where no candidate is left at all.
    """
    by_row: dict[int, list[Candidate]] = {}
    left_out: dict[str, Counter[str]] = {}
    named: set[int] = set()
    for name, path in tables.items():
        table, source = read_table(path), str(path)
        require_columns(table, ("order", "reason"), source)
        if table.is_empty():
            raise DataError(f"{source} has no rows; give a table with reasons, or leave it out")
        counts = left_out.setdefault(name, Counter())
        texts = table["reason"].cast(pl.String, strict=False).to_list()
        for row, text in zip(match_rows(ds, table, source).rows.tolist(), texts, strict=True):
            if row >= 0 and ds.interactions.split[row] == TRAIN:
                named.add(row)
            cause = _find_fault(ds, row, text, by_row.get(row, ()))
            if cause is None:
                by_row.setdefault(row, []).append(Candidate(name, text))
            else:
                counts[cause] += 1
    if not by_row:
        causes = sum(left_out.values(), Counter())
        message = "; ".join(f"{count:,}: {cause}" for cause, count in causes.most_common())
        raise DataError(
            f"none of the reasons in {', '.join(map(str, tables.values()))} is about a train row ({message})"
        )
    return Candidates({row: by_row[row] for row in sorted(by_row)}, left_out, len(named - by_row.keys()))


def _find_fault(ds: Dataset, row: int, text: str | None, others: list[Candidate] | tuple[()]) -> str | None:
    """Why a reason is no candidate of a row; None where it is one."""
    if row < 0:
        return NO_ROW
    if ds.interactions.split[row] != TRAIN:
        return NO_TRAIN_ROW
    if text is None or not text.strip():
        return NO_TEXT
    label, title = bool(ds.interactions.label[row]), ds.items.titles[ds.interactions.item[row]]
    if not text.startswith(f"{format_verdict(label)}.") or parse_verdict(text, [title]) != label:
        return OTHER_VERDICT
    return REPEATED if any(candidate.reason == text for candidate in others) else None
