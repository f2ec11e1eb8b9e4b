"""A prompt put together piece by piece has every place where it was added."""

from __future__ import annotations

import numpy as np

from thinkrec.prompts.draft import PromptBuilder

GATE = np.array([0.25, 0.75], dtype=np.float32)


def test_pieces_stand_one_behind_the_other_with_their_places() -> None:
    builder = PromptBuilder()
    builder.add_tokens(np.array([5, 6, 7], dtype=np.int32))
    builder.add_placeholder(1, np.array([1.0, 2.0], dtype=np.float32))
    builder.add_answer(builder.length - 1, 1)
    builder.add_tokens(np.array([8, 9], dtype=np.int32))
    builder.add_answer(builder.length - 1, 0)
    assert builder.length == 5
    prompt = builder.build(GATE, np.array([3, 4], dtype=np.int32), np.array([0.5, 2.0]), 0.1)
    assert prompt.ids.tolist() == [5, 6, 7, 8, 9]
    assert prompt.placeholder_at.tolist() == [1]
    assert prompt.placeholder_vectors.tolist() == [[1.0, 2.0]]
    assert prompt.answer_at.tolist() == [2, 4]
    assert prompt.answer_label.tolist() == [1, 0]
    assert prompt.answer_weight.tolist() == [0.5, 2.0]
    assert prompt.token_at.tolist() == [4, 5], "what is taught begins at the last answer's place"
    assert prompt.token_target.tolist() == [3, 4]
    np.testing.assert_allclose(prompt.token_weight, [0.1, 0.1])
    assert prompt.gate.tolist() == GATE.tolist()


def test_without_anything_it_is_an_empty_prompt_of_the_right_types() -> None:
    prompt = PromptBuilder().build(GATE)
    assert len(prompt) == 0
    assert prompt.placeholder_vectors.shape == (0, 0)
    types = {
        "ids": np.int32,
        "placeholder_at": np.int32,
        "answer_at": np.int32,
        "answer_label": np.int8,
        "answer_weight": np.float32,
        "token_at": np.int32,
        "token_weight": np.float32,
    }
    assert {name: getattr(prompt, name).dtype for name in types} == {n: np.dtype(t) for n, t in types.items()}


def test_answers_weigh_one_each_where_nothing_else_is_said() -> None:
    builder = PromptBuilder()
    builder.add_tokens(np.array([1, 2], dtype=np.int32))
    builder.add_answer(0, 1)
    builder.add_answer(1, 0)
    assert builder.build(GATE).answer_weight.tolist() == [1.0, 1.0]
