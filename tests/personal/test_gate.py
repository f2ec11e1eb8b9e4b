from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import TypeAdapter, ValidationError

from thinkrec.errors import DataError
from thinkrec.personal.gate import (
    FUSE,
    GATES,
    GLOBAL,
    SINGLE,
    EntropyGateConfig,
    GateConfig,
    GlobalGateConfig,
    SingleGateConfig,
    UniformGateConfig,
    compute_cosine,
    compute_entropy,
    compute_gate,
    compute_softmax,
)

# Either 0 or far from where doubles run out: 5e-324 times one half is 0, which points nowhere.
finite = st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: x if abs(x) > 1e-280 else 0.0)
cases = st.tuples(st.integers(1, 6), st.integers(0, 5), st.integers(1, 5)).flatmap(
    lambda shape: st.tuples(
        arrays(np.float64, (shape[0], shape[2]), elements=finite),
        arrays(np.float64, (shape[1], shape[2]), elements=finite),
    )
)


@settings(max_examples=200, deadline=None)
@given(cases, st.floats(0.02, 2))
def test_weights_are_weights_and_agree_with_the_region(case: tuple[np.ndarray, np.ndarray], tau: float) -> None:
    vectors, centres = case
    got = compute_gate(vectors, centres, EntropyGateConfig(tau=tau))
    assert got.weights.shape == (len(vectors), 1 + len(centres)) and got.weights.dtype == np.float32
    assert (got.weights >= 0).all()
    np.testing.assert_allclose(got.weights.sum(axis=1), 1, atol=1e-6)
    for w, region in zip(got.weights, got.region, strict=True):
        if region == GLOBAL:
            assert w[0] == 1
        elif region == SINGLE:
            assert w[0] == 0 and np.count_nonzero(w) == 1
        else:
            assert w[0] == 0 and w.max() <= 0.5 + 0.6 / len(centres) + 1e-6
    assert (got.region[~vectors.any(axis=1)] == GLOBAL).all()


@settings(max_examples=100, deadline=None)
@given(cases, st.floats(0.001, 1000))
def test_length_does_not_matter_and_order_of_groups_only_permutes(
    case: tuple[np.ndarray, np.ndarray], factor: float
) -> None:
    vectors, centres = case
    first = compute_cosine(vectors, centres)
    np.testing.assert_allclose(compute_cosine(vectors * factor, centres), first, atol=1e-9)
    np.testing.assert_allclose(compute_cosine(vectors, centres[::-1]), first[:, ::-1], atol=1e-12)
    assert (np.abs(first) <= 1 + 1e-12).all()


def _at(*degrees: float) -> np.ndarray:
    radians = np.radians(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1)


def test_three_regions_by_hand() -> None:
    centres = _at(0, 60) * 5
    # cos difference at angle a from the middle: 2 sin(30) sin(a) = sin(a); w = 1 / (1 + exp(-sin(a) / tau)).
    at_threshold = np.degrees(np.arcsin(0.1 * np.log(0.8 / 0.2)))
    got = compute_gate(_at(30, 30 - at_threshold + 0.1, 30 - at_threshold - 0.1, 90, 30 - 2.0), centres)
    assert got.region.tolist() == [GLOBAL, FUSE, SINGLE, SINGLE, GLOBAL]
    assert got.weights[2].tolist() == [0, 1, 0] and got.weights[3].tolist() == [0, 0, 1]
    w = 1 / (1 + np.exp(-np.sin(np.radians(at_threshold - 0.1)) / 0.1))
    np.testing.assert_allclose(got.weights[1], [0, w, 1 - w], rtol=1e-6)


def test_the_entropy_rule_has_its_threshold_at_095_ln_n() -> None:
    rng = np.random.default_rng(0)
    vectors, centres = rng.normal(size=(4000, 4)), rng.normal(size=(3, 4))
    w = compute_softmax(compute_cosine(vectors, centres), 0.1)
    h = -(w * np.log(w)).sum(axis=1)
    np.testing.assert_allclose(compute_entropy(w), h)
    want = np.where(w.max(axis=1) > 0.7, SINGLE, np.where(h >= 0.95 * np.log(3), GLOBAL, FUSE))
    got = compute_gate(vectors, centres)
    assert set(want) == {SINGLE, GLOBAL, FUSE}
    np.testing.assert_array_equal(got.region, want)
    np.testing.assert_allclose(got.weights[want == FUSE, 1:], w[want == FUSE], atol=1e-7)
    np.testing.assert_array_equal(got.weights[want == SINGLE, 1:].argmax(axis=1), w[want == SINGLE].argmax(axis=1))


