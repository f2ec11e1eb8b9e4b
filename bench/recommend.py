"""Recommending out of the whole catalogue beside ranking everything: same lists, recall of the generator, seconds.

    python bench/recommend.py runs/demo --users 30

Needs a finished run; the candidate generator is fitted into its folder. With --catalogue the same model answers on a
simulated catalogue of another size, whose items it does not know: only the seconds are of use there.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import RESULTS, median

from thinkrec.api import ThinkRec
from thinkrec.io.files import write_json
from thinkrec.retrieve.config import RetrieveConfig
from thinkrec.run.provenance import describe_environment
from thinkrec.run.retrieval import RECALL, STAGE
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

TOP = 10


def draw_users(model: ThinkRec, n: int, seed: int) -> list[Any]:
    """Ids of n users, drawn by the seed."""
    ids = model.ds.user_ids
    return [ids[code] for code in np.random.default_rng(seed).choice(len(ids), min(n, len(ids)), replace=False)]


def compare_lists(model: ThinkRec, users: list[Any], sizes: list[int]) -> list[dict[str, Any]]:
    """Per number of candidates, without and with rounds: how far the lists agree with ranking everything."""
    whole = [[entry.item for entry in some] for some in model.rank_many(users, top=TOP)]
    rows = []
    for rounds in (0, RetrieveConfig().rounds):
        model.configure_retrieval(RetrieveConfig(rounds=rounds))
        for size in sizes:
            lists = [[entry.item for entry in some] for some in model.recommend_many(users, TOP, candidates=size)]
            pairs = list(zip(lists, whole, strict=True))
            same = sum(ours == theirs for ours, theirs in pairs) / len(pairs)
            share = sum(len({*ours} & {*theirs}) / len(theirs) for ours, theirs in pairs) / len(pairs)
            rows.append({"rounds": rounds, "candidates": size, "same_list": same, "share_found": share})
            print(f"  rounds {rounds}, {size} candidates: same list {same:.2f}, share found {share:.2f}", flush=True)
    model.configure_retrieval(RetrieveConfig())
    return rows


def time_answers(model: ThinkRec, users: list[Any]) -> dict[str, float]:
    """Seconds for one user, after a first call that opens everything: recommending, and ranking everything."""
    model.recommend(users[0], TOP)
    seconds: dict[str, list[float]] = {"recommend": [], "rank": []}
    for user in users:
        for name, answer in (
            ("recommend", lambda u: model.recommend(u, TOP)),
            ("rank", lambda u: model.rank(u, top=TOP)),
        ):
            start = time.perf_counter()
            answer(user)
            seconds[name].append(time.perf_counter() - start)
    return {name: median(some) for name, some in seconds.items()}


def open_other_catalogue(run: Path, users: int, items: int, seed: int) -> ThinkRec:
    """The run's model on a simulated catalogue of so many users and items."""
    config = SimulatorConfig(users=users, items=items, interactions_per_user=(20, 60))
    return ThinkRec.load(run, data=simulate_catalogue(config, seed).dataset)


def main() -> None:
    """Measure, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--users", type=int, default=30, help="whose lists are compared")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 200, 400, 600])
    parser.add_argument("--timed", type=int, default=5, help="users whose answers are timed")
    parser.add_argument("--catalogue", type=int, nargs=2, metavar=("USERS", "ITEMS"), help="such as 610 9700")
    parser.add_argument("--seed", type=int, default=0, help="of the users drawn, and of the catalogue")
    parser.add_argument("--out", type=Path, default=RESULTS / "recommend.json")
    args = parser.parse_args()
    command = " ".join(["python bench/recommend.py", *sys.argv[1:]])
    print(f"{command}\n{torch.get_num_threads()} threads", flush=True)

    model = ThinkRec.load(args.run)
    users = draw_users(model, args.users, args.seed)
    figures: dict[str, Any] = {"command": command, "seed": args.seed, "users": len(users), "items": len(model.ds.items)}
    figures["agreement"] = compare_lists(model, users, args.sizes)
    figures["seconds_per_user"] = time_answers(model, users[: args.timed])
    figures["recall"] = json.loads((args.run / STAGE / RECALL).read_text(encoding="utf-8"))
    print(f"  seconds per user, {len(model.ds.items)} items: {figures['seconds_per_user']}", flush=True)
    for result in figures["recall"]["results"]:
        print(f"  recall: {result}", flush=True)
    if args.catalogue:
        other = open_other_catalogue(args.run, *args.catalogue, args.seed)
        seconds = time_answers(other, draw_users(other, args.timed, args.seed))
        figures["other_catalogue"] = {
            "users": args.catalogue[0],
            "items": args.catalogue[1],
            "seconds_per_user": seconds,
        }
        print(f"  seconds per user, {args.catalogue[1]} simulated items: {seconds}", flush=True)
    figures["environment"] = describe_environment()
    write_json(args.out, figures)


if __name__ == "__main__":
    main()
