"""A rendered prompt as one value."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np

from thinkrec.prompts.fields import (
    PromptField,
    describe_positions,
    describe_tokens,
    describe_values,
    describe_weights,
)

_NO_POSITIONS = np.zeros(0, dtype=np.int32)


@dataclass(frozen=True, eq=False)
class Prompt:
    """Token ids of one row and the places in it that mean something. Positions count from 0.

    The metadata of a field is all that joining, cutting, storing and collating go by (`PROMPT_FIELDS`).
    """

    ids: np.ndarray = field(metadata=describe_tokens())
    """int32 (t,): token ids, without padding."""
    placeholder_at: np.ndarray = field(metadata=describe_positions(replaces_token=True, stage_key="slot_at"))
    """int32 (k,): positions whose embedding is replaced by a projected vector."""
    placeholder_vectors: np.ndarray = field(
        metadata=describe_values("placeholder_at", np.float32, np.float32, ndim=2, stage_key="slot_vec")
    )
    """float32 (k, d): the raw collaborative vectors for those positions."""
    answer_at: np.ndarray = field(metadata=describe_positions())
    """int32 (q,): positions whose NEXT token is an answer; the target's is the last."""
    answer_label: np.ndarray = field(metadata=describe_values("answer_at", np.int8, np.float32))
    """int8 (q,): 1 yes, 0 no."""
    answer_weight: np.ndarray = field(metadata=describe_values("answer_at", np.float32, np.float32))
    """float32 (q,): weight of each answer; L_rec of a row is the sum over its answers of weight times loss."""
    token_at: np.ndarray = field(metadata=describe_positions())
    """int32 (p,): positions whose next token carries the cross-entropy L_think."""
    token_target: np.ndarray = field(metadata=describe_values("token_at", np.int32, np.int64))
    """int32 (p,): that next token."""
    token_weight: np.ndarray = field(metadata=describe_values("token_at", np.float32, np.float32))
    """float32 (p,): weight of each token (a share per token, so that long reasons count no more): L_think of a row is
    the sum of weight times loss."""
    gate: np.ndarray = field(metadata=describe_weights())
    """float32 (1 + n,): weights of the global adapter and the experts for this row."""
    soft_at: np.ndarray = field(
        default_factory=lambda: _NO_POSITIONS, metadata=describe_positions(replaces_token=True, is_optional=True)
    )
    """int32 (s,): positions whose embedding is a trained vector of the soft prompt."""
    soft_index: np.ndarray = field(
        default_factory=lambda: _NO_POSITIONS,
        metadata=describe_values("soft_at", np.int32, np.int64, is_optional=True),
    )
    """int32 (s,): which vector of the soft prompt stands there."""

    def __len__(self) -> int:
        """Tokens."""
        return len(self.ids)


PROMPT_FIELDS: dict[str, PromptField] = {f.name: f.metadata["prompt"] for f in fields(Prompt)}
"""Field name -> what it is, in order. A new field is one more declaration in `Prompt`."""
