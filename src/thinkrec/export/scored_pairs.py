"""Twenty prompts with this package's scores, which every export carries and is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from thinkrec.data.interactions import TEST
from thinkrec.data.query import Query
from thinkrec.errors import CheckpointError
from thinkrec.io.files import write_json
from thinkrec.prompts.types import Prompt
from thinkrec.score.predictor import Predictor
from thinkrec.score.ranker import score_prompts

PAIRS = "scored-pairs.json"
N_PAIRS = 20
TOLERANCE = 1e-4
"""Largest difference of scores, in logits, at which an export of float32 weights counts as equal."""


@dataclass(frozen=True)
class ScoredPair:
    """A user, an item, the prompt about them and its score."""

    user: Any
    item: Any
    adapter: str
    """Which of the folder's adapters scores it; empty where the folder holds one model."""
    query: str
    """The prompt's text up to the line of the item."""
    document: str
    """The item's line."""
    ids: tuple[int, ...]
    """Token ids of both together."""
    score: float
    """logit(Yes) - logit(No) as this package computes it."""


def choose_pairs(predictor: Predictor, n: int = N_PAIRS) -> list[Query]:
    """Queries about one candidate each: items of test rows, spread evenly over the users who have such rows."""
    interactions = predictor.ds.interactions
    rows = interactions.get_split_rows(TEST)
    if not len(rows):
        rows = np.arange(len(interactions))
    _, first = np.unique(interactions.user[rows], return_index=True)
    pool = rows[np.sort(first)] if len(first) >= n else rows
    chosen = pool[np.unique(np.linspace(0, len(pool) - 1, min(n, len(pool))).astype(int))]
    return [
        Query.from_dataset(predictor.ds, int(interactions.user[row]), interactions.item[[row]].astype(np.int64))
        for row in chosen
    ]


def render_query(predictor: Predictor, query: Query) -> list[Prompt]:
    """The prompts of a query's candidates, in their order."""
    prompts = {
        int(place): prompt
        for places, shared in predictor.render_candidates(query)
        for place, prompt in zip(places, shared.to_prompts(), strict=True)
    }
    return [prompts[place] for place in range(len(prompts))]


def score_with_gates(predictor: Predictor, prompts: Sequence[Prompt], gates: np.ndarray) -> np.ndarray:
    """float64 (n,): scores of prompts mixed by gates (n, 1 + n_experts) in the place of their own."""
    gated = [replace(p, gate=np.asarray(w, dtype=np.float32)) for p, w in zip(prompts, gates, strict=True)]
    return score_prompts(predictor.recommender, gated.__getitem__, len(gated), option=predictor.option)


def split_prompt(text: str) -> tuple[str, str]:
    """(query, document): the last line asks about the item, all before it is about the user."""
    before, line, document = text.rpartition("\n")
    return before + line, document


def write_pairs(folder: Path, pairs: Sequence[ScoredPair], about: dict[str, Any]) -> None:
    """Write pairs, with what the folder is, to `PAIRS` in it."""
    write_json(folder / PAIRS, {**about, "pairs": [asdict(pair) for pair in pairs]})


def compare_scores(pairs: Sequence[ScoredPair], scores: np.ndarray, tolerance: float, what: str) -> float:
    """The largest difference to the pairs' scores.

    Raises CheckpointError naming the worst pair where it is above `tolerance` or a score is not finite.
    """
    wanted = np.array([pair.score for pair in pairs])
    differences = np.abs(np.asarray(scores, dtype=np.float64) - wanted)
    differences = np.where(np.isfinite(differences), differences, np.inf)
    worst = int(differences.argmax())
    if differences[worst] > tolerance:
        pair = pairs[worst]
        by = f" by adapter {pair.adapter}" if pair.adapter else ""
        raise CheckpointError(
            f"{what} gives other scores than were exported: {int((differences > tolerance).sum())} of {len(pairs)} "
            f"differ by more than {tolerance:g}, most of all pair {worst} (user {pair.user}, item {pair.item}{by}): "
            f"{scores[worst]:.6f} in place of {pair.score:.6f}. A file of the folder was changed or read in another "
            "number format; export again"
        )
    return float(differences[worst])
