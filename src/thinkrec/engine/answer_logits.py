"""From the logits of answer words to those of the two classes."""

from __future__ import annotations

import torch

from thinkrec.prompts.answers import AnswerIds


def pool_answer_logits(logits: torch.Tensor, answers: AnswerIds) -> torch.Tensor:
    """Word logits (q, 2 m), the positive words first -> class logits (q, 2).

    logsumexp: log sum_w exp(l_w), the logit of a class whose probability is the sum of its words'; mean: their mean.
    """
    words = logits.unflatten(-1, (2, len(answers.positive)))
    return words.mean(dim=-1) if answers.pooling == "mean" else words.logsumexp(dim=-1)
