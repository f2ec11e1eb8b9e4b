"""Tokens of a reason that decide on sides, and what they weigh."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from thinkrec.errors import RecipeError
from thinkrec.model.backbone import load_backbone
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.render import REASONING_WEIGHTS, PromptRenderer
from thinkrec.prompts.side_tokens import find_side_spans, weigh_side_tokens
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

DS = simulate_catalogue(SimulatorConfig(users=6, items=50, interactions_per_user=(14, 20)), 21).dataset
GATE = np.array([1.0], dtype=np.float32)
ROW = int(DS.interactions.start[2]) + 9
TEXT = "No. The viewer's friends rejected 'Heat' and \u2018Babe\u2019. \"Fargo\" was liked, and it isn't 'em."


@pytest.fixture(scope="module")
def text() -> SimpleNamespace:
    return SimpleNamespace(tokenizer=load_backbone("nano").tokenizer)


def test_words_of_a_side_and_beginnings_of_quotes() -> None:
    found = [TEXT[start:end] for start, end in find_side_spans(TEXT)]
    assert found == ["rejected", "H", "B", "F", "liked", "e"]
    assert find_side_spans("It's a film of the '90s, they say.") == [(20, 21)], "a quote is known by its mark alone"
    assert find_side_spans("") == []


def test_a_token_weighs_more_where_it_decides(text) -> None:
    weights = weigh_side_tokens(text.tokenizer, TEXT, 5.0)
    tokens = text.tokenizer(TEXT, add_special_tokens=False, return_offsets_mapping=True)
    assert len(weights) == len(tokens["input_ids"])
    spans = find_side_spans(TEXT)
    for weight, (start, end) in zip(weights, tokens["offset_mapping"], strict=True):
        assert weight == (5.0 if any(start < b and end > a for a, b in spans) else 1.0)
    assert {1.0, 5.0} == set(weights.tolist())


def test_a_tokenizer_without_offsets_is_refused_with_a_remedy() -> None:
    def encode(*_: object, **__: object) -> None:
        raise NotImplementedError

    with pytest.raises(RecipeError, match=r"needs a fast tokenizer.*side_weight: 1"):
        weigh_side_tokens(encode, TEXT, 4.0)


def test_a_reason_weighs_the_same_as_a_whole(text) -> None:
    renderer, reason = PromptRenderer(DS, text, PromptConfig(history=4)), TEXT
    taught = {"gate": GATE, "reason": reason, "with_answer": True}
    plain, weighed = (renderer.render_row(ROW, **taught, side_weight=w) for w in (1.0, 4.0))
    np.testing.assert_array_equal(plain.token_target, weighed.token_target)
    np.testing.assert_allclose(weighed.token_weight.sum(), REASONING_WEIGHTS[1], rtol=1e-5)
    np.testing.assert_allclose(plain.token_weight, REASONING_WEIGHTS[1] / len(plain.token_weight), rtol=1e-5)
    inner = weigh_side_tokens(text.tokenizer, reason.removeprefix("No"), 4.0)
    ratio = weighed.token_weight / weighed.token_weight[0]
    np.testing.assert_allclose(ratio, [1.0, *inner, 1.0], rtol=1e-5)
    rating = renderer.render_row(ROW, gate=GATE, with_answer=True, side_weight=4.0)
    np.testing.assert_allclose(rating.token_weight, 0.1, rtol=1e-6)
