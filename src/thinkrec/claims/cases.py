"""Rows of a data set as cases to ground reasons in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from thinkrec.claims.grounding import GroundingCase
from thinkrec.data.dataset import Dataset
from thinkrec.simulate.simulator import Simulation


def build_cases(
    ds: Dataset,
    rows: np.ndarray,
    length: int,
    block: int = 1,
    *,
    scores: np.ndarray | None = None,
    verdicts: Sequence[bool | None] | None = None,
    world: Simulation | None = None,
    items: np.ndarray | None = None,
) -> list[GroundingCase]:
    """One case per row number.

    The history is what `Interactions.get_history` gives for `length` and `block`. The verdict to agree with is
    `verdicts` where given, else score > 0, as `thinkrec.score` decides it; NaN is a score that is not known. `world`
    adds the planted cause that decided (`Simulation.find_deciding_cause`). `items`: the items asked about, by default
    the rows' own.
    """
    if verdicts is None:
        known = np.full(len(rows), np.nan) if scores is None else np.asarray(scores, dtype=np.float64)
        verdicts = [None if np.isnan(score) else bool(score > 0) for score in known]
    interactions = ds.interactions
    return [
        _build_case(ds, interactions.get_history(int(row), length, block), int(row), int(item), verdict, world)
        for row, item, verdict in zip(rows, interactions.item[rows] if items is None else items, verdicts, strict=True)
    ]


def _build_case(
    ds: Dataset, past: slice | np.ndarray, row: int, item: int, verdict: bool | None, world: Simulation | None
) -> GroundingCase:
    interactions, items = ds.interactions, ds.items
    codes = interactions.item[past]
    deciding = None if world is None else world.find_deciding_cause(row)
    return GroundingCase(
        history=tuple(items.titles[i] for i in codes),
        liked=tuple(bool(y) for y in interactions.label[past]),
        target=items.titles[item],
        keywords=tuple(dict.fromkeys(word for i in (*codes, item) for word in items.keywords[i])),
        target_keywords=tuple(items.keywords[item]),
        verdict=verdict,
        history_keywords=tuple(tuple(items.keywords[i]) for i in codes),
        cause_keywords=None if deciding is None else deciding.keywords,
        is_closed_world=world is not None,
    )
