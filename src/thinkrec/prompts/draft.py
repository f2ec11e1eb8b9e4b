"""A prompt while it is put together: pieces of tokens, and the places among them that mean something."""

from __future__ import annotations

import numpy as np

from thinkrec.prompts.types import Prompt

NO_TOKENS = np.zeros(0, dtype=np.int32)
_NO_VECTORS = np.zeros((0, 0), dtype=np.float32)


class PromptBuilder:
    """Grows at its end; `build` makes arrays of it, once."""

    __slots__ = (
        "_labels",
        "_pieces",
        "_placeholder_at",
        "_placeholder_vectors",
        "_soft_at",
        "_soft_index",
        "answer_at",
        "length",
        "line_ends",
    )

    def __init__(self) -> None:
        """Empty."""
        self.length = 0
        """Tokens so far."""
        self.answer_at: list[int] = []
        """Places so far whose next token is an answer."""
        self.line_ends: list[int] = []
        """Tokens before the history, and up to the end of each of its lines."""
        self._pieces: list[np.ndarray] = []
        self._placeholder_at: list[int] = []
        self._placeholder_vectors: list[np.ndarray] = []
        self._labels: list[int] = []
        self._soft_at: list[np.ndarray] = []
        self._soft_index: list[np.ndarray] = []

    def add_tokens(self, ids: np.ndarray) -> None:
        """Go on with these tokens."""
        self._pieces.append(ids)
        self.length += len(ids)

    def add_placeholder(self, at: int, vector: np.ndarray) -> None:
        """A vector takes the place of token `at`."""
        self._placeholder_at.append(at)
        self._placeholder_vectors.append(vector)

    def add_soft_tokens(self, ids: np.ndarray, index: np.ndarray) -> None:
        """Go on with tokens (n,) whose places the vectors `index` (n,) of the soft prompt take."""
        self._soft_at.append(np.arange(self.length, self.length + len(ids)))
        self._soft_index.append(index)
        self.add_tokens(ids)

    def add_answer(self, at: int, label: int) -> None:
        """An answer follows token `at`."""
        self.answer_at.append(at)
        self._labels.append(label)

    def build(
        self,
        gate: np.ndarray,
        target: np.ndarray = NO_TOKENS,
        weights: np.ndarray | None = None,
        weight: float | np.ndarray = 1.0,
    ) -> Prompt:
        """The prompt so far.

        `target`: tokens that are taught from the last answer's place on, each with `weight` or one of an array of them;
        `weights`: of the answers, by default 1 each.
        """
        last = self.answer_at[-1] if self.answer_at else 0
        vectors, n_answers = self._placeholder_vectors, len(self._labels)
        return Prompt(
            ids=np.concatenate(self._pieces).astype(np.int32, copy=False) if self._pieces else NO_TOKENS,
            placeholder_at=np.array(self._placeholder_at, dtype=np.int32),
            placeholder_vectors=np.array(vectors, dtype=np.float32) if vectors else _NO_VECTORS,
            answer_at=np.array(self.answer_at, dtype=np.int32),
            answer_label=np.array(self._labels, dtype=np.int8),
            answer_weight=np.ones(n_answers, np.float32) if weights is None else weights.astype(np.float32),
            token_at=np.arange(last, last + len(target), dtype=np.int32),
            token_target=target,
            token_weight=np.full(len(target), weight, dtype=np.float32),
            gate=gate,
            soft_at=_concat_positions(self._soft_at),
            soft_index=_concat_positions(self._soft_index),
        )


def _concat_positions(pieces: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(pieces).astype(np.int32) if pieces else NO_TOKENS
