from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thinkrec.errors import CheckpointError, DataError
from thinkrec.personal import groups as groups_module
from thinkrec.personal.groups import GroupConfig, find_first_undefined, fit_groups, has_distinct_rows

METHODS = ["ward", "minibatch-kmeans"]


def _clouds(sizes=(20, 50, 30), d: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Well-separated clouds on scales that differ per dimension, shuffled; vectors and true cloud."""
    rng = np.random.default_rng(seed)
    middle = rng.permutation(np.eye(max(d, len(sizes)))[: len(sizes), :d] * 10)
    truth = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    vectors = (middle[truth] + rng.normal(size=(len(truth), d)) * 0.3) * np.array([1, 100, 0.01, 1])[:d] + 5
    return vectors.astype(np.float32), truth


@pytest.mark.parametrize("method", METHODS)
def test_clouds_are_found_and_the_largest_comes_first(method: str) -> None:
    vectors, truth = _clouds()
    groups = fit_groups(vectors, GroupConfig.model_validate({"method": method}), seed=1)
    np.testing.assert_array_equal(groups.labels, np.array([2, 0, 1])[truth])
    for k in range(3):
        np.testing.assert_allclose(groups.centres[k], vectors[groups.labels == k].mean(axis=0), rtol=1e-4)
    np.testing.assert_array_equal(groups.assign(vectors), groups.labels)
    assert groups.labels.dtype == np.int32 and groups.centres.dtype == np.float32


def test_distance_is_measured_on_standardised_vectors() -> None:
    vectors, _ = _clouds()
    groups = fit_groups(vectors, GroupConfig())
    # In raw space the dimension that counts 100-fold decides alone; two of the clouds then look the same.
    new, new_truth = _clouds(sizes=(5, 5, 5), seed=0)
    raw = np.square(new[:, None] - groups.centres[None]).sum(axis=2).argmin(axis=1)
    got = groups.assign(new)

    def standard(v: np.ndarray) -> np.ndarray:
        return (v - vectors.mean(axis=0)) / vectors.std(axis=0)

    want = np.square(standard(new)[:, None] - standard(groups.centres)[None]).sum(axis=2).argmin(axis=1)
    np.testing.assert_array_equal(got, want)
    assert len(set(zip(got.tolist(), new_truth.tolist(), strict=True))) == 3
    assert (raw != got).any()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(METHODS), st.integers(1, 4))
def test_the_order_of_users_and_the_run_change_nothing(seed: int, method: str, n: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(40, 3)).astype(np.float32)
    config = GroupConfig.model_validate({"n_groups": n, "method": method})
    groups = fit_groups(vectors, config, seed=seed)
    sizes = np.bincount(groups.labels, minlength=n)
    assert len(sizes) == n and (sizes > 0).all() and (np.diff(sizes) <= 0).all()
    again = fit_groups(vectors, config, seed=seed)
    np.testing.assert_array_equal(again.labels, groups.labels)
    if method == "ward":
        order = rng.permutation(40)
        np.testing.assert_array_equal(fit_groups(vectors[order], config).labels, groups.labels[order])


def test_the_method_follows_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    from thinkrec.personal import groups as module

    vectors, _ = _clouds()

    def refuses(*_: object, **__: object) -> None:
        raise AssertionError("not this one")

    with monkeypatch.context() as patch:
        patch.setattr(module, "MiniBatchKMeans", refuses)
        fit_groups(vectors, GroupConfig(ward_limit=100))
    monkeypatch.setattr(module, "AgglomerativeClustering", refuses)
    fit_groups(vectors, GroupConfig(ward_limit=99))


def test_saved_groups_come_back(tmp_path: Path) -> None:
    vectors, _ = _clouds()
    vectors[:, 3] = 1.0
    groups = fit_groups(vectors, GroupConfig(n_groups=2))
    assert groups.std[3] == 1
    path = tmp_path / "stage" / "groups.safetensors"
    groups.save(path)
    back = type(groups).load(path)
    for name in ("labels", "centres", "mean", "std"):
        np.testing.assert_array_equal(getattr(back, name), getattr(groups, name))
    assert sorted(path.parent.iterdir()) == [path.with_suffix(".json"), path]
    assert back.users == groups.users == list(range(len(groups.labels)))
    path.with_suffix(".json").unlink()
    with pytest.raises(CheckpointError, match="ids of the users"):
        type(groups).load(path)
    groups.save(path)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(CheckpointError, match="truncated or damaged"):
        type(groups).load(path)
    with pytest.raises(CheckpointError, match="missing"):
        type(groups).load(tmp_path / "none")


def test_unusable_vectors_are_refused() -> None:
    with pytest.raises(DataError, match="distinct vectors cannot make 3 groups"):
        fit_groups(np.ones((10, 2)), GroupConfig())
    bad = np.random.default_rng(0).normal(size=(10, 2))
    bad[7, 1] = np.nan
    with pytest.raises(DataError, match="user vector 7"):
        fit_groups(bad, GroupConfig())
    with pytest.raises(DataError, match="shape"):
        fit_groups(np.ones(3), GroupConfig())


@pytest.mark.parametrize("block", [1, 7, 10**6])
def test_blocks_of_users_change_nothing(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, _ = _clouds()
    groups = fit_groups(vectors, GroupConfig(), seed=1)
    monkeypatch.setattr(groups_module, "BLOCK", block)
    np.testing.assert_array_equal(fit_groups(vectors, GroupConfig(), seed=1).labels, groups.labels)
    np.testing.assert_array_equal(groups.assign(vectors), groups.labels)
    for n in range(1, 6):
        repeated = vectors[np.repeat([3, 1, 3, 2], 5)]
        assert has_distinct_rows(repeated, n) == (n <= len(np.unique(repeated, axis=0)) == 3)
    assert find_first_undefined(vectors) is None
    vectors[[41, 60], 2] = np.nan, np.inf
    assert find_first_undefined(vectors) == 41
