"""Configuration of the keyword extractors."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from thinkrec.io.config import Config


class YakeExtractorConfig(Config):
    """YAKE: statistics of the text alone, no model and no download."""

    RENAMED_KEYS: ClassVar = {"words": "max_words", "candidates": "max_candidates", "window": "window_size"}

    kind: Literal["yake"] = "yake"
    language: str = Field(default="en", pattern=r"^[a-z]{2}$")
    """Two letters; decides the stop words. The test for fragments knows English only and is left out elsewhere."""
    max_words: int = Field(default=3, ge=1, le=5)
    """Longest phrase, in words."""
    max_candidates: int = Field(default=40, ge=1)
    """Phrases taken from YAKE, before fragments and repeats are dropped."""
    window_size: int = Field(default=1, ge=1)
    """Words to each side that YAKE counts as company."""


class TeacherExtractorConfig(Config):
    """A language model, asked through a teacher."""

    RENAMED_KEYS: ClassVar = {"item": "item_noun", "most": "max_keywords", "text_limit": "max_text_chars"}

    kind: Literal["teacher"] = "teacher"
    language: str = Field(default="en", pattern=r"^[a-z]{2}$")
    """Two letters; the language of the texts and of the keywords."""
    item_noun: str = "item"
    """What one item is: film, book, product."""
    max_keywords: int = Field(default=10, ge=1, le=50)
    """Keywords asked for."""
    max_text_chars: int = Field(default=4000, ge=100)
    """Characters of a text that are shown; the rest is cut off."""
