"""AUC, UAUC, NDCG@k and MAP@k on plain arrays, each with its policy stated.

Policies (ThinkRec paper, experiments section, as its released evaluation code counts):

- AUC is over all rows.
- UAUC is the unweighted mean of per-user AUC over users with both classes; other users are dropped.
- NDCG@k and MAP@k rank a user's own rows. Users with one row are dropped, users without a liked row count 0.
- Equal scores: half a win in AUC and UAUC. NDCG and MAP are then the expected value over all orders of the rows with
  equal scores (McSherry and Najork, ECIR 2008), so no metric depends on the order in which rows are passed.

A value that is not defined (one class only, no user left) is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from thinkrec.evaluate.metrics import checks

Denominator = Literal["all", "min"]


@dataclass(frozen=True)
class PerUserMetrics:
    """The values that the means are over, one entry per distinct user; NaN where a policy drops the user."""

    user: np.ndarray
    """(n_users,): distinct users, ascending."""
    rows: np.ndarray
    """int64 (n_users,): rows of the user."""
    positives: np.ndarray
    """int64 (n_users,): liked rows of the user."""
    auc: np.ndarray
    """float64 (n_users,): AUC within the user; NaN for users with one class."""
    ndcg: np.ndarray
    """float64 (n_users,): NDCG@k; NaN for users with one row."""
    ap: np.ndarray
    """float64 (n_users,): average precision at k; NaN for users with one row."""
    tied: np.ndarray
    """bool (n_users,): whether a liked and a not liked row of the user have equal scores."""


def compute_per_user_metrics(
    user: ArrayLike, label: ArrayLike, score: ArrayLike, *, k: int = 5, denominator: Denominator = "all"
) -> PerUserMetrics:
    """Per-user AUC, NDCG@k and AP@k. Arguments: equal-length (n,) arrays. Raises DataError naming a bad row.

    >>> values = compute_per_user_metrics([1, 1, 2, 2, 3], [1, 0, 0, 0, 1], [.9, .2, .5, .4, .3])
    >>> values.auc, values.ndcg, values.ap
    (array([ 1., nan, nan]), array([ 1.,  0., nan]), array([ 1.,  0., nan]))
    """
    y = checks.check_labels(label)
    s = checks.check_scores(score, len(y))
    distinct, code = checks.encode_users(user, len(y))
    rows = np.bincount(code, minlength=len(distinct))
    positives = np.bincount(code[y == 1], minlength=len(distinct))
    ranked = _RankedRows.from_scores(code, rows, y, s)
    ndcg, ap = _compute_group_ndcg_ap(ranked, positives, k, denominator)
    dropped = rows < 2
    ndcg[dropped] = np.nan
    ap[dropped] = np.nan
    return PerUserMetrics(distinct, rows, positives, _compute_group_auc(ranked, positives), ndcg, ap, ranked.has_ties())


def compute_auc(label: ArrayLike, score: ArrayLike) -> float:
    """Area under the ROC curve over all rows, (n,) arrays; NaN if only one class occurs.

    AUC = (wins + ties / 2) / (P N), counted over all pairs of a liked and a not liked row.

    >>> compute_auc([1, 0, 1, 0], [.9, .5, .5, .1])      # 4 pairs: 3 wins, 1 tie
    0.875
    """
    y = checks.check_labels(label)
    s = checks.check_scores(score, len(y))
    ranked = _RankedRows.from_scores(np.zeros(len(y), np.int64), np.array([len(y)]), y, s)
    return float(_compute_group_auc(ranked, np.array([y.sum()]))[0])


def compute_uauc(user: ArrayLike, label: ArrayLike, score: ArrayLike) -> float:
    """Mean over users of AUC_u, each user counting once; users with one class are dropped; NaN if none is left.

    UAUC = (1 / |U'|) sum_{u in U'} AUC_u,  U' = users with a liked and a not liked row.

    >>> compute_uauc([1, 1, 2, 2, 3], [1, 0, 1, 0, 1], [.9, .5, .1, .2, .7])     # user 1: 1, user 2: 0, user 3: dropped
    0.5
    """
    return compute_mean(compute_per_user_metrics(user, label, score).auc)


def compute_ndcg(user: ArrayLike, label: ArrayLike, score: ArrayLike, k: int = 5) -> float:
    """Mean NDCG@k over users with more than one row; users without a liked row count 0.

    DCG = sum_{i <= k} y_i / log2(i + 1) down the user's ranking; NDCG = DCG / DCG of the user's labels sorted.

    >>> round(compute_ndcg([1, 1, 1], [0, 1, 0], [.9, .5, .1]), 4)      # liked row at rank 2: 1 / log2(3)
    0.6309
    >>> round(compute_ndcg([1, 1], [0, 1], [.5, .5]), 4)      # at rank 1 or 2, equally likely: (1 + 1 / log2(3)) / 2
    0.8155
    """
    return compute_mean(compute_per_user_metrics(user, label, score, k=k).ndcg)


def compute_map(
    user: ArrayLike, label: ArrayLike, score: ArrayLike, k: int = 5, denominator: Denominator = "all"
) -> float:
    """Mean AP@k over users with more than one row; users without a liked row count 0.

    AP = (1 / D) sum_{i <= k} y_i precision_i, precision_i = liked rows among the first i / i.
    D = all liked rows of the user ("all"; a user with more than k of them cannot reach 1) or min(k, liked) ("min").

    >>> round(compute_map([1, 1, 1], [1, 0, 1], [.9, .5, .1], k=2), 4)     # one hit at rank 1, two liked rows
    0.5
    >>> compute_map([1] * 3, [1, 1, 1], [.9, .5, .1], k=2, denominator="min")
    1.0
    >>> compute_map([1, 1], [1, 0], [.5, .5])      # at rank 1 or 2, equally likely: (1 + 1/2) / 2
    0.75
    """
    return compute_mean(compute_per_user_metrics(user, label, score, k=k, denominator=denominator).ap)


def compute_tied_share(values: PerUserMetrics) -> float:
    """Share of the users with both classes that have a liked and a not liked row with equal scores; NaN without any.

    >>> values = compute_per_user_metrics([1, 1, 2, 2, 3], [1, 0, 1, 0, 1], [.5, .5, .1, .2, .7])
    >>> compute_tied_share(values)      # user 1 of users 1 and 2
    0.5
    """
    both = (values.positives > 0) & (values.positives < values.rows)
    return float(values.tied[both].mean()) if both.any() else float("nan")


def compute_mean(values: np.ndarray) -> float:
    """Mean of the values that are not NaN; NaN if there are none."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")


