"""A batch that goes on token by token: rows repeated, selected, and read in runs, against one pass over the whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from support.tiny_lm import make_prompts, make_recommender

from thinkrec.engine.batch import collate_prompts
from thinkrec.engine.decode_batch import DecodeBatch
from thinkrec.engine.prefill import prefill_prompts


def test_rows_go_on_at_their_own_pace() -> None:
    recommender, prompts = make_recommender(), make_prompts()
    with recommender.inference_mode():
        batch = DecodeBatch(recommender, prefill_prompts(recommender, prompts))
        batch.repeat_rows(2)
        first = [[10 + i, 20, 30][: 1 + i % 3] for i in range(10)]
        batch.add_places(3)
        batch.read_tokens(first, [0] * 10)
        rows = [7, 2, 9]
        batch.select_rows(rows)
        batch.add_places(1)
        batch.read_tokens([[40 + row] for row in rows], [len(first[row]) for row in rows])
        for place, row in enumerate(rows):
            written = np.array([*first[row], 40 + row], dtype=np.int32)
            whole = replace(prompts[row // 2], ids=np.concatenate([prompts[row // 2].ids, written]))
            hidden = recommender.compute_hidden(collate_prompts([whole], 0))[0, len(whole.ids) - 1]
            torch.testing.assert_close(batch.last_hidden[place], hidden, atol=2e-5, rtol=1e-4)
