"""Reasons: the same model goes on writing after its verdict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from thinkrec.model.batch import Prompt
from thinkrec.model.recommender import Recommender
from thinkrec.progress import Progress


def write_reasons(
    recommender: Recommender,
    prompts: Sequence[Prompt],
    verdicts: np.ndarray,
    *,
    tokens: int,
    batch: int = 32,
    title: str = "writing reasons",
    progress: bool = False,
) -> list[str]:
    """One text per prompt, opening with the verdict that the score implies.

    `verdicts`: bool (n,), True for Yes. A reason ends by itself or after `tokens` tokens.
    """
    bone, texts = recommender.backbone, []
    first = np.where(verdicts, bone.yes_id, bone.no_id)
    with Progress(title, len(prompts), shown=progress) as bar:
        for start in range(0, len(prompts), batch):
            part = prompts[start : start + batch]
            written = recommender.generate(part, tokens, first_tokens=first[start : start + batch].tolist())
            texts += [str(bone.tokenizer.decode(ids.tolist(), skip_special_tokens=True)).strip() for ids in written]
            bar.advance(len(part))
    return texts
