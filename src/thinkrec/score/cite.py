"""The choice of titles a reason may cite, apart from the code that keeps to it: recipes and --help need no PyTorch."""

from __future__ import annotations

from typing import Literal

Cite = Literal["any", "history", "agreeing"]
"""Which titles a reason may put in quotes. any: what it likes. history: those of the visible history and the target.
agreeing: of these, where the sentence has said so far that its titles were liked, only liked ones, and the other way
round; the target always."""
