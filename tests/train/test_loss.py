from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.tiny_lm import WORDS, make_prompts
from torch.nn import functional as F

from thinkrec.engine.batch import collate_prompts
from thinkrec.train.loss import compute_losses


def _mixed():
    """A rating row and a reasoning row, weights as in the paper; the second has two answers, one with weight 0."""
    rating, reasoning, *_ = make_prompts()
    rating = replace(
        rating,
        token_at=rating.token_at[-1:],
        token_target=np.array([4]),
        token_weight=np.array([0.1], np.float32),
        answer_label=np.array([1], np.int8),
        answer_weight=np.array([0.9], np.float32),
    )
    reasoning = replace(
        reasoning,
        token_weight=np.full(3, 0.9 / 3, np.float32),
        answer_at=np.array([4, 13]),
        answer_label=np.array([1, 0], np.int8),
        answer_weight=np.array([0, 0.1], np.float32),
    )
    return collate_prompts([rating, reasoning], 0)


def test_the_mixture_by_hand() -> None:
    batch, generator = _mixed(), torch.manual_seed(0)
    scores, logits = torch.randn(3, generator=generator), torch.randn(4, len(WORDS), generator=generator)
    got = compute_losses(scores, logits, batch)
    rec = 0.9 * -F.logsigmoid(scores[0]) + 0.1 * -F.logsigmoid(-scores[2])
    ce = -logits.log_softmax(-1)[torch.arange(4), batch.token_target]
    think = 0.1 * ce[0] + 0.9 * ce[1:].mean()
    torch.testing.assert_close(got.rec, rec / 2)
    torch.testing.assert_close(got.think, think / 2)
    torch.testing.assert_close(got.total, (rec + think) / 2)


def test_accumulated_over_parts_it_is_the_loss_of_the_whole() -> None:
    prompts = make_prompts()
    generator = torch.manual_seed(0)
    scores, logits = torch.randn(5, generator=generator), torch.randn(15, len(WORDS), generator=generator)
    whole = compute_losses(scores, logits, collate_prompts(prompts, 0)).total
    parts = [
        compute_losses(scores[:2], logits[:6], collate_prompts(prompts[:2], 0), rows=5),
        compute_losses(scores[2:], logits[6:], collate_prompts(prompts[2:], 0), rows=5),
    ]
    torch.testing.assert_close(parts[0].total + parts[1].total, whole)


def test_each_loss_touches_only_its_own_places() -> None:
    batch = _mixed()
    full = torch.randn(2, batch.ids.shape[1], len(WORDS), requires_grad=True)

    def gradient(part: str) -> torch.Tensor:
        picked = full[batch.answer_at[:, 0], batch.answer_at[:, 1]][:, [4, 5]]
        tokens = full[batch.token_at[:, 0], batch.token_at[:, 1]]
        loss = getattr(compute_losses(picked[:, 0] - picked[:, 1], tokens, batch), part)
        return torch.autograd.grad(loss, full)[0]

    rec = gradient("rec")
    want = torch.zeros_like(rec, dtype=torch.bool)
    want[0, 8, 4:6] = want[1, 13, 4:6] = True  # the unweighted answer at (1, 4) gets none
    assert torch.equal(rec != 0, want)
    think = (gradient("think") != 0).any(-1)
    want = torch.zeros_like(think)
    want[batch.token_at[:, 0], batch.token_at[:, 1]] = True
    assert torch.equal(think, want)


def test_no_tokens_or_no_answers_is_no_loss() -> None:
    batch = collate_prompts(
        [
            replace(p, token_at=p.token_at[:0], token_target=p.token_target[:0], token_weight=p.token_weight[:0])
            for p in make_prompts()
        ],
        0,
    )
    got = compute_losses(torch.zeros(5), torch.zeros(0, len(WORDS)), batch)
    assert got.think.item() == 0 and got.rec.item() == pytest.approx(0.9 * np.log(2), rel=1e-6)
