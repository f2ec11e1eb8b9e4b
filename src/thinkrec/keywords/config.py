"""Configuration of the keyword extractors."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

_STRICT = ConfigDict(frozen=True, extra="forbid")


class YakeExtractorConfig(BaseModel):
    """YAKE: statistics of the text alone, no model and no download."""

    model_config = _STRICT
    kind: Literal["yake"] = "yake"
    language: str = Field(default="en", pattern=r"^[a-z]{2}$")
    """Two letters; decides the stop words. The test for fragments knows English only and is left out elsewhere."""
    words: int = Field(default=3, ge=1, le=5)
    """Longest phrase, in words."""
    candidates: int = Field(default=40, ge=1)
    """Phrases taken from YAKE, before fragments and repeats are dropped."""
    window: int = Field(default=1, ge=1)
    """Words to each side that YAKE counts as company."""


class TeacherExtractorConfig(BaseModel):
    """A language model, asked through a teacher."""

    model_config = _STRICT
    kind: Literal["teacher"] = "teacher"
    language: str = Field(default="en", pattern=r"^[a-z]{2}$")
    """Two letters; the language of the texts and of the keywords."""
    item: str = "item"
    """What one item is: film, book, product."""
    most: int = Field(default=10, ge=1, le=50)
    """Keywords asked for."""
    text_limit: int = Field(default=4000, ge=100)
    """Characters of a text that are shown; the rest is cut off."""
