"""Collaborative encoders on a simulated table of ten million ratings: seconds per epoch beside other libraries.

    pip install implicit rectools recbole        (each is left out where it is not installed)
    python bench/encoders.py --rows 10000000

Same ratings, dimension and batch for all. `--steps` steps of LightGCN are timed and multiplied, ten times as many of MF
and five times of SASRec. What peers do differently: `encoder_peers.py`.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import polars as pl
import torch
from common import Row, finish, parser_of
from encoder_peers import RecBole, implicit_bpr, rectools_sasrec

from thinkrec.collab import training
from thinkrec.collab.lightgcn import LightGCN, LightGCNConfig
from thinkrec.collab.mf import MF, MFConfig
from thinkrec.collab.sasrec import SASRec, SASRecConfig
from thinkrec.data.dataset import PLAIN_WORDS, Dataset, Items
from thinkrec.data.interactions import TRAIN, VALID, Interactions

DIM, BATCH, LENGTH, PER_USER = 64, 2048, 25, 100


def simulated(rows: int, seed: int = 0) -> Dataset:
    """A hundred ratings of every user, items by popularity (Zipf), a like where two hidden vectors agree."""
    rng, users = np.random.default_rng(seed), rows // PER_USER
    rows, n_items = users * PER_USER, max(200, users // 5)
    share = 1.0 / np.arange(1, n_items + 1)
    item, user = rng.choice(n_items, size=rows, p=share / share.sum()), np.repeat(np.arange(users), PER_USER)
    taste, kind = (rng.normal(size=(n, 8)).astype(np.float32) for n in (users, n_items))
    like = np.einsum("nd,nd->n", taste[user], kind[item]) + rng.normal(size=rows) > 0
    split = np.full(rows, TRAIN)
    split[rng.choice(rows, size=min(rows // 10, 20_000), replace=False)] = VALID
    table = Interactions.build(
        user=user,
        item=item,
        label=like.astype(np.int8),
        timestamp=np.tile(np.arange(PER_USER), users),
        split=split,
        order=np.arange(rows),
        n_users=users,
    )
    items = Items(list(range(n_items)), [""] * n_items, [()] * n_items, pl.DataFrame({}))
    return Dataset(table, items, PLAIN_WORDS, list(range(users)))


class _EnoughStepsError(Exception):
    """So many steps were timed."""


def epoch(encoder: Any, ds: Dataset, steps: int) -> float:
    """Seconds of one epoch of `encoder.fit`: its preparation, and so many steps after two, multiplied to all."""
    prepared = began = 0.0

    def timed(net, batches, *rest, **options):
        def few(rng: np.random.Generator) -> Iterator[Any]:
            nonlocal prepared, began
            called = time.perf_counter()
            for n, batch in enumerate(batches(rng)):
                if n == 0:
                    prepared = time.perf_counter() - called
                if n == 2:
                    began = time.perf_counter()
                if n == 2 + steps:
                    raise _EnoughStepsError
                yield batch

        return training.train_encoder(net, few, *rest, **options)

    module = importlib.import_module(type(encoder).__module__)
    before, module.train_encoder = module.train_encoder, timed
    try:
        return encoder.fit(ds, seed=0)[0]["seconds"]  # an epoch of fewer steps
    except _EnoughStepsError:
        return prepared + (time.perf_counter() - began) / steps * -(
            -len(ds.interactions.get_split_rows(TRAIN)) // BATCH
        )
    finally:
        module.train_encoder = before


def released(name: str) -> str | None:
    """A library's name with its version; None where it is not installed."""
    try:
        return f"{name} {version(name.lower())}"
    except PackageNotFoundError:
        return None


def main() -> None:
    parser = parser_of(__doc__ or "", "encoders")
    parser.add_argument("--rows", type=int, default=10_000_000, help="ratings in the table")
    parser.add_argument("--steps", type=int, default=20, help="timed steps of LightGCN; more of the others")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    ds, once, rows = simulated(args.rows), training.EncoderTrainingConfig(batch_size=BATCH, epochs=1), []
    recbole = RecBole(ds, dim=DIM, batch=BATCH, length=LENGTH)

    def compare(what: str, encoder: Any, steps: int, peers: dict[str, tuple[str, Callable[[], float]]]) -> None:
        ours = epoch(encoder, ds, steps)
        print(f"{what}: {ours:.1f} s", flush=True)
        for library, (detail, peer) in peers.items():
            if (name := released(library)) is not None:
                theirs = peer()
                print(f"    {name} {detail}: {theirs:.1f} s", flush=True)
                rows.append(Row(f"{what}, one epoch", f"{name} {detail}", ours, theirs, "s", theirs / ours, None))

    few, some, many = args.steps, 5 * args.steps, 10 * args.steps
    compare(
        "MF",
        MF(MFConfig(dim=DIM, training=once)),
        many,
        {
            "RecBole": ("BPR", lambda: recbole.seconds("BPR", many)),
            "implicit": ("BPR", lambda: implicit_bpr(ds, dim=DIM, threads=args.threads)),
        },
    )
    gcn = LightGCN(LightGCNConfig(dim=DIM, training=once))
    compare("LightGCN", gcn, few, {"RecBole": ("LightGCN", lambda: recbole.seconds("LightGCN", few))})
    sasrec = SASRec(SASRecConfig(dim=DIM, max_length=LENGTH, history="labelled", training=once))
    compare(
        "SASRec",
        sasrec,
        some,
        {
            "RecBole": ("SASRec", lambda: recbole.seconds("SASRec", some)),
            "RecTools": ("SASRec", lambda: rectools_sasrec(ds, dim=DIM, batch=BATCH, length=LENGTH)),
        },
    )
    finish(
        rows,
        args.out,
        {
            "table": {"ratings": len(ds.interactions), "users": ds.interactions.n_users, "items": len(ds.items)},
            "batch": BATCH,
            "dim": DIM,
        },
    )


if __name__ == "__main__":
    main()
