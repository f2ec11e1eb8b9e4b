"""A rendered prompt as one value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Prompt:
    """Token ids of one row and the places in it that mean something. Positions count from 0."""

    ids: np.ndarray
    """int32 (t,): token ids, without padding."""
    placeholder_at: np.ndarray
    """int32 (k,): positions whose embedding is replaced by a projected vector."""
    placeholder_vectors: np.ndarray
    """float32 (k, d): the raw collaborative vectors for those positions."""
    answer_at: np.ndarray
    """int32 (q,): positions whose NEXT token is a Yes/No answer; the target's is the last."""
    answer_label: np.ndarray
    """int8 (q,): 1 yes, 0 no."""
    answer_weight: np.ndarray
    """float32 (q,): weight of each answer; L_rec of a row is the sum over its answers of weight times loss."""
    token_at: np.ndarray
    """int32 (p,): positions whose next token carries the cross-entropy L_think."""
    token_target: np.ndarray
    """int32 (p,): that next token."""
    token_weight: np.ndarray
    """float32 (p,): weight of each token (a share per token, so that long reasons count no more): L_think of a row is
    the sum of weight times loss."""
    gate: np.ndarray
    """float32 (1 + n,): weights of the global adapter and the experts for this row."""

    def __len__(self) -> int:
        """Tokens."""
        return len(self.ids)
