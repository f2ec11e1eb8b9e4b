"""One user, many candidates: shared prefixes against one prompt per candidate, same ids, same adapter, same precision.

    python bench/ranking.py

T = N (P + S) / (P + N S) is the ratio of tokens: N candidates, a prefix of P tokens, S tokens a candidate. Transformers
with PEFT gets the batch size that is best for it.
"""

from __future__ import annotations

import numpy as np
from common import Row, arguments, backbone_of, finish, median, times
from models import Peer, catalogue, close, recommender

from thinkrec.data.dataset import Dataset
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.render import PromptRenderer
from thinkrec.prompts.shared_prefix import SharedPrefix
from thinkrec.score.ranker import score_prompts, score_shared_prefixes

CANDIDATES = 100
SIZES = (8, 16, 32, 100)
SHARE, TOKENS = 0.75, {10: 5.0, 30: 10.0}
"""What is asked: this share of T, and T itself by length of history."""


def question(ds: Dataset, rec, history: int, n: int, user: int = 0) -> SharedPrefix:
    """A user with a full history, asked about n items."""
    renderer = PromptRenderer(
        ds, rec.backbone, PromptConfig(history=history, keywords=6, history_keywords=3, max_tokens=4096)
    )
    it = ds.interactions
    past = it.get_history(int(it.start[user + 1]) - 1, history)
    items = np.random.default_rng(user).choice(len(ds.items.titles), size=n, replace=False)
    ((_, fork),) = renderer.render_candidates(items, it.item[past], it.label[past], gate=np.ones(1, dtype=np.float32))
    return fork


def compare(rec, peer: Peer, fork: SharedPrefix, history: int, repeats: int) -> list[Row]:
    """Both ways to rank the leaves of a fork."""
    prompts, places = fork.to_prompts(), np.arange(CANDIDATES)
    prefix, suffix = len(fork.prefix), float(np.mean([len(leaf) for leaf in fork.suffixes]))
    apart, full = prefix + CANDIDATES * suffix, CANDIDATES * (prefix + suffix)
    tried = {size: median(times({"one": lambda size=size: peer.score(prompts, size)}, 1)["one"]) for size in SIZES}
    size = min(tried, key=lambda size: tried[size])
    seconds = times(
        {
            "shared": lambda: score_shared_prefixes(rec, [(places, fork)], CANDIDATES),
            "plain": lambda: score_prompts(rec, prompts.__getitem__, CANDIDATES),
            "peer": lambda: peer.score(prompts, size),
        },
        repeats,
    )
    scores = score_shared_prefixes(rec, [(places, fork)], CANDIDATES), peer.score(prompts, size)
    difference = float(np.abs(scores[0] - scores[1]).max())
    if not difference <= close(rec, scores[1]) or np.std(scores[1]) < 1e-2:
        raise SystemExit(f"scores differ by {difference}, their spread is {np.std(scores[1])}: nothing was compared")
    ours, plain, theirs = (median(seconds[name]) for name in ("shared", "plain", "peer"))
    what, name = f"{CANDIDATES} candidates, history of {history}", f"Transformers + PEFT, batches of {size}"
    more = {"seconds": seconds, "sizes": tried, "P": prefix, "S": suffix, "T": full / apart, "difference": difference}
    return [
        Row(what, name, ours, theirs, "s", theirs / ours, SHARE * full / apart, all=more),
        Row(
            f"its token ratio T (P {prefix}, S {suffix:.1f})", "", apart, full, "tokens", full / apart, TOKENS[history]
        ),
        Row(f"{what}, nothing shared", name, plain, theirs, "s", theirs / plain, None),
    ]


def main() -> None:
    args = arguments(__doc__ or "", "ranking")
    ds, rec = catalogue(), recommender(0, **backbone_of(args))
    peer = Peer(rec, {"one": 0})
    rows = [compare(rec, peer, question(ds, rec, history, CANDIDATES), history, args.repeats) for history in TOKENS]
    finish([row for part in rows for row in part], args.out)


if __name__ == "__main__":
    main()
