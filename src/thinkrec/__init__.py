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
    from thinkrec.data.dataset import Dataset, Domain
    from thinkrec.run.options import RunOptions

__version__ = "0.1.0"
__all__ = ["Dataset", "Domain", "RunOptions", "ThinkRec", "load"]

_HOMES = {
    "Dataset": "thinkrec.data.dataset",
    "Domain": "thinkrec.data.dataset",
    "RunOptions": "thinkrec.run.options",
    "ThinkRec": "thinkrec.api",
    "load": "thinkrec.api",
}


def __getattr__(name: str) -> object:
    # PyTorch takes seconds to import; a name is fetched when it is first asked for.
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'thinkrec' has no attribute {name!r}")
