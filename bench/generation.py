"""Reasons for the best items of one user: what their prompts begin with is read once, as in ranking.

    python bench/generation.py

Ten items, a history of ten and one of thirty, 60 tokens each; beside the same generation that reads every prompt by
itself. Both write the same texts. What is left is a token at a time, which no sharing can save.
"""

from __future__ import annotations

import numpy as np
from common import Row, arguments, backbone_of, finish, median, times
from models import catalogue, recommender
from ranking import question

from thinkrec.engine import prefill
from thinkrec.engine.generate import generate_greedily

ITEMS, TOKENS = 10, 60
NEVER = 10**9
"""So many tokens in common no prompts have."""


def main() -> None:
    args = arguments(__doc__ or "", "generation")
    rec, ds, rows = recommender(0, **backbone_of(args)), catalogue(), []
    shared = prefill.MIN_SHARED_TOKENS
    for history in (10, 30):
        prompts = question(ds, rec, history, ITEMS, 0).to_prompts()

        def write(least: int, tokens: int, prompts=prompts) -> list[np.ndarray]:
            prefill.MIN_SHARED_TOKENS = least
            return generate_greedily(rec, prompts, tokens)

        if not all(np.array_equal(*texts) for texts in zip(write(shared, TOKENS), write(NEVER, TOKENS), strict=True)):
            raise SystemExit("the texts differ: nothing was compared")
        found = times(
            {
                "shared": lambda: write(shared, TOKENS),
                "apart": lambda: write(NEVER, TOKENS),
                "shared, read only": lambda: write(shared, 1),
                "apart, read only": lambda: write(NEVER, 1),
            },
            args.repeats,
        )
        mid = {name: median(seconds) for name, seconds in found.items()}
        for more in ("", ", read only"):
            ours, theirs = mid["shared" + more], mid["apart" + more]
            what = f"{ITEMS} {'prompts read' if more else f'reasons of {TOKENS} tokens'}, history of {history}"
            rows.append(
                Row(what, "own, prompt by prompt", ours, theirs, "s", theirs / ours, None, all={"seconds": found})
            )
    finish(rows, args.out)


if __name__ == "__main__":
    main()