def test_one_group_none_and_unknown_users() -> None:
    vectors = np.array([[1.0, 2.0], [0.0, 0.0], [-1.0, -2.0]])
    one = compute_gate(vectors, np.array([[1.0, 2.0]]))
    assert one.region.tolist() == [SINGLE, GLOBAL, SINGLE]
    assert one.weights.tolist() == [[0, 1], [1, 0], [0, 1]]
    none = compute_gate(vectors, np.zeros((0, 2)))
    assert none.weights.tolist() == [[1]] * 3 and (none.region == GLOBAL).all()
    assert compute_gate(np.zeros((0, 2)), np.ones((3, 2))).weights.shape == (0, 4)


def test_settings_switch_regions_off() -> None:
    rng = np.random.default_rng(0)
    vectors, centres = rng.normal(size=(300, 4)), rng.normal(size=(3, 4))
    assert (compute_gate(vectors, centres, EntropyGateConfig(single_base=2, entropy_threshold=2)).region == FUSE).all()
    assert (
        compute_gate(vectors, centres, EntropyGateConfig(single_base=2, entropy_threshold=0)).region == GLOBAL
    ).all()
    assert (compute_gate(vectors, centres, EntropyGateConfig(single_base=0, single_share=0)).region == SINGLE).all()
    same = np.repeat(centres[:1], 3, axis=0)
    assert (compute_gate(vectors, same, EntropyGateConfig(entropy_threshold=1)).region == GLOBAL).all()


KINDS: list[GateConfig] = [EntropyGateConfig(), GlobalGateConfig(), SingleGateConfig(), UniformGateConfig()]


def test_every_kind_has_a_rule_and_a_config() -> None:
    assert [config.kind for config in KINDS] == list(GATES)
    for config in KINDS:
        assert TypeAdapter(GateConfig).validate_python({"kind": config.kind}) == config


@pytest.mark.parametrize("config", KINDS, ids=lambda config: config.kind)
def test_whatever_the_rule_nobody_unknown_gets_an_expert_and_weights_sum_to_one(config: GateConfig) -> None:
    rng = np.random.default_rng(0)
    vectors, centres = np.append(rng.normal(size=(50, 4)), np.zeros((1, 4)), axis=0), rng.normal(size=(3, 4))
    got = compute_gate(vectors, centres, config)
    assert (got.weights.dtype, got.region.dtype) == (np.float32, np.int8)
    np.testing.assert_allclose(got.weights.sum(axis=1), 1, atol=1e-6)
    assert got.weights[-1].tolist() == [1, 0, 0, 0] and got.region[-1] == GLOBAL
    none = compute_gate(vectors, np.zeros((0, 4)), config)
    assert (none.weights == 1).all() and none.weights.shape == (51, 1)


def test_the_rules_of_the_ablations() -> None:
    vectors, centres = _at(10, 35, 80), _at(0, 60)
    nobody = compute_gate(vectors, centres, GlobalGateConfig())
    assert nobody.weights.tolist() == [[1, 0, 0]] * 3 and (nobody.region == GLOBAL).all()
    nearest = compute_gate(vectors, centres, SingleGateConfig())
    assert nearest.weights.tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 1]] and (nearest.region == SINGLE).all()
    everybody = compute_gate(vectors, centres, UniformGateConfig())
    assert everybody.weights.tolist() == [[0, 0.5, 0.5]] * 3 and (everybody.region == FUSE).all()
    assert compute_gate(vectors, centres[:1], UniformGateConfig()).region.tolist() == [SINGLE] * 3


def test_settings_without_a_kind_are_those_of_the_entropy_gate() -> None:
    read = TypeAdapter(GateConfig).validate_python
    assert read({"tau": 0.2}) == EntropyGateConfig(tau=0.2)
    assert read(SingleGateConfig()) == SingleGateConfig()
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        read({"kind": "global_only", "tau": 0.2})
    with pytest.raises(ValidationError, match="'entropy', 'global_only', 'single', 'uniform'"):
        read({"kind": "learned"})


def test_bad_values_are_named() -> None:
    with pytest.raises(DataError, match="user vector 1"):
        compute_gate(np.array([[1.0, 2], [np.nan, 1]]), np.ones((2, 2)))
    with pytest.raises(DataError, match="centre 0"):
        compute_gate(np.ones((1, 2)), np.array([[np.inf, 1.0]]))
    with pytest.raises(DataError, match=r"\(rows, d\)"):
        compute_gate(np.ones((1, 2)), np.ones((2, 3)))
