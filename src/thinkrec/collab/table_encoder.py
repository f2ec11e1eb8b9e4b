"""Methods that MF and LightGCN share: once fitted, both answer from `EmbeddingTables`.

Each class takes them as its own (`score = score_rows`), so that nothing is inherited and nothing is written twice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from pydantic import BaseModel

from thinkrec.collab import encoder_files
from thinkrec.collab.embedding_tables import EmbeddingTables
from thinkrec.collab.trained_ids import TrainedIds
from thinkrec.data.dataset import Dataset
from thinkrec.data.query import Query

Config = TypeVar("Config", bound=BaseModel)


class TableEncoder(Protocol):
    """What the methods need of their class."""

    tables: EmbeddingTables | None
    """None until it is fitted."""

    @property
    def config(self) -> BaseModel:
        """How it was fitted."""
        ...


def get_tables(encoder: TableEncoder) -> EmbeddingTables:
    """The fitted tables. Raises RuntimeError where there are none yet."""
    if encoder.tables is None:
        raise RuntimeError(f"this {type(encoder).__name__} has no vectors yet: call fit, or load a saved one")
    return encoder.tables


def get_dim(self: Any) -> int:
    """Length of the vectors."""
    return self.config.dim


def score_rows(self: TableEncoder, ds: Dataset, rows: np.ndarray) -> np.ndarray:
    """Logits, float64 (len(rows),)."""
    return get_tables(self).score(ds, rows)


def encode_row_users(self: TableEncoder, ds: Dataset, rows: np.ndarray) -> np.ndarray:
    """Vectors of the rows' users, float32 (len(rows), dim), the same for all rows of a user."""
    return get_tables(self).encode_users(ds, rows)


def encode_query_user(self: TableEncoder, ds: Dataset, query: Query) -> np.ndarray:
    """float32 (dim,): the user's vector by their id, or the mean; the past of the query changes nothing."""
    return get_tables(self).encode_query(query)


def encode_all_items(self: TableEncoder, ds: Dataset) -> np.ndarray:
    """Vectors of all items, float32 (n_items of `ds`, dim)."""
    return get_tables(self).encode_items(ds)


def save_tables(self: TableEncoder, folder: Path) -> None:
    """See `Scorer.save`."""
    tables = get_tables(self)
    encoder_files.write_scorer(folder, self.config, tables.to_arrays(), tables.ids)


def load_tables(folder: Path, config: type[Config]) -> tuple[Config, EmbeddingTables]:
    """What `save_tables` wrote. Raises CheckpointError as `encoder_files.read_scorer` does."""
    fitted_config, arrays = encoder_files.read_scorer(folder, config)
    return fitted_config, EmbeddingTables.from_arrays(arrays, TrainedIds.load(folder))
