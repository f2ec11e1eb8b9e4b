"""ThinkRec: recommendations by reasoning, with the reason.

from thinkrec import Dataset, ThinkRec
ds = Dataset.from_tables("ratings.csv", "items.csv", threshold=3)
model = ThinkRec().fit(ds)
model.rank(user=42, candidates=[1, 2, 3])
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thinkrec.api import ThinkRec, load
    from thinkrec.collab.encoder import Encoder, Scorer
    from thinkrec.data.dataset import Dataset, Domain
    from thinkrec.data.split import ByColumn, ByDates, ByFractions, ByLast, ByMonths, ByRandom
    from thinkrec.errors import CheckpointError, DataError, DataWarning, RecipeError, ThinkRecError
    from thinkrec.evaluate.metrics.bootstrap import bootstrap_metrics, compute_interval, compute_paired_difference
    from thinkrec.evaluate.metrics.calibration import compute_expected_calibration_error
    from thinkrec.evaluate.metrics.ranking import compute_auc, compute_map, compute_ndcg, compute_uauc
    from thinkrec.run.options import RunOptions
    from thinkrec.run.recipe import Recipe
    from thinkrec.run.recipe_files import load_recipe
    from thinkrec.score.answers import Explanation, HistoryItem, Ranked

    __version__: str

__all__ = [
    "ByColumn",
    "ByDates",
    "ByFractions",
    "ByLast",
    "ByMonths",
    "ByRandom",
    "CheckpointError",
    "DataError",
    "DataWarning",
    "Dataset",
    "Domain",
    "Encoder",
    "Explanation",
    "HistoryItem",
    "Ranked",
    "Recipe",
    "RecipeError",
    "RunOptions",
    "Scorer",
    "ThinkRec",
    "ThinkRecError",
    "__version__",
    "bootstrap_metrics",
    "compute_auc",
    "compute_expected_calibration_error",
    "compute_interval",
    "compute_map",
    "compute_ndcg",
    "compute_paired_difference",
    "compute_uauc",
    "load",
    "load_recipe",
]

_HOMES = {
    "thinkrec.api": ("ThinkRec", "load"),
    "thinkrec.collab.encoder": ("Encoder", "Scorer"),
    "thinkrec.data.dataset": ("Dataset", "Domain"),
    "thinkrec.data.split": ("ByColumn", "ByDates", "ByFractions", "ByLast", "ByMonths", "ByRandom"),
    "thinkrec.errors": ("CheckpointError", "DataError", "DataWarning", "RecipeError", "ThinkRecError"),
    "thinkrec.evaluate.metrics.bootstrap": ("bootstrap_metrics", "compute_interval", "compute_paired_difference"),
    "thinkrec.evaluate.metrics.calibration": ("compute_expected_calibration_error",),
    "thinkrec.evaluate.metrics.ranking": ("compute_auc", "compute_map", "compute_ndcg", "compute_uauc"),
    "thinkrec.run.options": ("RunOptions",),
    "thinkrec.run.recipe": ("Recipe",),
    "thinkrec.run.recipe_files": ("load_recipe",),
    "thinkrec.score.answers": ("Explanation", "HistoryItem", "Ranked"),
}
"""Module -> the public names that are fetched from it."""


def __getattr__(name: str) -> object:
    # PyTorch takes seconds to import; a name is fetched when it is first asked for.
    if name == "__version__":
        from thinkrec.io.version import read_version

        return globals().setdefault(name, read_version())
    for module, names in _HOMES.items():
        if name in names:
            return globals().setdefault(name, getattr(importlib.import_module(module), name))
    raise AttributeError(f"module 'thinkrec' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
