"""Protocol of keyword extractors, and the extraction from texts to clean keywords."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from thinkrec.data.columns import DataWarning
from thinkrec.io.hashing import hash_content
from thinkrec.io.progress import Progress
from thinkrec.keywords.cache import KeywordCache
from thinkrec.keywords.clean import clean_phrases, strip_html

Done = Callable[[int, Sequence[str]], None]
"""Called with the position of a text and the phrases found in it, most telling first."""


class KeywordExtractor(Protocol):
    """Finds phrases in texts."""

    name: str
    """Shown in progress and messages."""
    language: str
    """Two letters; decides which stop words are cleaned away."""

    def get_settings(self) -> dict[str, Any]:
        """Plain JSON values: everything that decides which phrases are found. Goes into the key of the cache."""
        ...

    def extract(self, texts: Sequence[str], on_phrases: Done) -> None:
        """Call `on_phrases` once per text as soon as its phrases are there; a text without an answer is left out."""
        ...


def extract_keywords(
    texts: Sequence[str],
    extractor: KeywordExtractor,
    *,
    most: int = 10,
    keep: Sequence[Sequence[str]] | None = None,
    titles: Sequence[str] | None = None,
    cache: KeywordCache | None = None,
    progress: bool = False,
) -> list[tuple[str, ...]]:
    """At most `most` keywords per text, in the order of the texts; equal inputs give equal outputs.

    Args:
        texts: one per item, may be empty and may hold HTML, which is taken out before anything else.
        extractor: asked once per distinct text that `cache` does not have.
        most: the largest number of keywords of an item. Those of `keep` all stay, even if they are more.
        keep: per text, keywords that stand in front as they are, such as genres.
        titles: per text, the title of its item; a keyword that only repeats it is left out.
        cache: where phrases are written at once and looked up; without one every text is asked about.
        progress: whether to show a progress bar.

    Texts without an answer get the kept keywords only, and a DataWarning says how many they are. Whatever the extractor
    raises passes through, after the cache has all that was answered.
    """
    if most < 1:
        raise ValueError(f"most is {most}; at least one keyword is needed")
    for name, per_text in (("keep", keep), ("titles", titles)):
        if per_text is not None and len(per_text) != len(texts):
            raise ValueError(f"{name} has {len(per_text)} entries for {len(texts)} texts; give one per text")
    cache = KeywordCache() if cache is None else cache
    settings = extractor.get_settings()
    plain = [strip_html(text) for text in texts]
    keys = [hash_content(settings, text) if text else None for text in plain]
    missing_texts = {key: text for key, text in zip(keys, plain, strict=True) if key is not None and key not in cache}
    pending = list(missing_texts)
    with cache, Progress(f"keywords ({extractor.name})", len(pending), shown=progress and bool(pending)) as bar:

        def store_phrases(position: int, phrases: Sequence[str]) -> None:
            cache.add(pending[position], phrases)
            bar.advance(1)

        if pending:
            extractor.extract([missing_texts[key] for key in pending], store_phrases)
    lacking = sum(key not in cache for key in pending)
    if lacking:
        warnings.warn(
            f"{lacking} of {len(pending)} texts got no answer from {extractor.name} and have no new keywords; "
            "the same command asks for these again.",
            DataWarning,
            stacklevel=2,
        )
    fixed, names, language = keep or [()] * len(texts), titles or [""] * len(texts), extractor.language
    return [
        clean_phrases(
            (cache.get(key) or ()) if key else (), max_keywords=most, keep=own, title=title, language=language
        )
        for key, own, title in zip(keys, fixed, names, strict=True)
    ]
