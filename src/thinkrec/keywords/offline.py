"""Keywords without a language model: YAKE's statistics of each text, without fragments of phrases."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from typing import Any

from thinkrec.errors import ThinkRecError
from thinkrec.keywords.config import YakeExtractorConfig
from thinkrec.keywords.extractor import Done
from thinkrec.keywords.shape import find_whole_phrase, tokenize_text


class YakeExtractor:
    """`KeywordExtractor` by YAKE (Campos et al., Information Sciences 509, 2020). Equal texts give equal phrases."""

    name = "yake"

    def __init__(self, config: YakeExtractorConfig | None = None) -> None:
        """Raises ThinkRecError naming the install line where YAKE is not installed."""
        self.config = config or YakeExtractorConfig()
        self.language = self.config.language
        try:
            import yake
        except ImportError as error:
            raise ThinkRecError(
                'offline keywords need the package yake, which is not installed; run: pip install "thinkrec[keywords]"'
            ) from error
        # Repeats are dropped by our own cleaning, which knows plurals; YAKE's would compare letters. From 1.0 on it
        # would also give everything in small letters.
        self._yake = yake.KeywordExtractor(
            lan=self.language,
            n=self.config.max_words,
            window_size=self.config.window_size,
            top=self.config.max_candidates,
            dedup_lim=0.999,
        )

    def get_settings(self) -> dict[str, Any]:
        """Config, the version of YAKE and of the test for fragments."""
        # Under the names that the keys had when the first caches were written: what is in them is found by this.
        return {
            "kind": self.config.kind,
            "language": self.language,
            "words": self.config.max_words,
            "candidates": self.config.max_candidates,
            "window": self.config.window_size,
            "yake": importlib.metadata.version("yake"),
            "shape": 2,
        }

    def extract(self, texts: Sequence[str], on_phrases: Done) -> None:
        """See `KeywordExtractor`."""
        for position, text in enumerate(texts):
            on_phrases(position, self.extract_phrases(text))

    def extract_phrases(self, text: str) -> list[str]:
        """Phrases of one text, the most telling first."""
        ranked = self._yake.extract_keywords(text) if text.strip() else []
        # Ties by the phrase itself, so that the order does not hang on that of a set or a dict.
        ordered = [phrase for phrase, _ in sorted(ranked, key=lambda entry: (entry[1], entry[0]))]
        if self.language != "en":
            return ordered
        words = tokenize_text(text)
        whole = (find_whole_phrase(words, phrase) for phrase in ordered)
        return [phrase for phrase in whole if phrase]
