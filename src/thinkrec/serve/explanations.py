"""The answer about one item, put together of its score, the effects of the lines, and its reason."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from thinkrec.data.query import Query
from thinkrec.score.ranker import compute_like_probability
from thinkrec.serve.histories import Past
from thinkrec.serve.model import ServedModel
from thinkrec.serve.profiles import describe_mixture
from thinkrec.serve.values import Reason, ServedExplanation, ShownLine


def build_explanation(
    model: ServedModel, past: Past, query: Query, score: float, effects: Sequence[float] | None, reason: Reason | None
) -> ServedExplanation:
    """What is answered about a query's only candidate.

    `effects`: of the history lines that the prompt shows, oldest first; None where nobody asked for them.
    """
    items, code = model.ds.items, int(query.candidates[0])
    shown = model.predictor.find_visible_past(query, code)
    lines = tuple(
        ShownLine(items.ids[i], items.titles[i], bool(y), None if effects is None else float(effects[n]))
        for n, (i, y) in enumerate(zip(query.items[shown], query.labels[shown], strict=True))
    )
    return ServedExplanation(
        user=past.user,
        item=items.ids[code],
        title=items.titles[code],
        verdict="Yes" if score > 0 else "No",
        score=score,
        probability=float(compute_like_probability(np.array([score]))[0]),
        history=lines,
        unseen=len(query.items) - len(shown),
        gate=describe_mixture(model, past)[0],
        reason=reason,
        model=model.info,
    )
