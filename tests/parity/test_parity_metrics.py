"""Our metrics against scikit-learn and trec_eval, and against known values of the ML-1M test split."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score, roc_auc_score

from thinkrec.evaluate.metrics.bootstrap import bootstrap_metrics, compute_interval
from thinkrec.evaluate.metrics.ranking import (
    compute_auc,
    compute_map,
    compute_ndcg,
    compute_per_user_metrics,
    compute_uauc,
)

SEEDS = st.integers(0, 2**31)


@settings(deadline=None)
@given(SEEDS, st.integers(2, 200), st.sampled_from([2, 5, 10**9]))
def test_auc_is_scikit_learns_also_with_ties(seed, n, values):
    rng = np.random.default_rng(seed)
    label, score = rng.permutation(np.arange(n) % 2), rng.integers(0, values, n) / 7
    assert compute_auc(label, score) == pytest.approx(roc_auc_score(label, score), abs=1e-12)


@settings(deadline=None, max_examples=20)
@given(SEEDS)
def test_uauc_is_the_mean_of_scikit_learns_auc(seed):
    rng = np.random.default_rng(seed)
    user, label, score = rng.integers(0, 8, 60), rng.integers(0, 2, 60), rng.integers(0, 6, 60)
    kept = [u for u in range(8) if len(set(label[user == u].tolist())) == 2]
    wanted = np.mean([roc_auc_score(label[user == u], score[user == u]) for u in kept])
    assert compute_uauc(user, label, score) == pytest.approx(wanted, abs=1e-12)


@settings(deadline=None, max_examples=50)
@given(SEEDS, st.integers(2, 12))
def test_ndcg_of_a_user_is_scikit_learns_also_with_ties(seed, n):
    # Both average over the orders of tied rows.
    rng = np.random.default_rng(seed)
    label, score = rng.integers(0, 2, n), rng.integers(0, n, n).astype(float)
    wanted = ndcg_score([label], [score], k=5)
    assert compute_ndcg([0] * n, label, score) == pytest.approx(wanted, abs=1e-12)


@settings(deadline=None, max_examples=50)
@given(SEEDS)
def test_ndcg_and_map_are_trec_evals(seed):
    # trec_eval breaks ties by document name, so scores here have none; it divides MAP by all relevant documents,
    # as we do by default. It does not drop one-row users, so those are left out on its side.
    trec = pytest.importorskip("pytrec_eval", reason="needs the test extra pytrec_eval-terrier")
    rng = np.random.default_rng(seed)
    user, label, score = rng.integers(0, 9, 70), rng.integers(0, 2, 70), rng.permutation(70).astype(float)
    score[::3] *= -1
    label[user == 0] = 0
    users = [u for u in np.unique(user) if (user == u).sum() > 1]
    truth = {str(u): {f"d{i}": int(label[i]) for i in np.flatnonzero(user == u)} for u in users}
    run = {str(u): {f"d{i}": float(score[i]) for i in np.flatnonzero(user == u)} for u in users}
    found = trec.RelevanceEvaluator(truth, {"ndcg_cut.5", "map_cut.5"}).evaluate(run)
    ours = compute_per_user_metrics(user, label, score)
    kept = {u: i for i, u in enumerate(ours.user.tolist())}
    for u in users:
        assert ours.ndcg[kept[u]] == pytest.approx(found[str(u)]["ndcg_cut_5"], abs=1e-9)
        assert ours.ap[kept[u]] == pytest.approx(found[str(u)]["map_cut_5"], abs=1e-9)
    assert compute_ndcg(user, label, score) == pytest.approx(np.mean([found[str(u)]["ndcg_cut_5"] for u in users]))
    assert compute_map(user, label, score) == pytest.approx(np.mean([found[str(u)]["map_cut_5"] for u in users]))


@pytest.fixture(scope="module")
def ml1m(ml1m_folder):
    """(train table, user, label, item) of the real slice; test rows in `order` order."""
    table = pl.read_parquet(ml1m_folder / "interactions.parquet")
    test = table.filter(pl.col("split") == "test").sort("order")
    columns = (test[name].to_numpy() for name in ("user_id", "label", "item_id"))
    return table.filter(pl.col("split") == "train"), *columns


def test_labels_as_scores_reach_the_known_ceiling(ml1m):
    _, user, label, _ = ml1m
    found = compute_per_user_metrics(user, label, label)
    assert (len(user), len(found.user)) == (7331, 320)
    assert (~np.isnan(found.ndcg)).sum() == 287 and (~np.isnan(found.auc)).sum() == 224
    assert compute_auc(label, label) == compute_uauc(user, label, label) == 1
    assert compute_ndcg(user, label, label) == pytest.approx(0.951, abs=5e-4)
    assert compute_map(user, label, label) == pytest.approx(0.641, abs=5e-4)


def test_random_scores_reach_the_known_floor(ml1m):
    # The known values are of one draw; the spread of a draw is .007 / .018 / .010 / .008.
    _, user, label, _ = ml1m
    found = []
    for seed in range(20):
        score = np.random.default_rng(seed).random(len(label))
        ranked = (compute_uauc(user, label, score), compute_ndcg(user, label, score), compute_map(user, label, score))
        found.append((compute_auc(label, score), *ranked))
    np.testing.assert_allclose(np.mean(found, axis=0), [0.500, 0.506, 0.659, 0.405], atol=0.015)


def test_the_item_mean_has_the_known_values_and_errors(ml1m):
    train, user, label, item = ml1m
    rate = train["label"].mean()
    means = train.group_by("item_id").agg((pl.col("label").sum() + 5 * rate) / (pl.len() + 5))
    known = dict(zip(*(means[name].to_list() for name in means.columns), strict=True))
    sample = bootstrap_metrics(user, label, [known.get(i, rate) for i in item.tolist()])
    for metric, value, error in (
        ("auc", 0.709, 0.012),
        ("uauc", 0.682, 0.017),
        ("ndcg", 0.783, 0.016),
        ("map", 0.482, 0.020),
    ):
        found = compute_interval(sample, metric)
        assert found.value == pytest.approx(value, abs=2e-3)
        assert found.error == pytest.approx(error, abs=3e-3)
