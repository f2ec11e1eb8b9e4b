"""What it costs to have the prompts of a training pass at hand, and how much of a batch is padding.

    python bench/prompts.py            (needs the shared data)

Prompts of MovieLens-1M with vectors, as the last stage of ml1m/thinkrec-nano has them: rendered each time they are
needed, beside rendered once and read from the Arrow file. And padding in batches of 4,096 tokens: rows of one length
side by side, as training takes them, beside rows in random order, as a usual collator does.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from common import Row, arguments, finish, median, times

from thinkrec.collab.features.slot_vectors import PlaceholderVectors
from thinkrec.data.loaders.movielens import load_ml1m_slice
from thinkrec.engine.batch import split_by_token_budget
from thinkrec.model.backbone import load_backbone
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.render import PromptRenderer
from thinkrec.prompts.stored import LazyPrompts, StoredPrompts, write_prompts
from thinkrec.run.data_sources import find_data_folder
from thinkrec.train.mixture import select_strided_rows

PROMPTS, TOKENS, WIDTH = 2000, 4096, 4
SHOWN = PromptConfig(history=10, keywords=6, history_keywords=3)


def share(lengths: np.ndarray, batches: list[np.ndarray]) -> float:
    """Share of padding in these batches."""
    return 1 - lengths.sum() / sum(int(lengths[rows].max()) * len(rows) for rows in batches)


def main() -> None:
    args = arguments(__doc__ or "", "prompts")
    ds, rng = load_ml1m_slice(find_data_folder("ml1m")), np.random.default_rng(0)
    renderer = PromptRenderer(ds, load_backbone("nano"), SHOWN)
    vectors = PlaceholderVectors(*(rng.normal(size=(2, len(ds.interactions), WIDTH)).astype(np.float32)))
    rows, gate = rng.permutation(select_strided_rows(ds, 1, 0, 0))[:PROMPTS], np.ones(1, dtype=np.float32)
    rendered = LazyPrompts(
        PROMPTS,
        lambda i: renderer.render_row(int(rows[i]), gate=gate, vectors=vectors, with_answer=True, history_loss=0.3),
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "prompts.arrow"
        write_prompts(rendered, path)
        stored = StoredPrompts(path)
        size = path.stat().st_size / PROMPTS
        found = times(
            {
                "read": lambda: list(stored),
                "rendered": lambda: list(rendered),
                "stored": lambda: write_prompts(rendered, path),
            },
            args.repeats,
        )
        lengths = stored.lengths.copy()
    micro = {name: median(seconds) / PROMPTS * 1e6 for name, seconds in found.items()}
    ours = share(lengths, split_by_token_budget(lengths, TOKENS, shuffle_seed=0))
    rows_a_batch = round(TOKENS / lengths.mean())
    theirs = share(lengths, np.array_split(rng.permutation(PROMPTS), -(-PROMPTS // rows_a_batch)))
    finish(
        [
            Row(
                f"one of {PROMPTS} prompts, {lengths.mean():.0f} tokens on average",
                "rendered anew",
                micro["read"],
                micro["rendered"],
                "us",
                micro["rendered"] / micro["read"],
                None,
                all={"seconds": found, "bytes_each": size},
            ),
            Row(
                f"padding in batches of {TOKENS}",
                f"{rows_a_batch} rows in random order",
                100 * ours,
                100 * theirs,
                "%",
                theirs / ours,
                None,
            ),
        ],
        args.out,
    )


if __name__ == "__main__":
    main()
