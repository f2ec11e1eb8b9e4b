"""Rankings of a run for made-up users of opposite taste: `thinkrec evaluate personality`."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN
from thinkrec.data.query import Query
from thinkrec.errors import DataError
from thinkrec.evaluate.personality import measure_personality
from thinkrec.io.progress import Progress
from thinkrec.run.pipeline import Run
from thinkrec.run.table_rows import ScorerRow, choose_table_row, load_row_scorer
from thinkrec.score.candidates import score_candidates


def choose_opposite_keywords(ds: Dataset, n_pairs: int, n_items: int) -> list[tuple[str, str]]:
    """Pairs of keywords that few items share, from the most rated keywords on.

    Each keyword is on at least 2 `n_items` rated items, half of them liked and half disliked in every made-up past. A
    keyword stands in one pair; its partner is the one that shares the smallest part of its items.
    """
    rated = set(np.unique(ds.interactions.item[ds.interactions.split == TRAIN]).tolist())
    items: dict[str, set[int]] = {}
    for code in rated:
        for word in {keyword.lower() for keyword in ds.items.keywords[code]}:
            items.setdefault(word, set()).add(code)
    count = Counter({word: len(codes) for word, codes in items.items() if len(codes) >= 2 * n_items})
    words, pairs = [word for word, _ in sorted(count.items(), key=lambda pair: (-pair[1], pair[0]))][:40], []
    while len(words) > 1 and len(pairs) < n_pairs:
        word = words.pop(0)
        other = min(words, key=lambda partner: (len(items[word] & items[partner]) / len(items[partner]), partner))
        words.remove(other)
        pairs.append((word, other))
    if not pairs:
        raise DataError(f"no two keywords are on {2 * n_items} rated items each; ask for shorter pasts with --rows")
    return pairs


def build_opposite_queries(ds: Dataset, pair: tuple[str, str], n_items: int, candidates: np.ndarray) -> list[Query]:
    """Two users with one past of 2 `n_items` items and opposite opinions: one likes the first keyword, one the second.

    The items of a keyword are those with the most train rows that lack the other, so that both sides are known.
    """
    data = ds.interactions
    count = np.bincount(data.item[data.split == TRAIN], minlength=len(ds.items))
    words = [{keyword.lower() for keyword in keywords} for keywords in ds.items.keywords]

    def pick(word: str, other: str) -> list[int]:
        having = [code for code in np.argsort(-count, kind="stable").tolist() if word in words[code]]
        return [code for code in having if other not in words[code]][:n_items]

    first, second = pick(*pair), pick(pair[1], pair[0])
    if min(len(first), len(second)) < n_items:
        raise DataError(f"{pair[0]} and {pair[1]} have fewer than {n_items} items apart; ask for fewer with --rows")
    past = np.array([code for both in zip(first, second, strict=True) for code in both], dtype=np.int64)
    likes = np.tile(np.array([1, 0], dtype=np.int8), n_items)
    asked = np.setdiff1d(candidates, past)
    return [Query.from_ratings(ds, None, past, labels, asked) for labels in (likes, (1 - likes).astype(np.int8))]


def measure_run_personality(
    run: Run, *, model: str | None, n_pairs: int, n_items: int, top: int, n_candidates: int, seed: int = 0
) -> dict[str, Any]:
    """Rank `n_candidates` items, drawn among the rated ones, for pairs of opposite users and for nobody.

    Raises DataError for a row that the run does not have, or data without two keywords that could be opposed.
    """
    ds, row = run.ds, choose_table_row(run.recipe, run.folder, model)
    rated = np.unique(ds.interactions.item[ds.interactions.split == TRAIN]).astype(np.int64)
    rng = np.random.default_rng(seed)
    candidates = np.sort(rng.choice(rated, min(n_candidates, len(rated)), replace=False))
    pairs = choose_opposite_keywords(ds, n_pairs, n_items)
    nothing = np.zeros(0, dtype=np.int64)
    nobody = Query.from_ratings(ds, None, nothing, nothing.astype(np.int8), candidates)
    queries = [nobody, *(query for pair in pairs for query in build_opposite_queries(ds, pair, n_items, candidates))]
    if isinstance(row, ScorerRow):
        scorer = load_row_scorer(row, run.folder)
        with Progress("ranking", len(queries), shown=run.progress, unit="users") as bar:
            scores = []
            for query in queries:
                scores.append(score_candidates(scorer, ds, query))
                bar.advance(1)
    else:
        scores = run.load_predictor(row.variant).score_queries(queries, title="ranking", progress=run.progress)
    tops = [
        query.candidates[np.argsort(-values, kind="stable")[:top]].tolist()
        for query, values in zip(queries, scores, strict=True)
    ]
    named = {f"{one} / {other}": (tops[1 + 2 * k], tops[2 + 2 * k]) for k, (one, other) in enumerate(pairs)}
    return measure_personality(named, tops[0])
