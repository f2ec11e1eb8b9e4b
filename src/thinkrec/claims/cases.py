"""Rows of a data set as cases to ground reasons in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from thinkrec.claims.grounding import GroundingCase
from thinkrec.data.dataset import Dataset, Items
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
) -> list[GroundingCase]:
    """One case per row number.

    The history is what `Interactions.get_history` gives for `length` and `block`. The verdict to agree with is
    `verdicts` where given, else score > 0, as `thinkrec.score` decides it; NaN is a score that is not known. `world`
    adds the planted cause that decided (`Simulation.find_deciding_cause`).
    """
    if verdicts is None:
        known = np.full(len(rows), np.nan) if scores is None else np.asarray(scores, dtype=np.float64)
        verdicts = [None if np.isnan(score) else bool(score > 0) for score in known]
    interactions, cases = ds.interactions, []
    for row, item, verdict in zip(rows, interactions.item[rows], verdicts, strict=True):
        past = interactions.get_history(int(row), length, block)
        deciding = None if world is None else world.find_deciding_cause(int(row))
        case = build_case(ds.items, interactions.item[past], interactions.label[past], int(item), verdict)
        keywords = None if deciding is None else deciding.keywords
        cases.append(replace(case, cause_keywords=keywords, is_closed_world=world is not None))
    return cases


def build_case(
    items: Items, past_items: np.ndarray, past_labels: np.ndarray, item: int, verdict: bool | None
) -> GroundingCase:
    """The case of an item asked about behind a shown past: item codes (k,) and labels (k,), oldest first."""
    return GroundingCase(
        history=tuple(items.titles[i] for i in past_items),
        liked=tuple(bool(y) for y in past_labels),
        target=items.titles[item],
        keywords=tuple(dict.fromkeys(word for i in (*past_items, item) for word in items.keywords[i])),
        target_keywords=tuple(items.keywords[item]),
        verdict=verdict,
        history_keywords=tuple(tuple(items.keywords[i]) for i in past_items),
    )