def describe_policies(k: int = 5, denominator: Denominator = "all") -> dict[str, str]:
    """One sentence per metric, to be written beside its number."""
    divisor = "all liked rows of the user" if denominator == "all" else f"min({k}, liked rows of the user)"
    counting = (
        "users with one row dropped, users without a liked row count 0, rows with equal scores count their expected "
        "value over all their orders"
    )
    return {
        "auc": "over all rows; equal scores count 1/2",
        "uauc": "unweighted mean of per-user AUC; users with one class dropped; equal scores count 1/2",
        "ndcg": f"cut at {k}, over each user's own rows, binary gain, ideal from the user's own labels; {counting}",
        "map": f"cut at {k}, over each user's own rows, divided by {divisor}; {counting}",
    }


@dataclass(frozen=True)
class _RankedRows:
    """Rows sorted by group and falling score. A *tie* is a run of rows of one group with equal scores, often of one."""

    group: np.ndarray
    """int64 (n,): group of each sorted row."""
    rank: np.ndarray
    """int64 (n,): rank of each sorted row within its group, from 0; within a tie in any order."""
    group_size: np.ndarray
    """int64 (groups,): rows of each group."""
    tie_index: np.ndarray
    """int64 (n,): tie of each sorted row."""
    tie_start: np.ndarray
    """int64 (ties,): where each tie begins among the sorted rows."""
    tie_size: np.ndarray
    """int64 (ties,): its rows."""
    tie_liked: np.ndarray
    """int64 (ties,): its liked rows."""
    liked_above: np.ndarray
    """int64 (ties,): liked rows of its group that rank above it."""

    @classmethod
    def from_scores(cls, code: np.ndarray, rows: np.ndarray, y: np.ndarray, s: np.ndarray) -> _RankedRows:
        by = np.lexsort((-s, code))
        code, y, s = code[by], y[by], s[by]
        start = np.cumsum(rows) - rows
        opens = np.ones(len(by), dtype=bool)
        opens[1:] = (code[1:] != code[:-1]) | (s[1:] != s[:-1])
        first = np.flatnonzero(opens)
        above = np.concatenate(([0], np.cumsum(y)))
        return cls(
            group=code,
            rank=np.arange(len(by)) - start[code],
            group_size=rows,
            tie_index=np.cumsum(opens) - 1,
            tie_start=first,
            tie_size=np.diff(np.append(first, len(by))),
            tie_liked=np.add.reduceat(y, first),
            liked_above=above[first] - above[start[code[first]]],
        )

    def has_ties(self) -> np.ndarray:
        """Whether a liked and a not liked row of each group have equal scores, bool (groups,)."""
        has_tie = np.zeros(len(self.group_size), dtype=bool)
        has_tie[self.group[self.tie_start[(self.tie_liked > 0) & (self.tie_liked < self.tie_size)]]] = True
        return has_tie


