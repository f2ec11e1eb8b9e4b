"""The MovieLens-1M test rows, exactly: sliding histories share little, so this is about everything else.

    python bench/testset.py            (needs the shared data; see --help of `thinkrec data`)

Ours takes rows in order of length and reads two logits; the peer is Transformers with PEFT in the batch size that is
best for it, once with rows in their own order, as evaluation scripts have them, and once in order of length.
"""

from __future__ import annotations

import numpy as np
from common import Row, arguments, finish, median, times
from models import Peer, recommender

from thinkrec.data.movielens import load_ml1m_slice
from thinkrec.data.sources import data_folder
from thinkrec.prompts.render import PromptConfig, Renderer
from thinkrec.score.ranker import score_prompts

ROWS, SIZES, LIMIT = 256, (4, 8, 16, 32), 1.5


def main() -> None:
    args = arguments(__doc__ or "", "testset")
    rec = recommender(0)
    ds = load_ml1m_slice(data_folder("ml1m"))
    renderer = Renderer(ds, rec.backbone, PromptConfig(history=10, keywords=6, history_keywords=3))
    rows = np.random.default_rng(0).choice(ds.interactions.rows(2), size=ROWS, replace=False)
    prompts = [renderer.row(int(row), gate=np.ones(1, dtype=np.float32)) for row in np.sort(rows)]
    by_length = sorted(prompts, key=len)
    peer = Peer(rec, {"one": 0}, str(rec.backbone.model.config._name_or_path))
    tried = {size: median(times({"one": lambda size=size: peer.score(prompts, size)}, 1)["one"]) for size in SIZES}
    size = min(tried, key=lambda size: tried[size])
    seconds = times({
        "ours": lambda: score_prompts(rec, prompts.__getitem__, ROWS),
        "peer": lambda: peer.score(prompts, size),
        "peer by length": lambda: peer.score(by_length, size),
    }, args.repeats)  # fmt: skip
    ours, theirs = score_prompts(rec, prompts.__getitem__, ROWS), peer.score(prompts, size)
    difference = float(np.abs(ours - theirs).max())
    if not difference <= 1e-4 or np.std(theirs) < 1e-2:
        raise SystemExit(f"scores differ by {difference}, their spread is {np.std(theirs)}: nothing was compared")
    mid = {name: median(found) for name, found in seconds.items()}
    name, more = (
        f"Transformers + PEFT, batches of {size}",
        {"seconds": seconds, "sizes": tried, "difference": difference},
    )
    finish([
        Row(f"{ROWS} test rows", name, mid["ours"], mid["peer"], "s", mid["peer"] / mid["ours"], LIMIT, all=more),
        Row(f"{ROWS} test rows", f"{name}, by length", mid["ours"], mid["peer by length"], "s",
            mid["peer by length"] / mid["ours"], None),
    ], args.out)  # fmt: skip


if __name__ == "__main__":
    main()
