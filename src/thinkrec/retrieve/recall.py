"""Recall@N of candidate generators: how many of the items that users went on to like are among the candidates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import SPLITS
from thinkrec.data.query import Query
from thinkrec.io.progress import Progress
from thinkrec.retrieve.generator import CandidateGenerator

POLICY = (
    "Recall@N: of the items that a user liked in the split and had not rated before it, the share among N candidates "
    "made from the rows of earlier splits alone; mean over users with such an item, each counting once; 95 % interval "
    "from a bootstrap over users. Random: N over the items not rated before, mean over the same users."
)
DRAWS = 1000


@dataclass(frozen=True)
class RecallResult:
    """Recall of one generator at one N on one split."""

    split: str
    candidates: int
    """N"""
    users: int
    """Users with at least one liked item that they had not rated before."""
    liked: int
    """Such items of all of them."""
    recall: float
    low: float
    high: float
    random: float
    """Expected recall of N items drawn at random from those not rated before."""


def iterate_split_queries(ds: Dataset, split: int) -> Iterator[tuple[Query, np.ndarray]]:
    """For each user: the question as of the end of the earlier splits, and the new items liked in `split` (int64).

    Users without such an item are left out.
    """
    data = ds.interactions
    for user in range(data.n_users):
        query = Query.from_dataset(ds, user)
        before = query.splits < split
        past = replace(
            query,
            items=query.items[before],
            labels=query.labels[before],
            timestamps=query.timestamps[before],
            splits=query.splits[before],
        )
        liked = np.setdiff1d(query.items[(query.splits == split) & (query.labels == 1)], past.items)
        if len(liked):
            yield past, liked


def measure_recall(
    generator: CandidateGenerator,
    ds: Dataset,
    split: int,
    sizes: Sequence[int],
    *,
    most_users: int | None = None,
    seed: int = 0,
    progress: bool = False,
) -> list[RecallResult]:
    """Recall at every N of `sizes`, smallest first; empty where no user has a new liked item in the split.

    `most_users`: so many users, drawn by `seed`, where there are more.
    """
    asked = list(iterate_split_queries(ds, split))
    if most_users is not None and len(asked) > most_users:
        chosen = np.random.default_rng(seed).choice(len(asked), most_users, replace=False)
        asked = [asked[place] for place in sorted(chosen)]
    if not asked:
        return []
    sizes = sorted(set(sizes))
    shares, chance = np.zeros((len(sizes), len(asked))), np.zeros((len(sizes), len(asked)))
    with Progress(f"recall on {SPLITS[split]} likes", len(asked), shown=progress, unit="users") as bar:
        for place, (query, liked) in enumerate(asked):
            unseen = len(ds.items) - len(np.unique(query.items))
            proposals = generator.propose_nested(ds, query, sizes)
            for row, (size, proposed) in enumerate(zip(sizes, proposals, strict=True)):
                shares[row, place] = np.isin(liked, proposed).mean()
                chance[row, place] = min(1.0, size / unseen)
            bar.advance(1)
    draws = np.random.default_rng(seed).integers(len(asked), size=(DRAWS, len(asked)))
    results = []
    for row, size in enumerate(sizes):
        low, high = np.quantile(shares[row][draws].mean(axis=1), (0.025, 0.975))
        n_liked = sum(len(liked) for _, liked in asked)
        figures = (float(shares[row].mean()), float(low), float(high), float(chance[row].mean()))
        results.append(RecallResult(SPLITS[split], size, len(asked), n_liked, *figures))
    return results


def describe_recall(results: Sequence[RecallResult]) -> dict[str, Any]:
    """The results beside their policy, as plain values."""
    return {"policy": POLICY, "results": [asdict(result) for result in results]}
