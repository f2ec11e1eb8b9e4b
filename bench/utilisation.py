"""Model FLOP utilisation on a GPU: training and ranking on the shape of an 8B model with random weights.

    python bench/utilisation.py            (or: make bench-gpu; needs a GPU with bfloat16, 40 GB)

Counted is what the task needs, not what is done: two operations per weight and token, and attention over what each
token sees; in training twice that, for the gradients of activations (frozen weights need none of their own). Divided by
the time and by the peak that the card's data sheet gives for dense bfloat16.
"""

from __future__ import annotations

import numpy as np
import torch
from common import Row, backbone_of, finish, median, parser_of, times
from growth import work
from models import catalogue, recommender
from ranking import question
from training import Stage, prompts_of

from thinkrec.prompts.shared_prefix import SharedPrefix
from thinkrec.score.ranker import score_shared_prefixes

PEAKS = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "L40S": 362e12, "4090": 165e12}
"""Operations per second, dense bfloat16, by a part of the card's name; NVIDIA's data sheets of the SXM cards."""
TRAINING, RANKING = 0.45, 0.55


def training(rec, rows: int, repeats: int) -> tuple[float, float]:
    """Operations of one pass over so many prompts, and its seconds."""
    prompts = prompts_of(rec, rows, 0)
    stage = Stage(rec, prompts, ("global",))
    needed = 4 * sum(work(rec, [SharedPrefix(prompt, ())], whole=True) for prompt in prompts)
    return needed, median(times({"one": stage.run}, repeats)["one"])


def ranking(rec, users: int, candidates: int, repeats: int) -> tuple[float, float]:
    """Operations of ranking so many candidates for each of some users, and its seconds."""
    ds = catalogue()
    forks = [question(ds, rec, 30, candidates, user) for user in range(users)]
    places = np.split(np.arange(users * candidates), users)
    run = lambda: score_shared_prefixes(rec, zip(places, forks, strict=True), users * candidates)  # noqa: E731
    return 2 * work(rec, forks), median(times({"one": run}, repeats)["one"])


def peak_of(name: str) -> float:
    """The data sheet's figure. Raises SystemExit for a card that is not in the table."""
    for part, peak in PEAKS.items():
        if part in name:
            return peak
    raise SystemExit(f"no peak is known for {name!r}; give --peak with its dense bfloat16 operations per second")


def main() -> None:
    parser = parser_of(__doc__ or "", "utilisation")
    parser.set_defaults(device="cuda", backbone="llama-8b", dtype="bfloat16")
    parser.add_argument(
        "--peak", type=float, default=None, help="operations per second; by default from the card's name"
    )
    parser.add_argument("--rows", type=int, default=256, help="prompts of a training pass")
    parser.add_argument("--users", type=int, default=16, help="users that are ranked for")
    parser.add_argument("--candidates", type=int, default=200, help="candidates of each")
    args = parser.parse_args()
    peak = args.peak or peak_of(torch.cuda.get_device_name(0))
    rec = recommender(0, **backbone_of(args))
    if not rec.capabilities.shared_prefix:
        raise SystemExit("packed attention is not available here: ranking would not be what is measured")
    rows = []
    asked = {
        "training, stage 1": (TRAINING, lambda: training(rec, args.rows, args.repeats)),
        f"ranking {args.candidates} candidates of {args.users} users": (
            RANKING,
            lambda: ranking(rec, args.users, args.candidates, args.repeats),
        ),
    }
    for what, (limit, run) in asked.items():
        needed, seconds = run()
        reached = float(needed / seconds)
        rows.append(
            Row(
                f"{what}, {args.backbone}",
                "the card's data sheet",
                reached / 1e12,
                peak / 1e12,
                "TFLOP/s",
                reached / peak,
                limit,
            )
        )
    finish(rows, args.out)


if __name__ == "__main__":
    main()
