"""A ThinkRec that trains in seconds, and the past of a user as one would type it."""

from __future__ import annotations

from pathlib import Path

from thinkrec import Dataset, RunOptions, ThinkRec

SHORT = {
    "batch_tokens": 2048,
    "evals_per_epoch": 1,
    "max_valid_rows": 40,
    "subsample_stride": 8,
    "warmup_steps": 1,
    "lr": 0.01,
}
"""A stage of a few steps."""


def untrained(backbone: Path, folder: Path | None = None, options: RunOptions | None = None, **changes) -> ThinkRec:
    run = options
    stages = {
        f"model__{name}_stage": {"train": [part], **SHORT}
        for name, part in (("global", "global"), ("expert", "experts"), ("vector", "projector"))
    }
    options = {
        "model__backbone__source": str(backbone),
        "model__encoder": {"kind": "mf", "dim": 8, "training": {"epochs": 2}},
        "model__groups__n_groups": 2,
        "model__adapters__rank": 4,
        "reason_tokens": 12,
        **stages,
        **changes,
    }
    return ThinkRec("demo", folder=folder, progress=False, options=run, **options)


def past(ds: Dataset, user) -> list[tuple]:
    it, code = ds.interactions, ds.user_ids.index(user)
    rows = range(it.start[code], it.start[code + 1])
    return [(ds.items.ids[it.item[r]], bool(it.label[r])) for r in rows]
