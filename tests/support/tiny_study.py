"""Studies of seconds, and rows of made-up figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from thinkrec.evaluate.metrics.bootstrap import bootstrap_metrics
from thinkrec.study.collect import RowSamples
from thinkrec.study.study_files import Study
from thinkrec.study.walk import FinishedStudy

DATA = {"kind": "simulator", "seed": 5, "simulator": {"users": 30, "items": 60, "interactions_per_user": [6, 12]}}
MF = {"kind": "mf", "dim": 4, "training": {"epochs": 2}}
PRIOR = {"kind": "item_baseline", "source": "mean", "prior_strength": 3.0}


def write_recipe(folder: Path, name: str, **changes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    recipe = {"name": name, "data": DATA, "model": MF, "evaluation": {"bootstrap_draws": 100}, **changes}
    path = folder / f"{name.replace('/', '-')}.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path


def write_study(folder: Path, **content) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.yaml").write_text(yaml.safe_dump(content))
    return folder


@dataclass
class TinyStudy:
    """The study after it was run, with what it said."""

    folder: Path
    runs: Path
    study: Study
    done: FinishedStudy
    lines: list[str]


def make_rows(users: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    user = np.repeat(np.arange(users), 12)
    return user, rng.integers(0, 2, len(user)), rng.normal(size=len(user))


def make_row(name: str, noise: float, seeds: tuple[int, ...], *, part: str = "one", is_personal: bool = True):
    """A row whose scores are labels with noise; the less of it, the better."""
    user, label, _ = make_rows()
    samples, digests = {}, {}
    for seed in seeds:
        scores = label + np.random.default_rng((seed, len(name))).normal(0, noise, len(label)) if noise else 0.0 * label
        samples[seed] = bootstrap_metrics(user, label, scores, draws=100)
        digests[seed] = "same" if not noise else f"{name} {seed}"
    return RowSamples(name, part, samples, digests, is_personal)
