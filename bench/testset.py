"""The MovieLens-1M test rows, exactly: sliding histories share little, so this is about everything else.

    python bench/testset.py            (needs the MovieLens-1M slice; `thinkrec doctor` says where it is looked for)

Ours takes rows in order of length and reads two logits; the peer is Transformers with PEFT in the batch size that is
best for it, once with rows in their own order, as evaluation scripts have them, and once in order of length. Below: all
test rows of some users with windows that move in steps (`prompt.history_step`), which show more and share it, beside
the same windows asked one by one.
"""

from __future__ import annotations

import numpy as np
from common import Row, arguments, backbone_of, finish, median, times
from models import Peer, close, recommender

from thinkrec.data.dataset import Dataset
from thinkrec.data.loaders.movielens import load_ml1m_slice
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.render import PromptRenderer
from thinkrec.run.data_sources import find_data_folder
from thinkrec.score.predictor import Predictor
from thinkrec.score.ranker import score_prompts

ROWS, SIZES, LIMIT, BLOCK = 256, (4, 8, 16, 32), 1.5, 10
SHOWN = PromptConfig(history=10, keywords=6, history_keywords=3)


def in_blocks(rec, ds: Dataset, repeats: int) -> Row:
    """Test rows of whole users, about as many, with their histories shared and not."""
    system = Predictor(ds, rec, SHOWN.model_copy(update={"history_step": BLOCK}))
    it, rows = ds.interactions, np.sort(ds.interactions.get_split_rows(2))
    users = np.random.default_rng(0).permutation(np.unique(it.user[rows]))
    most = np.cumsum([int((it.user[rows] == user).sum()) for user in users])
    rows = rows[np.isin(it.user[rows], users[: int(np.searchsorted(most, ROWS)) + 1])]
    prompts = system.render_prompts(rows)
    seconds = times(
        {
            "shared": lambda: system.score(rows),
            "apart": lambda: score_prompts(rec, prompts.__getitem__, len(rows)),
        },
        repeats,
    )
    difference = float(np.abs(system.score(rows) - score_prompts(rec, prompts.__getitem__, len(rows))).max())
    if not difference <= close(rec, system.score(rows)):
        raise SystemExit(f"scores differ by {difference}: nothing was compared")
    mid = {name: median(found) for name, found in seconds.items()}
    what = f"{len(rows)} test rows of whole users, windows in blocks of {BLOCK}"
    return Row(
        what,
        "own, the same windows one by one",
        mid["shared"],
        mid["apart"],
        "s",
        mid["apart"] / mid["shared"],
        None,
        all={"seconds": seconds},
    )


def main() -> None:
    args = arguments(__doc__ or "", "testset")
    rec = recommender(0, **backbone_of(args))
    ds = load_ml1m_slice(find_data_folder("ml1m"))
    renderer = PromptRenderer(ds, rec.backbone, SHOWN)
    rows = np.random.default_rng(0).choice(ds.interactions.get_split_rows(2), size=ROWS, replace=False)
    prompts = [renderer.render_row(int(row), gate=np.ones(1, dtype=np.float32)) for row in np.sort(rows)]
    by_length = sorted(prompts, key=len)
    peer = Peer(rec, {"one": 0})
    tried = {size: median(times({"one": lambda size=size: peer.score(prompts, size)}, 1)["one"]) for size in SIZES}
    size = min(tried, key=lambda size: tried[size])
    seconds = times(
        {
            "ours": lambda: score_prompts(rec, prompts.__getitem__, ROWS),
            "peer": lambda: peer.score(prompts, size),
            "peer by length": lambda: peer.score(by_length, size),
        },
        args.repeats,
    )
    ours, theirs = score_prompts(rec, prompts.__getitem__, ROWS), peer.score(prompts, size)
    difference = float(np.abs(ours - theirs).max())
    if not difference <= close(rec, theirs) or np.std(theirs) < 1e-2:
        raise SystemExit(f"scores differ by {difference}, their spread is {np.std(theirs)}: nothing was compared")
    mid = {name: median(found) for name, found in seconds.items()}
    name, more = (
        f"Transformers + PEFT, batches of {size}",
        {"seconds": seconds, "sizes": tried, "difference": difference},
    )
    finish(
        [
            Row(f"{ROWS} test rows", name, mid["ours"], mid["peer"], "s", mid["peer"] / mid["ours"], LIMIT, all=more),
            Row(
                f"{ROWS} test rows",
                f"{name}, by length",
                mid["ours"],
                mid["peer by length"],
                "s",
                mid["peer by length"] / mid["ours"],
                None,
            ),
            in_blocks(rec, ds, args.repeats),
        ],
        args.out,
    )


if __name__ == "__main__":
    main()
