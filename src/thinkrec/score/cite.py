"""The choice of titles a reason may cite, apart from the code that keeps to it: recipes and --help need no PyTorch."""

from __future__ import annotations

from typing import Literal

Cite = Literal["any", "history", "agreeing", "exact"]
"""Which titles a reason may put in quotes. any: what it likes. history: those of the visible history and the target.
agreeing: of these, where the sentence has said so far that its titles were liked, only liked ones, and the other way
round; the target always. exact: agreeing, and no keyword of the prompt may be said of an item that lacks it, or denied
one that has it; for reasons in the plain form of the rule-based teacher's."""
