"""Plain text for pre-training: tables in, word lists and token streams out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from worlds import Words


def film_lines(folder: Path) -> list[str]:
    """Films as text: "Heat (1995) | Action, Crime", then the introduction."""
    films = pl.read_parquet(folder / "films.parquet")
    lines = []
    for title, year, genres, text in films.select("title", "year", "genres", "text").iter_rows():
        named = genres if isinstance(genres, str) else ", ".join(genres or [])
        lines.append(f"{title} ({year}) | {named}\n{text}" if named else f"{title} ({year})\n{text}")
    return lines


def documents(folder: Path) -> dict[str, list[str]]:
    """Every document by source."""
    return {
        "films": film_lines(folder),
        "encyclopedia": pl.read_parquet(folder / "encyclopedia.parquet")["text"].to_list(),
        "books": pl.read_parquet(folder / "books.parquet")["text"].to_list(),
    }


def word_pools(folder: Path) -> Words:
    """Common lower-case words of the film texts, and real film titles with their year."""
    films = pl.read_parquet(folder / "films.parquet")
    counts: Counter[str] = Counter()
    for text in films["text"].to_list():
        counts.update(re.findall(r"\b[a-z]{4,11}\b", text))
    plain = sorted(word for word, n in counts.items() if n >= 40)
    titles = [f"{t} ({y})" for t, y in films.select("title", "year").iter_rows() if t and len(t) < 45]
    return Words(plain=plain, film_titles=sorted(set(titles)))


def token_stream(
    tokenizer, texts: dict[str, list[str]], shares: dict[str, float], tokens: int, seed: int
) -> np.ndarray:
    """About `tokens` token ids (uint16), documents shuffled and closed by end-of-sequence, mixed by `shares`."""
    rng, end = np.random.default_rng(seed), tokenizer.eos_token_id
    pieces: list[np.ndarray] = []
    for source, share in shares.items():
        pieces += list(_encode(tokenizer, texts[source], int(tokens * share), rng, end))
    order = rng.permutation(len(pieces))
    return np.concatenate([pieces[i] for i in order])


def _encode(tokenizer, texts: list[str], wanted: int, rng: np.random.Generator, end: int) -> Iterator[np.ndarray]:
    have = 0
    for i in rng.permutation(len(texts)):
        text = texts[i]
        if len(text) > 20_000:
            first = int(rng.integers(len(text) - 20_000))
            text = text[first : first + 20_000]
        ids = tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        yield np.array([*ids, end], dtype=np.uint16)
        have += len(ids) + 1
        if have >= wanted:
            return