def _compute_group_auc(ranked: _RankedRows, positives: np.ndarray) -> np.ndarray:
    """float64 (groups,): AUC per group of rows from doubled mid-ranks, which stay integers, so the sums are exact."""
    owner = ranked.group[ranked.tie_start]
    # Ranks count from the lowest score: a tie of m rows that begins at index a holds ranks N - a - m + 1 .. N - a.
    twice_rank = 2 * (ranked.group_size[owner] - ranked.rank[ranked.tie_start]) - ranked.tie_size + 1
    rank_sum = np.bincount(owner, weights=twice_rank * ranked.tie_liked, minlength=len(ranked.group_size))
    pairs = positives * (ranked.group_size - positives)
    auc = np.full(len(ranked.group_size), np.nan)
    np.divide(rank_sum - positives * (positives + 1), 2 * pairs, out=auc, where=pairs > 0)
    return auc


def _compute_group_ndcg_ap(
    ranked: _RankedRows, positives: np.ndarray, k: int, denominator: str
) -> tuple[np.ndarray, np.ndarray]:
    """NDCG@k and AP@k per group, float64 (groups,) each, 0 for a group without liked rows.

    Rows of a tie take its ranks in random order. With l liked among its m rows, L liked rows above it, and t of its
    ranks above rank i (from 1):

    - expected gain at i: (l / m) / log2(i + 1);
    - expected y_i * precision_i: ((l / m) (L + 1) + t l (l - 1) / (m (m - 1))) / i, since beside a liked row at i the
      t rows of the tie above it hold t (l - 1) / (m - 1) liked ones on average.

    With m = 1 both are what the row itself gives.
    """
    if k < 1:
        raise ValueError(f"k is {k}; a ranking is cut at 1 or deeper")
    if denominator not in ("all", "min"):
        raise ValueError(f'denominator is {denominator!r}; use "all" or "min"')
    top_k = np.flatnonzero(ranked.rank < k)
    rank, tie, code, groups = ranked.rank[top_k], ranked.tie_index[top_k], ranked.group[top_k], len(ranked.group_size)
    share = ranked.tie_liked / ranked.tie_size
    both = ranked.tie_liked * (ranked.tie_liked - 1) / np.maximum(ranked.tie_size * (ranked.tie_size - 1), 1)
    discount = 1 / np.log2(np.arange(2, k + 2))
    gain = np.bincount(code, weights=share[tie] * discount[rank], minlength=groups)
    hits = (share * (ranked.liked_above + 1))[tie] + (top_k - ranked.tie_start[tie]) * both[tie]
    precisions = np.bincount(code, weights=hits / (rank + 1), minlength=groups)
    ideal = np.concatenate(([0.0], np.cumsum(discount)))[np.minimum(positives, k)]
    divisor = positives if denominator == "all" else np.minimum(positives, k)
    ndcg, ap = np.zeros(groups), np.zeros(groups)
    np.divide(gain, ideal, out=ndcg, where=positives > 0)
    np.divide(precisions, divisor, out=ap, where=positives > 0)
    return ndcg, ap
