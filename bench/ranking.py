"""One user, many candidates: shared prefixes against one prompt per candidate, same ids, same adapter, same precision.

    python bench/ranking.py

T = N (P + S) / (P + N S) is the ratio of tokens: N candidates, a prefix of P tokens, S tokens a candidate. Transformers
with PEFT gets the batch size that is best for it.
"""

from __future__ import annotations

import numpy as np
from common import Row, arguments, finish, median, times
from models import Peer, catalogue, recommender

from thinkrec.data.dataset import Dataset
from thinkrec.model.fork import Fork
from thinkrec.prompts.render import PromptConfig, Renderer
from thinkrec.score.ranker import score_forks, score_prompts

CANDIDATES = 100
SIZES = (8, 16, 32, 100)
SHARE, TOKENS = 0.75, {10: 5.0, 30: 10.0}
"""What is asked: this share of T, and T itself by length of history."""


def question(ds: Dataset, rec, history: int, n: int, user: int = 0) -> Fork:
    """A user with a full history, asked about n items."""
    renderer = Renderer(ds, rec.backbone, PromptConfig(history=history, keywords=6, history_keywords=3, max_tokens=4096))
    it = ds.interactions
    past = it.history(int(it.start[user + 1]) - 1, history)
    items = np.random.default_rng(user).choice(len(ds.items.titles), size=n, replace=False)
    ((_, fork),) = renderer.fork(items, it.item[past], it.label[past], gate=np.ones(1, dtype=np.float32))
    return fork


def main() -> None:
    args = arguments(__doc__ or "", "ranking")
    ds, rec = catalogue(), recommender(0)
    peer, rows = Peer(rec, {"one": 0}, str(rec.backbone.model.config._name_or_path)), []
    for history in TOKENS:
        fork = question(ds, rec, history, CANDIDATES)
        prompts, places = fork.prompts(), np.arange(CANDIDATES)
        prefix, suffix = len(fork.trunk), float(np.mean([len(leaf) for leaf in fork.leaves]))
        ratio = CANDIDATES * (prefix + suffix) / (prefix + CANDIDATES * suffix)
        one = {f"peer {size}": lambda size=size: peer.score(prompts, size) for size in SIZES}
        tried = {name: median(found) for name, found in times(one, 1).items()}
        size = int(min(tried, key=lambda name: tried[name]).split()[1])
        found = times({
            "shared": lambda: score_forks(rec, [(places, fork)], CANDIDATES),
            "plain": lambda: score_prompts(rec, prompts.__getitem__, CANDIDATES),
            "peer": lambda: peer.score(prompts, size),
        }, args.repeats)  # fmt: skip
        shared, theirs = score_forks(rec, [(places, fork)], CANDIDATES), peer.score(prompts, size)
        apart = float(np.abs(shared - theirs).max())
        if not apart <= 1e-4 or np.std(theirs) < 1e-2:
            raise SystemExit(f"scores differ by {apart}, their spread is {np.std(theirs)}: nothing was compared")
        ours, other = median(found["shared"]), median(found["peer"])
        more = {"seconds": found, "sizes": tried, "P": prefix, "S": suffix, "T": ratio, "apart": apart}
        what = f"{CANDIDATES} candidates, history of {history}"
        rows += [
            Row(what, f"Transformers + PEFT, batches of {size}", ours, other, "s", other / ours, SHARE * ratio, all=more),
            Row(f"its token ratio T (P {prefix}, S {suffix:.1f})", "", prefix + CANDIDATES * suffix,
                CANDIDATES * (prefix + suffix), "tokens", ratio, TOKENS[history]),
            Row(f"{what}, nothing shared", f"Transformers + PEFT, batches of {size}", median(found["plain"]), other, "s",
                other / median(found["plain"]), None),
        ]  # fmt: skip
    finish(rows, args.out)


if __name__ == "__main__":
    main()
