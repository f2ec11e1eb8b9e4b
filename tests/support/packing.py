"""Shared prefixes with suffixes for the tests of packed rows."""

from __future__ import annotations

import numpy as np
import torch

from support.tiny_lm import make_part
from thinkrec.engine.batch import collate_prompts
from thinkrec.engine.packing import pack_shared_prefix
from thinkrec.engine.recommender import compute_scores
from thinkrec.prompts.shared_prefix import SharedPrefix

PACKING = {
    "llama": True,
    "llama-tied": True,
    "qwen2": True,
    "gpt_neox": True,
    "granite": True,
    "cohere": True,
    "gemma2": False,
}


def forks(dim: int = 6, experts: int = 3) -> list[SharedPrefix]:
    """Trunks of several lengths, one empty, one followed in part; no leaves, one, many; slots in both; a gate each."""
    rng, made = np.random.default_rng(3), []
    for trunk, leaves in ((12, 5), (1, 3), (30, 1), (0, 2), (9, 0), (17, 40)):
        gate = rng.dirichlet(np.ones(1 + experts)).astype(np.float32)
        lengths = rng.integers(1, 9, size=leaves)
        made.append(
            SharedPrefix(make_part(rng, trunk, gate, dim), tuple(make_part(rng, int(n), gate, dim) for n in lengths))
        )
    sees = (0, 0, 2, 5, 5, 5, 13, 14)  # leaves that follow a part of their trunk, two of them none
    leaves = tuple(make_part(rng, int(n), gate, dim) for n in rng.integers(1, 9, size=len(sees)))
    return [*made, SharedPrefix(make_part(rng, 14, gate, dim), leaves, sees)]


def both(rec, asked: list[SharedPrefix]) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores of all leaves, packed and one by one."""
    batch = collate_prompts([prompt for fork in asked for prompt in fork.to_prompts()], rec.backbone.pad_id)
    row = pack_shared_prefix(asked)
    with rec.inference_mode():
        one_by_one = compute_scores(
            rec.compute_answer_logits(rec.gather_hidden(batch, batch.answer_at[batch.find_last_answers()]))
        )
        return compute_scores(rec.compute_answer_logits(rec.gather_hidden(row, row.answer_at))), one_by_one
