"""A recipe of a few seconds: a tiny catalogue and a tiny random language model in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.tiny_lm import make_model, make_tokenizer
from thinkrec.run.pipeline import Run
from thinkrec.run.recipe import parse_recipe


def tiny_backbone(folder: Path) -> Path:
    """Save a tiny Llama with its tokenizer; returns the folder."""
    make_model("llama", initializer_range=0.1).save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return folder


def tiny_recipe(backbone: Path, **changes: Any) -> dict[str, Any]:
    """The recipe as plain values; `changes` replace whole top-level keys."""
    stage = {
        "epochs": 2,
        "subsample_stride": 2,
        "lr": 3e-3,
        "batch_tokens": 1024,
        "evals_per_epoch": 1,
        "max_valid_rows": 60,
        "save_steps": 2,
        "history_loss": 0.5,
    }
    return {
        "name": "tiny",
        "seed": 3,
        "data": {
            "kind": "simulator",
            "seed": 5,
            "simulator": {"users": 30, "items": 60, "interactions_per_user": [6, 12]},
        },
        "model": {
            "kind": "thinkrec",
            "backbone": {"source": str(backbone)},
            "prompt": {"history": 5, "keywords": 3, "history_keywords": 3},
            "encoder": {"kind": "mf", "dim": 8, "training": {"epochs": 3}},
            "adapters": {"rank": 4, "alpha": 8, "dropout": 0.1},
            "groups": {"n_groups": 2},
            "reasons": {"source": "rules", "share": 0.2},
            "global_stage": {"train": ["global"], **stage},
            "expert_stage": {"train": ["experts"], **stage},
            "vector_stage": {"train": ["projector"], **stage},
        },
        "baselines": {"MF": {"kind": "mf", "dim": 8, "training": {"epochs": 3}}},
        "evaluation": {"bootstrap_draws": 100},
        "n_explained": 4,
        "reason_tokens": 8,
        **changes,
    }


def train_tiny_run(folder: Path, seed: int = 3, history: int = 5) -> Run:
    """A run of that recipe in `folder`, its variants trained and nothing scored; the tables are the same for all."""
    recipe = tiny_recipe(tiny_backbone(folder / "backbone"), seed=seed)
    recipe["model"]["prompt"]["history"] = history
    run = Run(parse_recipe(recipe, "tiny"), folder / "run")
    run.folder.mkdir()
    run.prepare_folder()
    run.train_variants()
    return run
