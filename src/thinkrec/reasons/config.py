"""Configuration of the synthesis of reasons and of their filter."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from thinkrec.io.config import Config
from thinkrec.teacher.config import ApiTeacherConfig, RulesTeacherConfig, TeacherConfig

RENAMED_POLICIES = {"again": "retry", "hint": "retry_with_label", "drop": "discard"}
"""Earlier name of what happens on a wrong verdict -> its name."""
HASHED_POLICIES = {name: older for older, name in RENAMED_POLICIES.items()}
"""Policy -> the name by which it goes into the key of a question. It stays: stored answers are found by these keys."""


class ReasonFilterConfig(Config):
    """Which reasons are left out of the table; the store keeps them all."""

    RENAMED_KEYS: ClassVar = {"betrayal": "label_leakage", "cut": "truncated"}

    label_leakage: bool = True
    """Leave out reasons that speak of a given answer ("the correct answer is ...") or of the asking itself."""
    patterns: tuple[str, ...] = ()
    """Further regular expressions (any case); a reason in which one is found is left out."""
    min_words: int = Field(default=5, ge=0)
    """Fewest words after the verdict."""
    max_words: int | None = Field(default=250, ge=1)
    """Most words after the verdict; null: no bound."""
    truncated: bool = True
    """Leave out reasons that ended at the length limit instead of by themselves."""

    @field_validator("patterns")
    @classmethod
    def _check_patterns(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression ({error})") from error
        return patterns


class SynthesisConfig(Config):
    """Which rows a teacher is asked about, how, and what becomes of its answers."""

    RENAMED_KEYS: ClassVar = {
        "clean": "filter",
        "rows": "n_rows",
        "choose": "selection",
        "attempts": "max_attempts",
        "history": "max_history",
        "keywords": "max_keywords",
    }
    RENAMED_VALUES: ClassVar = {"policy": RENAMED_POLICIES}

    teacher: TeacherConfig
    """Who is asked."""
    n_rows: int | None = Field(default=1000, ge=1)
    """How many rows; null: all that qualify."""
    split: Literal["train", "valid", "test"] = "train"
    """Whose rows; models are trained on reasons of train rows alone."""
    selection: Literal["random", "wrong", "mixed"] = "random"
    """Any rows; those that `predictions` get wrong; those whose history has likes and dislikes in earnest."""
    predictions: Path | None = None
    """For `wrong`: a table with order and score, higher meaning a like."""
    threshold: float | None = Field(default=None, allow_inf_nan=False)
    """For `wrong`: scores above it count as Yes. By default as many rows count as Yes as are likes."""
    mixed_share: float = Field(default=0.3, gt=0, le=0.5)
    """For `mixed`: the rarer of likes and dislikes makes up at least this share of the shown history."""
    min_history: int = Field(default=1, ge=0)
    """Fewest earlier items of a row: on no history there is nothing to argue."""
    seed: int = 0
    """Of the choice of rows. More rows with the same seed contain fewer rows."""
    max_history: int = Field(default=10, ge=0)
    """Most earlier items shown."""
    max_keywords: int = Field(default=10, ge=0)
    """Most keywords shown per item."""
    texts: tuple[str, ...] = ()
    """Further columns of the items table to show for the target, such as `plot`."""
    words: int = Field(default=100, ge=10)
    """Length of an argument that is asked for."""
    policy: Literal["retry", "retry_with_label", "discard"] = "retry"
    """On a wrong verdict: ask to think again, without the outcome; tell the outcome (recorded as hinted); give up."""
    max_attempts: int = Field(default=3, ge=1)
    """Most answers per row; `discard` never takes more than one."""
    trace: Literal["answer", "reasoning"] = "answer"
    """What becomes the reason: the answer's argument, or the reasoning before it; where that is empty, the other."""
    filter: ReasonFilterConfig = ReasonFilterConfig()
    """Which reasons are left out."""
    expected_tokens: int = Field(default=400, ge=1)
    """Tokens of an answer for estimates, until some are measured; models that reason take thousands."""
    expected_accuracy: float = Field(default=0.7, gt=0, le=1)
    """Share of right verdicts for estimates, until some are measured."""

    @model_validator(mode="after")
    def _check_predictions_given(self) -> SynthesisConfig:
        if self.selection == "wrong" and self.predictions is None:
            raise ValueError("selection: wrong needs `predictions`, a table with order and score of the split's rows")
        return self

    @model_validator(mode="after")
    def _check_response_format(self) -> SynthesisConfig:
        form = self.teacher.extra_body.get("response_format") if isinstance(self.teacher, ApiTeacherConfig) else None
        if form is not None and (form.get("type") if isinstance(form, dict) else form) != "text":
            raise ValueError(
                "reasons are prose that opens with Yes or No; take response_format out of teacher.extra_body"
            )
        return self

    @property
    def attempt_limit(self) -> int:
        """Answers a row may get under this policy."""
        return 1 if self.policy == "discard" or isinstance(self.teacher, RulesTeacherConfig) else self.max_attempts
