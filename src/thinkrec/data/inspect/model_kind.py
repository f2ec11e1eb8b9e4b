"""What a written recipe may train."""

from __future__ import annotations

from typing import Literal

ModelKind = Literal["thinkrec", "boosting", "mf", "lightgcn"]
"""What the written recipe trains; thinkrec extends the recipe `demo`."""
