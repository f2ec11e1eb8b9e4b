"""Choices of what a reason may cite and who writes it, apart from the code: recipes and --help need no PyTorch."""

from __future__ import annotations

from typing import Literal

Cite = Literal[
    "any",
    "history",
    "polarity",
    "polarity_and_keywords",
    "polarity_and_prose_keywords",
    "deciding",
    "deciding_and_keywords",
    "deciding_and_prose_keywords",
]
"""Which titles a reason may put in quotes. any: what it likes. history: those of the visible history and the target.
polarity: of these, where the sentence has said so far that its titles were liked, only liked ones, and the other way
round; the target always. polarity_and_keywords: that, and no keyword of the prompt may be said of an item that lacks
it, or denied one that has it; for reasons in the plain form of the rule-based teacher's. polarity_and_prose_keywords:
the same for free prose, as far as it is read (`decoding.prose_keywords`). deciding: polarity, and the titles of the
history in the order in which they moved the score the way their label says, measured, but for those that moved it the
other way as far; deciding_and_prose_keywords: both. deciding_and_keywords: polarity_and_keywords, and of the history
only titles that moved the score the way their label says."""

KEYWORD_POLICIES = frozenset(("polarity_and_keywords", "deciding_and_keywords"))
"""Those that hold what is said of keywords too, in the plain form."""
PROSE_KEYWORD_POLICIES = frozenset(("polarity_and_prose_keywords", "deciding_and_prose_keywords"))
"""Those that do so in free prose."""
DECIDING_POLICIES = frozenset(("deciding", "deciding_and_keywords", "deciding_and_prose_keywords"))
"""Those that need the effects of the history lines (`score.line_effects`)."""
POLARITY_POLICIES = frozenset(("polarity", "deciding")) | KEYWORD_POLICIES | PROSE_KEYWORD_POLICIES
"""Those that hold likes and dislikes to the labels."""

RENAMED_POLICIES = {"agreeing": "polarity", "exact": "polarity_and_keywords"}
"""Earlier name of a citation policy -> its name."""

Writer = Literal["auto", "rules", "model"]
"""Who writes the reason that a user is shown. model: the language model. rules: the rule-based teacher, for the score's
verdict. auto: the model where its reasons pass a check on validation rows and the text at hand passes it too; else the
rules."""
