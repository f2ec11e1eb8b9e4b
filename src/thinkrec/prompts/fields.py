"""What every field of a prompt is: by this list prompts are joined, cut, stored and collated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Kind = Literal["tokens", "position", "value", "per_prompt"]


@dataclass(frozen=True)
class PromptField:
    """How the values of one field behave when prompts are put together or taken apart."""

    kind: Kind
    """tokens: one entry per token. position: places in the prompt, counted from 0. value: one entry per entry of the
    position field `of`. per_prompt: one array for the whole prompt, equal for all of its parts."""
    dtype: type[np.generic]
    """NumPy type in a prompt and in a file."""
    batch_dtype: type[np.generic]
    """NumPy type in a batch."""
    of: str = ""
    """Of a value: its position field."""
    ndim: int = 1
    """2 for one vector per entry; all vectors of a batch have the same length."""
    replaces_token: bool = False
    """Of positions: whether the embedding there is another one than the token's own."""
    is_optional: bool = False
    """Whether most prompts lack it; where it is empty, stage keys do not mention it."""
    stage_key: str = ""
    """What stage keys call it, where that is another name: a new name alone must not make finished stages stale."""

    def join(self, arrays: Sequence[np.ndarray], starts: np.ndarray) -> np.ndarray:
        """This field of one prompt whose parts follow one another.

        Args:
            arrays: the parts' own values.
            starts: int32 (parts,), where each part begins.
        """
        if self.kind == "per_prompt" or (self.is_optional and not any(map(len, arrays))):
            return arrays[0]
        if self.kind == "position":
            return np.concatenate([values + start for values, start in zip(arrays, starts, strict=True)])
        if self.ndim > 1:
            # A part without entries does not say how long a vector is.
            arrays = [values for values in arrays if len(values)] or arrays[:1]
        return np.concatenate(arrays)

    def make_empty(self) -> np.ndarray:
        """Values without entries."""
        return np.zeros((0,) * self.ndim, dtype=self.dtype)


def describe_tokens() -> dict[str, Any]:
    """Metadata of the field with the token ids."""
    return {"prompt": PromptField("tokens", np.int32, np.int64)}


def describe_positions(
    *, replaces_token: bool = False, is_optional: bool = False, stage_key: str = ""
) -> dict[str, Any]:
    """Metadata of a field with positions; see `PromptField`."""
    spec = PromptField(
        "position",
        np.int32,
        np.int64,
        replaces_token=replaces_token,
        is_optional=is_optional,
        stage_key=stage_key,
    )
    return {"prompt": spec}


def describe_values(
    of: str,
    dtype: type[np.generic],
    batch_dtype: type[np.generic],
    *,
    ndim: int = 1,
    is_optional: bool = False,
    stage_key: str = "",
) -> dict[str, Any]:
    """Metadata of a field with a value for each position of the field `of`; see `PromptField`."""
    spec = PromptField("value", dtype, batch_dtype, of, ndim, is_optional=is_optional, stage_key=stage_key)
    return {"prompt": spec}


def describe_weights() -> dict[str, Any]:
    """Metadata of a float32 field of the whole prompt."""
    return {"prompt": PromptField("per_prompt", np.float32, np.float32)}
