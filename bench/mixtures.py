"""64 users, each with a mixture of experts of their own: one batch against PEFT merging, and PEFT's mixed batches.

    python bench/mixtures.py

PEFT merges with add_weighted_adapter (combination "cat", the one that is exactly the sum of the weighted products) and
set_adapter before each user's prompt; or it is given 64 adapters that were merged before the clock runs, and a batch
with adapter_names. Below: what experts cost over one plain adapter of the same rank, own layer both times; and one user
alone, whose mixture may as well be added to the weights first.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from common import Row, arguments, backbone_of, finish, median, times
from models import Peer, catalogue, close, recommender, without_gate

from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.render import PromptRenderer
from thinkrec.prompts.types import Prompt
from thinkrec.score.ranker import score_prompts

USERS, EXPERTS = 64, 3
MERGING, NAMES, PLAIN = 10.0, 2.0, {"cpu": 1.05, "cuda": 1.03}
PAPER = {"rank": 8, "targets": ("q_proj", "v_proj")}


def asked(rec, gates: np.ndarray) -> list[Prompt]:
    """One prompt of each user, with a gate each."""
    ds = catalogue()
    renderer = PromptRenderer(ds, rec.backbone, PromptConfig(history=10, keywords=6, history_keywords=3))
    return [renderer.render_row(int(ds.interactions.start[u + 1]) - 1, gate=gate) for u, gate in enumerate(gates)]


def alone(rec, prompts: list[Prompt], gates: np.ndarray) -> np.ndarray:
    """One prompt of each user, one after the other, their mixture added to the weights before it."""
    found = []
    for prompt, gate in zip(prompts, gates, strict=True):
        for name, layer in rec.adapters.layers.items():
            delta = rec.adapters.compute_fused_delta(name, torch.from_numpy(gate))
            layer.merged_weight = (layer.base.weight + delta).to(layer.base.weight.dtype)
        plain = without_gate(prompt)
        found.append(score_prompts(rec, lambda _, plain=plain: plain, 1)[0])
    rec.adapters.clear_merged_weights()
    rec.freeze_for_inference()
    return np.array(found)


def main() -> None:
    args, rng = arguments(__doc__ or "", "mixtures"), np.random.default_rng(0)
    chosen = backbone_of(args)
    rec, rows = recommender(EXPERTS, **chosen), []
    gates = rng.dirichlet(np.ones(1 + EXPERTS), size=USERS).astype(np.float32)
    prompts = asked(rec, gates)
    slots = {f"slot{k}": k for k in range(1 + EXPERTS)}
    peer = Peer(rec, slots)
    ours = score_prompts(rec, prompts.__getitem__, USERS)

    def merge(user: int) -> str:
        name = f"user{user}"
        peer.model.add_weighted_adapter(list(slots), gates[user].tolist(), name, combination_type="cat")
        return name

    def merging() -> np.ndarray:
        found = []
        for user, prompt in enumerate(prompts):
            name = merge(user)
            peer.model.set_adapter(name)
            found.append(peer.score([prompt], 1)[0])
            peer.model.set_adapter("slot0")
            peer.model.delete_adapter(name)
        return np.array(found)

    seconds = times({"ours": lambda: score_prompts(rec, prompts.__getitem__, USERS), "merging": merging}, args.repeats)
    apart = [float(np.abs(ours - merging()).max())]
    names = [merge(user) for user in range(USERS)]
    best = {
        size: median(times({"one": lambda size=size: peer.score(prompts, size, names)}, 1)["one"]) for size in (8, 64)
    }
    size = min(best, key=lambda size: best[size])
    seconds |= times(
        {
            "ours again": lambda: score_prompts(rec, prompts.__getitem__, USERS),
            "names": lambda: peer.score(prompts, size, names),
        },
        args.repeats,
    )
    apart.append(float(np.abs(ours - peer.score(prompts, size, names)).max()))
    if not max(apart) <= close(rec, ours) or np.std(ours) < 1e-2:
        raise SystemExit(f"scores differ by {apart}, their spread is {np.std(ours)}: nothing was compared")
    what, mid = f"{USERS} users, {USERS} mixtures", {name: median(found) for name, found in seconds.items()}
    rows += [
        Row(
            what,
            "PEFT, merged for each user",
            mid["ours"],
            mid["merging"],
            "s",
            mid["merging"] / mid["ours"],
            MERGING,
            all={"seconds": seconds, "apart": apart},
        ),
        Row(
            what,
            f"PEFT adapter_names, merged before, batches of {size}",
            mid["ours again"],
            mid["names"],
            "s",
            mid["names"] / mid["ours again"],
            NAMES,
        ),
    ]
    few = slice(0, 16)
    fused = alone(rec, prompts[few], gates[few])
    if not np.abs(fused - ours[few]).max() <= close(rec, ours):
        raise SystemExit(f"added to the weights the mixtures score {fused - ours[few]} apart: nothing was compared")
    found = times(
        {
            "by row": lambda: [score_prompts(rec, lambda _, p=p: p, 1) for p in prompts[few]],
            "added": lambda: alone(rec, prompts[few], gates[few]),
        },
        args.repeats,
    )
    mid = {name: median(seconds) for name, seconds in found.items()}
    rows.append(
        Row(
            "one user at a time",
            "own, mixture added to the weights first",
            mid["by row"],
            mid["added"],
            "s",
            mid["added"] / mid["by row"],
            None,
            all={"seconds": found},
        )
    )
    for label, shape in (("nano's recipes: rank 16, all linears", {}), ("the paper's: rank 8, q and v", PAPER)):
        many, one = recommender(EXPERTS, **shape, **chosen), recommender(1, **shape, **chosen)
        single = [replace(p, gate=np.array([0, 1], dtype=np.float32)) for p in prompts]
        found = times(
            {
                "many": lambda many=many: score_prompts(many, prompts.__getitem__, USERS),
                "one": lambda one=one, single=single: score_prompts(one, single.__getitem__, USERS),
            },
            4 * args.repeats,
        )
        mid = {name: median(seconds) for name, seconds in found.items()}
        what = f"{EXPERTS} experts over 1, {label}"
        rows.append(
            Row(
                what,
                "own layer with one expert",
                mid["many"],
                mid["one"],
                "s",
                mid["many"] / mid["one"],
                PLAIN[args.device],
                at_most=True,
                all={"seconds": found},
            )
        )
    finish(rows, args.out)


if __name__ == "__main__":
    main()
