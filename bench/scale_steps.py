"""What comes after reading a large table, one step a process: seconds, and the largest memory while it ran.

    python bench/scale_steps.py FOLDER mf        (FOLDER as `big_ratings.py` writes it; prints one line of JSON)

A step is done as a run does it, but for one epoch. Encoders take 262,144 rows a step: with the usual 1,024
the tables of millions of users, which Adam goes through at every step, are read thousands of times an epoch.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from thinkrec.collab.boosting import GradientBoosting, GradientBoostingConfig
from thinkrec.collab.embedding_tables import EmbeddingTables
from thinkrec.collab.encoder import Encoder
from thinkrec.collab.features.slot_encoder import SlotEncoder
from thinkrec.collab.lightgcn import LightGCN, LightGCNConfig
from thinkrec.collab.mf import MF, MFConfig
from thinkrec.collab.sasrec import SASRec, SASRecConfig
from thinkrec.collab.sequences import UserSequences
from thinkrec.collab.training import EncoderTrainingConfig
from thinkrec.data.dataset import Dataset
from thinkrec.data.split import ByFractions
from thinkrec.personal.groups import GroupConfig, fit_groups
from thinkrec.retrieve.config import RetrieveConfig
from thinkrec.retrieve.neighbours import ItemNeighbours
from thinkrec.train.stages import find_last_train_rows

BATCH = 262_144
SEED = 0
READ = 4096
"""Rows whose slot vectors are read, as a training step does."""


def get_training(batch_size: int = BATCH) -> EncoderTrainingConfig:
    """One epoch."""
    return EncoderTrainingConfig(batch_size=batch_size, epochs=1, patience=1)


def make_random_mf(ds: Dataset) -> MF:
    """An MF whose vectors are random: what follows takes the same memory, and nobody waits for an epoch."""
    rng, encoder = np.random.default_rng(SEED), MF(MFConfig())
    sizes = (ds.interactions.n_users, len(ds.items))
    encoder.tables = EmbeddingTables.from_weights(
        ds, *(rng.standard_normal((n, encoder.dim), dtype=np.float32) for n in sizes)
    )
    return encoder


def encode_slots(ds: Dataset, encoder: Encoder) -> None:
    """Slot vectors of all rows, with all that they may hold, and some of them read."""
    slots = SlotEncoder.from_dataset(ds, encoder, statistics=True, votes=True, seed=SEED)
    vectors = slots.encode_rows(ds)
    rows = np.random.default_rng(SEED).integers(len(ds.interactions), size=READ)
    assert np.isfinite([vectors.user[int(row)] for row in rows]).all() and np.isfinite(vectors.item[rows]).all()


def group_users(ds: Dataset, encoder: Encoder) -> None:
    """Three groups of users by their vectors."""
    fit_groups(encoder.encode_users(ds, find_last_train_rows(ds)[1]), GroupConfig(), SEED)


def prepare_nothing(ds: Dataset) -> None:
    """No preparation."""


def build_windows(ds: Dataset) -> None:
    """The windows in which SASRec reads the past of every row, 1,024 of them at a time."""
    windows = UserSequences.from_dataset(ds, "liked").build_latest_windows(np.arange(len(ds.interactions)), 25)
    for group in windows.iterate_batches(1024):
        assert windows.read(group)[0].shape[1] == 25


STEPS: dict[str, tuple[Callable[[Dataset], object], Callable]] = {
    "mf": (prepare_nothing, lambda ds, _: MF(MFConfig(training=get_training())).fit(ds, seed=SEED)),
    "lightgcn": (
        prepare_nothing,
        lambda ds, _: LightGCN(LightGCNConfig(training=get_training(10**9))).fit(ds, seed=SEED),
    ),
    "sasrec": (prepare_nothing, lambda ds, _: SASRec(SASRecConfig(training=get_training(8192))).fit(ds, seed=SEED)),
    "windows": (prepare_nothing, lambda ds, _: build_windows(ds)),
    "slots": (make_random_mf, encode_slots),
    "groups": (make_random_mf, group_users),
    "neighbours": (prepare_nothing, lambda ds, _: ItemNeighbours.train(ds, RetrieveConfig())),
    "boosting": (
        prepare_nothing,
        lambda ds, _: GradientBoosting(GradientBoostingConfig(trees=10, n_seeds=1)).fit(ds, seed=SEED),
    ),
}


def read_peak() -> int:
    """Largest resident bytes since `start_peak`, or of the whole process where the system cannot tell."""
    for line in Path("/proc/self/status").read_text().splitlines() if sys.platform == "linux" else ():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def start_peak() -> int:
    """Start the peak anew; returns the resident bytes of now."""
    if sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5")
    return read_peak()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("step", choices=sorted(STEPS))
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    ds = Dataset.from_tables(
        str(args.folder / "ratings.csv"), str(args.folder / "items.csv"), threshold=3, split=ByFractions()
    )
    prepare, work = STEPS[args.step]
    prepared = prepare(ds)
    with tempfile.TemporaryDirectory() as scratch:
        tempfile.tempdir = scratch
        before = start_peak()
        began, worked = time.perf_counter(), time.process_time()
        work(ds, prepared)
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - worked
    figures = {"rows": len(ds.interactions), "users": ds.interactions.n_users, "items": len(ds.items)}
    figures |= {"seconds": seconds, "cpu_seconds": cpu_seconds, "before": before, "peak_bytes": read_peak()}
    print(json.dumps({"step": args.step, **figures}))


if __name__ == "__main__":
    main()
