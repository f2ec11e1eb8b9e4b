"""Who is asked about, when a run's model ranks the catalogue: users, what they had met, what they went on to like."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST
from thinkrec.data.query import Query
from thinkrec.errors import DataError
from thinkrec.retrieve.recall import iterate_split_queries


@dataclass(frozen=True)
class CatalogueQuestion:
    """A user as of the end of the training, and the items that count as right."""

    query: Query
    """Asked at the time of the user's first test row, about nothing yet."""
    relevant: np.ndarray
    """int64: items of test rows with the label Yes that the user had not met before."""
    met: np.ndarray
    """int64: every item that the user has a row of, test rows among them."""


@dataclass(frozen=True)
class QuestionCounts:
    """Who is judged, and who is not."""

    test_users: int
    """Users with a test row."""
    without_relevant: int
    """Of them, users without a liked test row of an item that they had not met; they are in no mean."""
    judged: int
    """The others, or so many of them as were drawn."""
    relevant: int
    """Relevant items of the judged users."""
    cold: int
    """Relevant items without a train row of anybody."""


def collect_questions(
    ds: Dataset, *, most_users: int | None = None, seed: int = 0
) -> tuple[list[CatalogueQuestion], QuestionCounts]:
    """The questions of the test split, and their counts.

    `most_users`: so many users, drawn by `seed`, where there are more. Raises DataError where no user has a relevant
    item.
    """
    data = ds.interactions
    in_test = data.split == TEST
    first_time = {}
    for user, time in zip(data.user[in_test].tolist(), data.timestamp[in_test].tolist(), strict=True):
        first_time[ds.user_ids[user]] = min(time, first_time.get(ds.user_ids[user], time))
    items_of = {ds.user_ids[user]: data.item[data.start[user] : data.start[user + 1]] for user in range(data.n_users)}
    asked = [
        CatalogueQuestion(replace(query, time=first_time[query.user]), liked, np.unique(items_of[query.user]))
        for query, liked in iterate_split_queries(ds, TEST)
    ]
    if not asked:
        raise DataError("no user has a test row with the label Yes about an item that they had not met before")
    eligible = len(asked)
    if most_users is not None and most_users < eligible:
        chosen = np.random.default_rng(seed).choice(eligible, most_users, replace=False)
        asked = [asked[place] for place in sorted(chosen)]
    is_trained = np.zeros(len(ds.items), dtype=bool)
    is_trained[data.item[data.split == 0]] = True
    relevant = np.concatenate([question.relevant for question in asked])
    counts = QuestionCounts(
        test_users=len(first_time),
        without_relevant=len(first_time) - eligible,
        judged=len(asked),
        relevant=len(relevant),
        cold=int((~is_trained[relevant]).sum()),
    )
    return asked, counts


def add_candidates(question: CatalogueQuestion, n_items: int, negatives: int | None, rng: np.random.Generator) -> Query:
    """The query with what is to be ranked: the catalogue less the past, or the relevant items and sampled others.

    Args:
        question: the user.
        n_items: of the catalogue.
        negatives: items that the user never met, drawn uniformly without replacement; None: the catalogue.
        rng: of the draw.
    """
    if negatives is None:
        return replace(question.query, candidates=np.setdiff1d(np.arange(n_items), question.query.items))
    pool = np.setdiff1d(np.arange(n_items), question.met)
    drawn = rng.choice(pool, min(negatives, len(pool)), replace=False)
    return replace(question.query, candidates=np.sort(np.concatenate([question.relevant, drawn])))
