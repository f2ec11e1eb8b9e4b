"""Scores: one forward pass per prompt, two logits, no generation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from thinkrec.model.batch import Prompt, collate, token_budget_batches
from thinkrec.model.recommender import Recommender, ScoreOption, score_of
from thinkrec.progress import Progress

CHUNK = 2048
"""Prompts rendered at a time, so that memory does not grow with the number of rows."""


def score_prompts(
    recommender: Recommender,
    render: Callable[[int], Prompt],
    n: int,
    *,
    batch_tokens: int = 8192,
    option: ScoreOption = "difference",
    title: str = "scoring",
    progress: bool = False,
) -> np.ndarray:
    """float64 (n,): the target's score of prompts render(0) .. render(n - 1); larger means more likely liked."""
    scores = np.zeros(n, dtype=np.float64)
    with Progress(title, n, shown=progress) as bar, recommender.inference():
        for first in range(0, n, CHUNK):
            prompts = [render(i) for i in range(first, min(n, first + CHUNK))]
            for chosen in token_budget_batches(np.array([len(p) for p in prompts]), batch_tokens):
                batch = collate([prompts[i] for i in chosen], recommender.backbone.pad_id).to(recommender.device)
                logits = recommender.answer_logits(recommender.hidden(batch), batch)
                found = score_of(logits[batch.last_answers()], option)
                scores[first + chosen] = found.double().cpu().numpy()
                bar.advance(len(chosen))
    return scores


def probability(score: np.ndarray) -> np.ndarray:
    """Sigmoid of logit(Yes) - logit(No): the model's probability of a like."""
    return torch.sigmoid(torch.from_numpy(np.asarray(score, dtype=np.float64))).numpy()
