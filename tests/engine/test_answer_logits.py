"""Answer words: their logits become one of each class."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.tiny_lm import make_backbone, make_prompts, make_recommender

from thinkrec.engine import checkpoint
from thinkrec.engine.answer_logits import pool_answer_logits
from thinkrec.engine.batch import collate_prompts
from thinkrec.engine.recommender import compute_scores
from thinkrec.prompts.answers import AnswerIds, Pooling


def test_several_words_per_class_are_pooled() -> None:
    rec, batch = make_recommender(), collate_prompts(make_prompts(), 0)
    with torch.no_grad():
        hidden = rec.gather_hidden(batch, batch.answer_at)
        every = rec.compute_next_token_logits(hidden)
        rec.answers = AnswerIds((4, 9, 12), (5, 20, 31))
        pooled = rec.compute_answer_logits(hidden)
        positive, negative = every[:, [4, 9, 12]], every[:, [5, 20, 31]]
        wanted = torch.stack([positive.exp().sum(1).log(), negative.exp().sum(1).log()], dim=1)
        torch.testing.assert_close(pooled, wanted, atol=1e-5, rtol=1e-4)
        # So that the score is the log odds of the summed probabilities.
        odds = every.softmax(1)[:, [4, 9, 12]].sum(1) / every.softmax(1)[:, [5, 20, 31]].sum(1)
        torch.testing.assert_close(compute_scores(pooled), odds.log(), atol=1e-5, rtol=1e-4)
        rec.answers = AnswerIds((4, 9, 12), (5, 20, 31), "mean")
        mean = torch.stack([positive.mean(1), negative.mean(1)], dim=1)
        torch.testing.assert_close(rec.compute_answer_logits(hidden), mean, atol=1e-5, rtol=1e-4)
        rec.answers = AnswerIds((9,), (20,))
        torch.testing.assert_close(rec.compute_answer_logits(hidden), every[:, [9, 20]], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("pooling", ["logsumexp", "mean"])
def test_one_word_per_class_is_its_logit_to_the_last_digit(pooling: Pooling) -> None:
    logits = torch.tensor([[1.25, -3.5], [1e-3, 7e2]], requires_grad=True)
    pooled = pool_answer_logits(logits, AnswerIds((4,), (5,), pooling))
    assert torch.equal(pooled, logits)
    pooled.sum().backward()
    assert logits.grad is not None and (logits.grad == 1).all()


def test_a_saved_recommender_knows_its_answer_words(tmp_path: Path) -> None:
    rec = make_recommender()
    rec.answers = AnswerIds((4, 9), (5, 20), "mean")
    checkpoint.save_recommender(tmp_path, rec)
    assert checkpoint.load_recommender(tmp_path, make_backbone()).answers == rec.answers
