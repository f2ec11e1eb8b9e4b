"""Likelihood of texts under a reference model."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from support.tiny_lm import WORDS, make_backbone

from thinkrec.errors import CheckpointError
from thinkrec.evaluate.text.likelihood import ReferenceModel, load_reference_model

TEXTS = [" w1 w2 w3", " Yes. w4 w4 w4 w4 w4 w4 w4", "", " w9", " w5 w6"]


@pytest.fixture(scope="module")
def model() -> ReferenceModel:
    return ReferenceModel(make_backbone())


def test_it_is_the_mean_over_tokens_but_the_first(model: ReferenceModel) -> None:
    nats = model.score(TEXTS, batch_tokens=16)
    assert np.isnan(nats).tolist() == [False, False, True, True, False], "fewer than two tokens"
    for row in (0, 1, 4):
        ids = torch.tensor([model.backbone.tokenizer(TEXTS[row])["input_ids"]])
        with torch.inference_mode():
            table = model.backbone.model(input_ids=ids).logits[0].log_softmax(-1)
        direct = [-float(table[place - 1, ids[0, place]]) for place in range(1, ids.shape[1])]
        assert nats[row] == pytest.approx(sum(direct) / len(direct), abs=1e-5)


def test_batches_do_not_matter(model: ReferenceModel) -> None:
    whole = model.score(TEXTS, batch_tokens=1000)
    np.testing.assert_allclose(model.score(TEXTS, batch_tokens=1), whole, atol=1e-5)
    np.testing.assert_allclose(model.score(TEXTS[::-1], batch_tokens=9)[::-1], whole, atol=1e-5)


def test_a_model_that_knows_nothing_gives_the_logarithm_of_its_words() -> None:
    backbone = make_backbone()
    with torch.no_grad():
        backbone.model.get_output_embeddings().weight.zero_()
    assert ReferenceModel(backbone).score([" w1 w2 w3 w4"])[0] == pytest.approx(math.log(len(WORDS)), abs=1e-5)


def test_long_texts_are_cut_and_counted(model: ReferenceModel) -> None:
    limit = model.backbone.max_positions
    assert limit == 256
    long, fitting = " w1 w2" * 200, " w1 w2" * 128
    assert model.count_truncated([long, fitting, "", " w1"]) == 1
    assert model.score([long])[0] == pytest.approx(model.score([fitting])[0], abs=1e-6)
    assert len(model.encode_text(long)) == limit


def test_any_source_of_a_backbone_will_do(tmp_path) -> None:
    nano = load_reference_model("nano")
    assert nano.name == "nano (float32)"
    film, salad = nano.score(["Yes. The viewer liked the film.", "film. liked the viewer The Yes. the"])
    assert 0 < film < salad
    with pytest.raises(CheckpointError, match="has no config"):
        load_reference_model(str(tmp_path))


def test_the_format_can_be_given_and_is_named() -> None:
    assert load_reference_model("nano", "bfloat16").name == "nano (bfloat16)"
    exact, rounded = load_reference_model("nano", "float32"), load_reference_model("nano", "bfloat16")
    text = ["Yes. The viewer liked the film."]
    assert exact.score(text)[0] != rounded.score(text)[0] == pytest.approx(exact.score(text)[0], rel=0.05)
