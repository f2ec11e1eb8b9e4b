"""Reasons for several histories at once: their prompts share the batches of one generation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from thinkrec.claims.cases import build_case
from thinkrec.data.query import Query
from thinkrec.score.reason_writer import ReasonWriter, WrittenReason, collect_words, find_text_fault
from thinkrec.serve.model import ServedModel


def write_together(
    model: ServedModel, writer: ReasonWriter, queries: Sequence[Query], scores: np.ndarray
) -> list[WrittenReason]:
    """A reason for each of some queries about one candidate, as the writer's choice says; `scores`: float64 (n,)."""

    def ask(places: np.ndarray) -> list[str]:
        return model.predictor.explain_queries(
            [queries[place] for place in places],
            scores[places],
            tokens=writer.tokens,
            cite=writer.citation_policy,
            mentions=writer.max_citations,
            decoding=writer.decoding,
        )

    return writer.write(queries, scores, ask)


def find_prose_faults(
    model: ServedModel, queries: Sequence[Query], scores: np.ndarray, texts: Sequence[str]
) -> list[str | None]:
    """Why the writer `auto` would not show each text of the model; None where it would."""
    judge = model.get_writer("auto")
    if not judge.trial.is_passing:
        passed, rows = judge.trial.passed, judge.trial.rows
        return [f"{passed} of the model's {rows} reasons passed when they were tried, so that the rules write"] * len(
            texts
        )

    def read_again(places: np.ndarray) -> list[str]:
        return [texts[int(place)] for place in places]

    shown = judge.write(queries, scores, read_again)
    return [
        None if one.author == "model" else _name_fault(model, query, float(score), text)
        for one, query, score, text in zip(shown, queries, scores, texts, strict=True)
    ]


def _name_fault(model: ServedModel, query: Query, score: float, text: str) -> str:
    item = int(query.candidates[0])
    past = model.predictor.find_visible_past(query, item)
    case = build_case(model.ds.items, query.items[past], query.labels[past], item, score > 0)
    # With its own words as known ones all other faults are named; what is left are words that nobody uses.
    return find_text_fault(text, case, model.catalogue, collect_words([text])) or "words that nobody uses"
