"""A bank of K mixtures in the place of one per user: k-means of the users' gates, and what it does to scores."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import kendalltau
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from thinkrec.data.query import Query
from thinkrec.export.scored_pairs import render_query, score_with_gates
from thinkrec.score.predictor import Predictor


@dataclass(frozen=True, eq=False)
class PrototypeBank:
    """K mixtures and which of them is nearest to each user's own."""

    gates: np.ndarray
    """float64 (K, 1 + n)."""
    nearest: np.ndarray
    """int64 (users,)."""


@dataclass(frozen=True)
class PrototypeError:
    """How far scores by the nearest prototype are from those by each user's own mixture."""

    asked: int
    """Prototypes asked for."""
    prototypes: int
    """Those there are: no more than users have different mixtures."""
    pairs: int
    mean: float
    """Mean absolute difference, in logits."""
    p95: float
    """Its 95th percentile."""
    largest: float
    changed: float
    """Share of pairs whose verdict is another one."""
    tau: float
    """Mean over users of Kendall's tau between both orders of their candidates."""


def compute_user_gates(predictor: Predictor) -> np.ndarray:
    """float32 (users, 1 + n): the mixture of every user as known now."""
    users = range(len(predictor.ds.user_ids))
    return np.stack([predictor.compute_query_gate(Query.from_dataset(predictor.ds, user)) for user in users])


def build_bank(gates: np.ndarray, k: int, seed: int = 0) -> PrototypeBank:
    """At most `k` centres of gates (users, 1 + n) by k-means of ten starts, each centre's weights summing to 1.

    Where users have no more than `k` different gates these are the bank, and nothing is lost.
    """
    distinct, nearest = np.unique(gates.astype(np.float64), axis=0, return_inverse=True)
    if len(distinct) <= k:
        return PrototypeBank(distinct, nearest.reshape(-1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        starts: Any = 10  # scikit-learn's annotations know only "auto"
        clusters = KMeans(k, n_init=starts, random_state=seed).fit(gates.astype(np.float64))
    centres = np.clip(clusters.cluster_centers_, 0, None)
    # Sums of rounding errors are no weights; an adapter less is a smaller rank.
    centres[centres < 1e-6] = 0
    centres /= centres.sum(axis=1, keepdims=True)
    far = ((gates[:, None] - centres[None]) ** 2).sum(-1)
    return PrototypeBank(centres, far.argmin(axis=1))


def measure_banks(
    predictor: Predictor,
    gates: np.ndarray,
    sizes: tuple[int, ...],
    *,
    users: int = 100,
    candidates: int = 5,
    seed: int = 0,
) -> list[PrototypeError]:
    """The error of a bank of each size, over users and candidates drawn by `seed` (the same ones for all sizes)."""
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(len(gates), min(users, len(gates)), replace=False))
    n_items = len(predictor.ds.items)
    drawn = [rng.choice(n_items, min(candidates, n_items), replace=False) for _ in chosen]
    queries = [
        replace(Query.from_dataset(predictor.ds, int(user)), candidates=items)
        for user, items in zip(chosen, drawn, strict=True)
    ]
    prompts = [prompt for query in queries for prompt in render_query(predictor, query)]
    owner = np.repeat(np.arange(len(chosen)), [len(items) for items in drawn])
    own = score_with_gates(predictor, prompts, gates[chosen][owner])
    errors = []
    for size in sizes:
        bank = build_bank(gates, size, seed)
        by_bank = score_with_gates(predictor, prompts, bank.gates[bank.nearest[chosen]][owner])
        far = np.abs(by_bank - own)
        taus = [_compute_tau(own[owner == u], by_bank[owner == u]) for u in range(len(chosen))]
        errors.append(
            PrototypeError(
                asked=size,
                prototypes=len(bank.gates),
                pairs=len(own),
                mean=float(far.mean()),
                p95=float(np.quantile(far, 0.95)),
                largest=float(far.max()),
                changed=float(((own > 0) != (by_bank > 0)).mean()),
                tau=float(np.nanmean(taus)),
            )
        )
    return errors


def _compute_tau(first: np.ndarray, second: np.ndarray) -> float:
    """Kendall's tau-b of two scores; NaN where one of them is constant."""
    measured: Any = kendalltau(first, second)
    return float(measured.statistic)


def format_errors(errors: list[PrototypeError]) -> str:
    """A Markdown table of errors, one line per size."""
    lines = [
        "| K | mixtures | pairs | mean difference | 95th percentile | largest | other verdict | Kendall's tau |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {e.asked} | {e.prototypes} | {e.pairs} | {e.mean:.4f} | {e.p95:.4f} | {e.largest:.4f} | {e.changed:.1%} | "
        f"{e.tau:.3f} |"
        for e in errors
    ]
    return "\n".join(lines)
