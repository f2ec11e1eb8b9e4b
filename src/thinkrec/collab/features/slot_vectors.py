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
