"""How much each history line of a prompt moves the score: measured, by asking again without it or with it turned.

An intervention is an edited `Query`, so that everything the score is made of is computed anew from what is left: the
prompt, the user's vector, target encodings of the past, neighbourhood residuals, the gate. No older rating takes the
place of one that is gone (`Query.erased`). What was *learned* stays: the vector that matrix factorisation has for a
user's id was trained on their train rows, and asking cannot take those back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from thinkrec.data.query import Query
from thinkrec.errors import DataError
from thinkrec.io.progress import Progress

CHUNK = 64
"""Questions whose edited copies are scored together: some thousand prompts, which are rendered as they are needed."""


class QueryScorer(Protocol):
    """What effects are measured of: a `Predictor`, or a fitted scorer as `ScorerQueries`."""

    def score_queries(self, queries: Sequence[Query]) -> list[np.ndarray]:
        """float64 (c,) for each query: the scores of its candidates."""
        ...

    def find_visible_past(self, query: Query, item: int) -> np.ndarray:
        """int64 (h,): places in a query's past of the lines that the question about `item` shows."""
        ...


@dataclass(frozen=True, eq=False)
class LineEffects:
    """The score of one question, and what each of its h history lines does to it.

    Positive: the line speaks for the item, since without it (or with the opposite label) the score is lower.
    """

    score: float
    """Of the question as it is."""
    places: np.ndarray
    """int64 (h,), ascending: where the lines stand in the query's past."""
    labels: np.ndarray
    """int8 (h,): 1 liked, 0 not."""
    erase: np.ndarray
    """float64 (h,): the score less the score without the line."""
    flip: np.ndarray
    """float64 (h,): the score less the score with the line's label turned; NaN where that was not asked."""


def compute_line_effects(
    scorer: QueryScorer, queries: Sequence[Query], *, flip: bool = True, progress: bool = False
) -> list[LineEffects]:
    """The effects of all lines of questions about one candidate each: 1 + h, with `flip` 1 + 2 h prompts a question.

    Raises DataError for a query with another number of candidates than one.
    """
    effects: list[LineEffects] = []
    with Progress("measuring history lines", len(queries), shown=progress) as bar:
        for first in range(0, len(queries), CHUNK):
            chunk = queries[first : first + CHUNK]
            shown = [find_shown_lines(scorer, query) for query in chunk]
            asked = [_build_questions(query, places, flip) for query, places in zip(chunk, shown, strict=True)]
            scores = iter(scorer.score_queries([query for edited in asked for query in edited]))
            for query, places, edited in zip(chunk, shown, asked, strict=True):
                values = np.array([next(scores)[0] for _ in edited])
                effects.append(_read_effects(query, places, values, flip))
            bar.advance(len(chunk))
    return effects


def score_kept_lines(scorer: QueryScorer, queries: Sequence[Query], masks: Sequence[np.ndarray]) -> np.ndarray:
    """float64 (n,): the score of each question with some of its lines alone.

    `masks`: per question a bool (h,), which of the lines that it shows stay; all others are erased. The older past, of
    which no line is shown, stays as it is in the vectors and neighbourhood residuals: no reason could have cited it.
    Raises DataError where a mask does not fit the lines, and as `compute_line_effects`.
    """
    edited = [keep_lines(scorer, query, keep) for query, keep in zip(queries, masks, strict=True)]
    scores = [
        values for first in range(0, len(edited), CHUNK) for values in scorer.score_queries(edited[first:][:CHUNK])
    ]
    return np.array([values[0] for values in scores], dtype=np.float64)


def keep_lines(scorer: QueryScorer, query: Query, keep: np.ndarray) -> Query:
    """The question with those of its shown lines (h,) alone that `keep`, bool (h,), marks."""
    places = find_shown_lines(scorer, query)
    if keep.shape != places.shape:
        raise DataError(f"{len(keep)} marks for {len(places)} history lines of a question; give one per line shown")
    return _pin_shown_lines(query, places).erase_ratings(places[~keep])


def find_shown_lines(scorer: QueryScorer, query: Query) -> np.ndarray:
    """int64 (h,): places in the past of the lines that a question about one candidate shows."""
    if len(query.candidates) != 1:
        raise DataError(
            f"effects of history lines are of one candidate at a time; this query has {len(query.candidates)}"
        )
    return scorer.find_visible_past(query, int(query.candidates[0]))


def _pin_shown_lines(query: Query, places: np.ndarray) -> Query:
    """The query, whose prompts go on beginning with the line that is now the oldest, even where there is more room."""
    return query.pin_window(int(places[0])) if len(places) else query


def _build_questions(query: Query, places: np.ndarray, flip: bool) -> list[Query]:
    """The question itself, then without each line, then with each line turned."""
    pinned = _pin_shown_lines(query, places)
    erased = [pinned.erase_ratings(places[[line]]) for line in range(len(places))]
    flipped = [pinned.flip_labels(places[[line]]) for line in range(len(places))] if flip else []
    return [pinned, *erased, *flipped]


def _read_effects(query: Query, places: np.ndarray, values: np.ndarray, flip: bool) -> LineEffects:
    """From the scores of `_build_questions`."""
    lines = len(places)
    changes = values[0] - values[1:]
    flipped = changes[lines:] if flip else np.full(lines, np.nan)
    return LineEffects(float(values[0]), places, query.labels[places], changes[:lines], flipped)
