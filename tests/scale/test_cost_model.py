"""Costs by hand on a shape small enough to count on paper."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from thinkrec.scale.cost_model import (
    PAST_BYTES,
    ROW_BYTES,
    PromptLengths,
    Workload,
    compute_cost,
    compute_token_operations,
    compute_weight_bytes,
    list_limits,
)
from thinkrec.scale.shapes import BackboneShape

SHAPE = BackboneShape("toy", 2, 8, 2, 1, 4, parameters=1000, linear=600, head=80, adapters=50)
LENGTHS, WORK = PromptLengths(10, 3), Workload(users=100, candidates=4, seconds=50.0, history=20)


def test_operations_are_those_of_every_token_and_of_every_pair_that_attends() -> None:
    # Read apart: each of 22 tokens through 650 weights; pairs: half of 10 x 10, and 12 suffix tokens x (10 + 1.5).
    pairs = 50 + 4 * 3 * 11.5
    assert compute_token_operations(SHAPE, 10, 3, 4) == 2 * (22 * 650 + 2 * 2 * 2 * 4 * pairs)


def test_a_suffix_at_a_time_costs_what_the_pairs_say() -> None:
    whole = compute_token_operations(SHAPE, 13, 0, 0)
    in_two = compute_token_operations(SHAPE, 10, 3, 1)
    assert whole == pytest.approx(in_two)  # (P + S)^2 / 2 = P^2 / 2 + S (P + S / 2)


def test_cost_of_a_workload() -> None:
    cost = compute_cost(SHAPE, LENGTHS, WORK, rate=1e4, n_items=30, dim=8)
    assert (cost.tokens, cost.tokens_apart) == (22, 52)
    assert cost.operations == compute_token_operations(SHAPE, 10, 3, 4)
    assert cost.devices == math.ceil(100 * cost.operations / 1e4 / 50)
    assert cost.device_seconds == pytest.approx(1000 * cost.operations / 1e4)
    assert cost.prefix_bytes == 2 * 2 * 2 * 1 * 4 * 10
    assert cost.ratings_bytes == 100 * 20 * (ROW_BYTES + PAST_BYTES)
    assert cost.vectors_bytes == 4 * 8 * 130
    assert cost.retrieval_operations == 2 * 8 * 30


def test_reasons_read_their_prompt_once_more_and_write_through_the_output_layer() -> None:
    plain = compute_cost(SHAPE, LENGTHS, WORK, rate=1e4, n_items=30, dim=8)
    told = compute_cost(SHAPE, LENGTHS, replace(WORK, reasons=2, reason_tokens=5), rate=1e4, n_items=30, dim=8)
    assert told.tokens - plain.tokens == 2 * (13 + 5)
    assert told.operations - plain.operations == 2 * (compute_token_operations(SHAPE, 13, 5, 1) + 2 * 80 * 5)


def test_weights_by_format() -> None:
    assert compute_weight_bytes(SHAPE, "float32") == 1000 * 4 + 50 * 4
    assert compute_weight_bytes(SHAPE, "bfloat16") == 1000 * 2 + 50 * 4
    assert compute_weight_bytes(SHAPE, "4 bits") == 600 * 0.5 + 400 * 2 + 50 * 4


def test_rows_in_memory_are_as_wide_as_counted() -> None:
    import numpy as np

    from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

    table = simulate_catalogue(
        SimulatorConfig(users=10, items=20, interactions_per_user=(6, 8)), 0
    ).dataset.interactions
    arrays = (table.user, table.item, table.label, table.timestamp, table.split, table.order)
    assert sum(array.itemsize for array in arrays) == ROW_BYTES
    past = table.past
    assert sum(np.asarray(a).itemsize for a in (past.row, past.begin, past.end, past.owner)) == PAST_BYTES


def test_limits_name_what_does_not_fit() -> None:
    cost = compute_cost(SHAPE, LENGTHS, WORK, rate=1e4, n_items=30, dim=8)
    assert list_limits(cost, 1e9, 1e9, "bfloat16") == []
    weights, ratings = list_limits(cost, 100.0, cost.ratings_bytes / 2.5, "bfloat16")
    assert "weights" in weights and "fewer bits" in weights
    assert "ratings" in ratings and "into 3 parts" in ratings
    assert "approximate index" in list_limits(replace(cost, retrieval_operations=1e12), 1e9, 1e9, "bfloat16")[0]
