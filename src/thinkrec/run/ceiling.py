"""What bounds ranking on a run's test rows: `thinkrec evaluate ceiling` (`evaluate.ceiling` has the measures)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from thinkrec.collab import GradientBoostingConfig, ItemBaselineConfig, ScorerConfig, build_scorer
from thinkrec.collab.features.slot_encoder import SlotEncoder
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST, TRAIN, VALID, Interactions
from thinkrec.errors import DataError
from thinkrec.evaluate.ceiling.explained_deviance import measure_explained_deviance
from thinkrec.evaluate.ceiling.known_share import find_known_share, simulate_uauc
from thinkrec.evaluate.ceiling.order_leak import score_by_bisection
from thinkrec.evaluate.ceiling.row_counts import measure_row_counts
from thinkrec.evaluate.metrics.ranking import compute_auc, compute_uauc
from thinkrec.io.progress import Progress

KNOWN_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Shares of what decides that somebody knows, for the table of the oracle."""
ITEM_PRIOR = ItemBaselineConfig(source="both", prior_strength=20.0)
"""The row "item mean + keywords" of every table."""
TREES = GradientBoostingConfig(n_seeds=1)
"""Boosted trees of one seed: a third of the time of the usual three."""


@dataclass(frozen=True)
class LearningPoint:
    """A scorer fitted on a part of the train rows, judged on all test rows with their whole pasts."""

    scorer: str
    by: str
    """rows: a share of the train rows, drawn one by one; users: all train rows of a share of the users."""
    share: float
    n_rows: int
    auc: float
    uauc: float


def measure_ceiling(ds: Dataset, *, shares: Sequence[float], seed: int = 0, progress: bool = False) -> dict[str, Any]:
    """Everything that the command prints, as JSON values.

    Args:
        ds: with train, validation and test rows.
        shares: of the train rows and of their users, for the learning curves; 1 is always among them.
        seed: of rows and users drawn, of the simulated oracle and of the trees.
        progress: whether a bar is drawn.

    Raises DataError for a share outside (0, 1], or test rows in which no user has both classes.
    """
    wrong = [share for share in shares if not 0 < share <= 1]
    if wrong:
        raise DataError(f"--shares {wrong[0]}: a share of the train rows is above 0 and at most 1")
    data = ds.interactions
    # In time order within a user, which is what earlier labels give away.
    rows = np.flatnonzero(data.split == TEST)
    user, label = data.user[rows], data.label[rows].astype(np.int64)
    if np.isnan(compute_uauc(user, label, np.zeros(len(rows)))):
        raise DataError("no user has liked and disliked test rows, so that UAUC is not defined; look at the split")
    trees = build_scorer(TREES)
    with Progress("ceiling", 3 + 2 * (2 * len({*shares, 1.0}) - 1), shown=progress) as bar:
        curves = []
        for name, config in (("item mean + keywords", ITEM_PRIOR), ("boosting", TREES)):
            curves += measure_learning_curve(ds, name, config, rows, shares, seed, bar)
        trees.fit(ds, seed=seed)
        bar.advance(1)
        terms = build_terms(ds, trees.score(ds, np.arange(len(data))), seed)
        valid = np.flatnonzero(data.split == VALID)
        explained = measure_explained_deviance(
            {name: (values[valid], values[rows]) for name, values in terms.items()}, data.label[valid], user, label
        )
        bar.advance(1)
        prior = terms["item"][rows, 0]
        uauc = {"item mean + keywords": compute_uauc(user, label, prior), "all terms": explained[-1].uauc}
        result = {
            "n_rows": len(rows),
            "order_leak": compute_uauc(user, label, score_by_bisection(user, label)),
            "oracle": {str(share): simulate_uauc(user, label, share, seed=seed) for share in KNOWN_SHARES},
            "known_share": {
                name: {"uauc": value, "share": find_known_share(user, label, value, seed=seed)}
                for name, value in {**uauc, "the aim": 0.72, "a high aim": 0.8}.items()
            },
            "explained": [asdict(row) for row in explained],
            "row_counts": [asdict(group) for group in measure_row_counts(user, label, prior)],
            "curves": [asdict(point) for point in curves],
        }
        bar.advance(1)
    return result


def measure_learning_curve(
    ds: Dataset,
    name: str,
    config: ScorerConfig,
    rows: np.ndarray,
    shares: Sequence[float],
    seed: int,
    bar: Progress,
) -> list[LearningPoint]:
    """Fit a scorer on parts of the train rows and judge it on `rows`; all of them once, for both curves."""
    data, points = ds.interactions, list[LearningPoint]()
    asked = [(by, share) for by in ("rows", "users") for share in sorted({*shares, 1.0}) if by == "rows" or share < 1]
    for by, share in asked:
        part = ds if share == 1 else subsample_train_rows(ds, by, share, seed)
        scorer = build_scorer(config)
        scorer.fit(part, seed=seed)
        scores = scorer.score(ds, rows)
        bar.advance(1)
        n_rows = int((part.interactions.split == TRAIN).sum())
        user, label = data.user[rows], data.label[rows]
        point = LearningPoint(name, by, share, n_rows, compute_auc(label, scores), compute_uauc(user, label, scores))
        points.append(point)
        if share == 1:
            points.append(replace(point, by="users"))
    return points


def subsample_train_rows(ds: Dataset, by: str, share: float, seed: int) -> Dataset:
    """The data set without a drawn part of its train rows (`by`: rows or users, see `LearningPoint`)."""
    data, rng = ds.interactions, np.random.default_rng(seed)
    train = data.split == TRAIN
    if by == "rows":
        remaining = ~train | (rng.random(len(train)) < share)
    else:
        users = np.unique(data.user[train])
        chosen = rng.choice(users, max(1, round(share * len(users))), replace=False)
        remaining = ~train | np.isin(data.user, chosen)
    columns = (data.user, data.item, data.label, data.timestamp, data.split, data.order)
    return replace(ds, interactions=Interactions.build(*(c[remaining] for c in columns), n_users=data.n_users))


def build_terms(ds: Dataset, trees: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Name -> (n, k) on all rows: what may explain a label, each as known strictly before the row.

    `trees` (n,): logits of boosted trees, which have all interactions of the rest.
    """
    slots = SlotEncoder.from_dataset(ds, None, statistics=True, votes=True, seed=seed)
    vectors, every = slots.encode_rows(ds), np.arange(len(ds.interactions))
    return {
        "item": slots.compute_item_logit(ds, ds.interactions.item, "both", every)[:, None],
        "user (whole past)": vectors.user[:, [0, 2]],
        "time (last ten rows)": vectors.user[:, [3]],
        "personal taste (keyword neighbours)": vectors.item[:, [3]],
        "all their interactions (boosted trees)": trees[:, None],
    }
