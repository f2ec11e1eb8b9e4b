"""Vectors for the placeholders of prompts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class PlaceholderVectors:
    """Collaborative vectors for the prompt's slots, by row of the sorted table."""

    user: np.ndarray
    """float32 (n_rows, d): the row's user as known strictly before the row."""
    item: np.ndarray
    """float32 (n_rows, d): the row's item; on train rows from folds that exclude the row."""


@dataclass(frozen=True, eq=False)
class QueryVectors:
    """The same for one query."""

    user: np.ndarray
    """float32 (d,): the user as known from the query's past."""
    past: np.ndarray
    """float32 (k, d): every item of that past."""
