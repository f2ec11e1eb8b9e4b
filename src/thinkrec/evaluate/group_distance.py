"""How far groups of users are apart in what they like, beside groups of the same sizes drawn at random."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import sparse

from thinkrec.data.dataset import Dataset
from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.bootstrap import draw_user_multiplicities

MEASURES = ("rates", "tastes")
"""Distance of like rates per keyword; the same with each group's own like rate taken out."""


@dataclass(frozen=True, eq=False)
class UserPreferences:
    """Rows and likes per user and keyword."""

    keywords: list[str]
    """The W most frequent keywords among the rows, the most frequent first."""
    counts: np.ndarray
    """float64 (users, W): rows of each user on items with each keyword."""
    likes: np.ndarray
    """float64 (users, W): those of them that were liked."""
    totals: np.ndarray
    """float64 (users, 2): all rows of each user, and all likes."""


@dataclass(frozen=True)
class GroupDistance:
    """One distance with its interval, beside what random groups of the same sizes show."""

    value: float
    low: float
    """Lower end of the reflected 95 % interval over draws of users."""
    high: float
    random: float
    """Mean over random groups."""
    random_low: float
    random_high: float
    """Within these are 95 % of random groupings."""
    p: float
    """(1 + random groupings at least that far apart) / (1 + random groupings)."""


def count_preferences(ds: Dataset, users: np.ndarray, rows: np.ndarray, *, most: int = 100) -> UserPreferences:
    """Preferences of `users` (codes, distinct) in `rows` (row numbers); rows of other users are left out.

    Keywords are compared in lower case; at most `most` are kept, those with the most rows. Raises DataError where no
    row is of one of the users, or no item of the rows has a keyword.
    """
    data = ds.interactions
    place = np.full(len(ds.user_ids), -1)
    place[users] = np.arange(len(users))
    rows = rows[place[data.user[rows]] >= 0]
    if not len(rows):
        raise DataError("no row is of a user in a group; take other rows")
    words = [{word.lower() for word in ds.items.keywords[code]} for code in range(len(ds.items))]
    names = sorted(set().union(*words))
    if not names:
        raise DataError("no item has keywords, so that groups have no preferences to be compared by")
    number = {name: w for w, name in enumerate(names)}
    pairs = [(code, number[word]) for code, of_item in enumerate(words) for word in of_item]
    item, word = np.array(pairs).T
    has = sparse.csr_matrix((np.ones(len(pairs)), (item, word)), shape=(len(words), len(names)))[data.item[rows]]
    who, label = place[data.user[rows]], data.label[rows].astype(np.float64)
    by_user = sparse.csr_matrix((np.ones(len(rows)), (who, np.arange(len(rows)))), shape=(len(users), len(rows)))
    frequent = np.argsort(-np.asarray(has.sum(axis=0)).ravel(), kind="stable")[:most]
    counts = (by_user @ has)[:, frequent].toarray()
    likes = (by_user @ has.multiply(label[:, None]).tocsr())[:, frequent].toarray()
    totals = np.stack([np.bincount(who, minlength=len(users)), np.bincount(who, label, len(users))], axis=1)
    return UserPreferences([names[w] for w in frequent], counts, likes, totals.astype(np.float64))


def compute_distances(
    preferences: UserPreferences, membership: np.ndarray, *, min_rows: int
) -> tuple[float, float, int]:
    """Both distances (MEASURES) between groups, and the keywords compared, as the mean over pairs of groups.

    With n_g(w) rows and like rate r_g(w) of group g on items with keyword w, and its like rate r_g on all rows,

        rates  = sum_w n(w) |r_a(w) - r_b(w)| / sum_w n(w)
        tastes = sum_w n(w) |(r_a(w) - r_a) - (r_b(w) - r_b)| / sum_w n(w),    n(w) = n_a(w) + n_b(w),

    over the keywords with at least `min_rows` rows in a and in b. NaN where no pair of groups shares one.

    Args:
        preferences: of the users.
        membership: float64 (n, users): how often each user counts in each group.
        min_rows: see above.
    """
    counts, likes, totals = (
        membership @ table for table in (preferences.counts, preferences.likes, preferences.totals)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        rates, overall = likes / counts, totals[:, 1] / totals[:, 0]
    results = []
    for a, b in combinations(range(len(membership)), 2):
        usable = (counts[a] >= min_rows) & (counts[b] >= min_rows)
        if usable.any():
            weight = (counts[a] + counts[b])[usable]
            apart = (rates[a] - rates[b])[usable]
            tastes = np.abs(apart - (overall[a] - overall[b]))
            results.append((*(np.average(x, weights=weight) for x in (np.abs(apart), tastes)), usable.sum()))
    if not results:
        return float("nan"), float("nan"), 0
    rate, taste, keywords = np.mean(results, axis=0)
    return float(rate), float(taste), round(float(keywords))


def measure_group_distance(
    preferences: UserPreferences, labels: np.ndarray, *, min_rows: int = 20, draws: int = 1000, seed: int = 0
) -> tuple[dict[str, GroupDistance], int]:
    """Measure -> distance between the groups `labels` (int (users,), 0 .. n-1); and how many keywords were compared.

    Random groupings shuffle the labels among the users. A mean of absolute differences grows with noise, so that a draw
    of users is further apart than the users themselves: the interval is reflected, [2 v - q(.975), 2 v - q(.025)], and
    cut at 0. Raises DataError for fewer than two groups, or groups that share no keyword with enough rows.
    """
    n = int(labels.max()) + 1
    if n < 2:
        raise DataError("one group has no other that it could be apart from; ask for two or more")
    membership = np.eye(n)[labels].T
    value = compute_distances(preferences, membership, min_rows=min_rows)
    if not value[2]:
        raise DataError(f"no two groups have {min_rows} rows each on items with one keyword; lower --min-rows")
    rng = np.random.default_rng(seed)
    random = [
        compute_distances(preferences, membership[:, rng.permutation(len(labels))], min_rows=min_rows)[:2]
        for _ in range(draws)
    ]
    drawn = [
        compute_distances(preferences, membership * times, min_rows=min_rows)[:2]
        for times in draw_user_multiplicities(len(labels), draws, seed)
    ]
    results = {
        name: _summarise_distance(value[place], np.array(random)[:, place], np.array(drawn)[:, place])
        for place, name in enumerate(MEASURES)
    }
    return results, value[2]


def _summarise_distance(value: float, random: np.ndarray, drawn: np.ndarray) -> GroupDistance:
    random, drawn = random[~np.isnan(random)], drawn[~np.isnan(drawn)]
    low, high = np.quantile(drawn, (0.025, 0.975))
    around = np.quantile(random, (0.025, 0.975))
    return GroupDistance(
        value,
        max(0.0, float(2 * value - high)),
        max(0.0, float(2 * value - low)),
        float(random.mean()),
        float(around[0]),
        float(around[1]),
        float((1 + (random >= value).sum()) / (1 + len(random))),
    )
