"""How the values of each kind of field behave when prompts are joined."""

from __future__ import annotations

import numpy as np

from thinkrec.prompts.fields import PromptField, describe_positions, describe_tokens, describe_values, describe_weights

STARTS = np.array([0, 5], dtype=np.int32)


def test_positions_move_with_their_part_and_values_do_not() -> None:
    positions, values = describe_positions()["prompt"], describe_values("at", np.int8, np.float32)["prompt"]
    parts = [np.array([1, 4], dtype=np.int32), np.array([0], dtype=np.int32)]
    assert positions.join(parts, STARTS).tolist() == [1, 4, 5]
    assert values.join(parts, STARTS).tolist() == [1, 4, 0]
    assert describe_tokens()["prompt"].join(parts, STARTS).tolist() == [1, 4, 0]


def test_one_array_of_the_whole_prompt_is_the_first_parts() -> None:
    first, second = np.ones(2, dtype=np.float32), np.zeros(2, dtype=np.float32)
    assert describe_weights()["prompt"].join([first, second], STARTS) is first


def test_vectors_of_parts_without_any_have_no_length() -> None:
    vectors = describe_values("at", np.float32, np.float32, ndim=2)["prompt"]
    none, some = np.zeros((0, 0), dtype=np.float32), np.arange(6, dtype=np.float32).reshape(2, 3)
    assert vectors.join([none, some], STARTS).tolist() == some.tolist()
    assert vectors.join([none, none], STARTS).shape == (0, 0)
    assert vectors.make_empty().shape == (0, 0)
    assert PromptField("position", np.int32, np.int64).make_empty().dtype == np.int32
