"""The answer about one item: what the prompt shows, its effects in their places, the verdict by the score."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from thinkrec.serve.explanations import build_explanation
from thinkrec.serve.histories import build_past
from thinkrec.serve.service import RecommenderService


def test_effects_stand_beside_their_lines(service: RecommenderService) -> None:
    model = service.loaded.model
    past = build_past(model, 1, ())
    query = replace(past.query, candidates=np.array([2]))
    n = len(model.predictor.find_visible_past(query, 2))
    answer = build_explanation(model, past, query, -1.0, [float(place) for place in range(n)], None)
    assert [line.effect for line in answer.history] == list(range(n))
    assert [line.item for line in answer.history] == [model.ds.items.ids[i] for i in query.items[-n:]]
    assert (answer.verdict, answer.unseen, answer.item) == ("No", len(query.items) - n, model.ds.items.ids[2])
    bare = build_explanation(model, past, query, 1.0, None, None)
    assert bare.verdict == "Yes" and all(line.effect is None for line in bare.history)
