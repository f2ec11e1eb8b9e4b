"""The table of reasons, as `reasons/written.py` reads it."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from thinkrec.data.dataset import Dataset
from thinkrec.reasons import clean
from thinkrec.reasons.config import SynthesisConfig
from thinkrec.reasons.synthesis import RowState, format_optional_verdict


def find_rejection_causes(cases: Sequence[RowState], config: SynthesisConfig) -> dict[int, str | None]:
    """Row -> why its reason is rejected, or None if it goes into the table; rows whose last verdict was right."""
    causes = {}
    for case in cases:
        if case.outcome == "right":
            last = case.answers[-1]
            causes[case.row] = clean.find_rejection_cause(
                last, clean.extract_argument(last, config.trace), config.filter
            )
    return causes


def build_reason_table(ds: Dataset, cases: Sequence[RowState], config: SynthesisConfig) -> pl.DataFrame:
    """The table of reasons, sorted by order.

    Columns: order, user_id, item_id, label, reason, first_verdict, hinted, attempts, teacher.
    """
    causes = find_rejection_causes(cases, config)
    rows = [case for case in sorted(cases, key=lambda case: case.order) if causes.get(case.row, "") is None]
    interactions = ds.interactions
    last = [case.answers[-1] for case in rows]
    argued = [clean.extract_argument(attempt, config.trace) for attempt in last]
    users, items = (
        [ds.user_ids[interactions.user[c.row]] for c in rows],
        [ds.items.ids[interactions.item[c.row]] for c in rows],
    )
    return pl.DataFrame(
        [
            pl.Series("order", [case.order for case in rows], dtype=pl.Int64),
            pl.Series("user_id", users, dtype=_infer_id_dtype(ds.user_ids)),
            pl.Series("item_id", items, dtype=_infer_id_dtype(ds.items.ids)),
            pl.Series("label", [int(case.label) for case in rows], dtype=pl.Int8),
            pl.Series(
                "reason", [clean.format_reason(c.label, text) for c, text in zip(rows, argued, strict=True)], pl.String
            ),
            pl.Series("first_verdict", [format_optional_verdict(case.first_verdict) for case in rows], dtype=pl.String),
            pl.Series("hinted", [attempt.hinted for attempt in last], dtype=pl.Boolean),
            pl.Series("attempts", [len(case.answers) for case in rows], dtype=pl.Int64),
            pl.Series("teacher", [attempt.teacher for attempt in last], dtype=pl.String),
        ]
    )


def _infer_id_dtype(ids: list) -> type[pl.Int64] | type[pl.String]:
    return pl.Int64 if all(isinstance(id_, int) for id_ in ids) else pl.String
