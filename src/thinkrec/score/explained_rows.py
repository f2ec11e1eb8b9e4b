"""Scores and reasons for many rows, in chunks that a stopped command does not do again."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from thinkrec.io.hashing import hash_json
from thinkrec.io.progress import Progress
from thinkrec.score.predictor import Predictor
from thinkrec.score.reason_writer import ReasonWriter

CHUNK = 64
"""Rows between two writes to disk."""


def explain_rows_in_chunks(
    system: Predictor, rows: np.ndarray, part: Path, options: dict[str, Any], writer: ReasonWriter | None = None
) -> pl.DataFrame:
    """Score and explain rows in chunks; every chunk is on disk in `part` before the next, and is not done again.

    Returns a table (order, user_id, item_id, score, reason), in the order of `rows`; with a `writer` also who wrote
    each.
    """
    orders = system.ds.interactions.order[rows]
    head = {"options": hash_json({**options, "orders": orders.tolist()})}
    lines = _read_finished_chunks(part, head)
    done = len(lines)
    if not done:
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(head) + "\n", encoding="utf-8")
    with Progress("explaining", len(rows), shown=True) as bar, part.open("a", encoding="utf-8") as file:
        bar.advance(done)
        for start in range(done, len(rows), CHUNK):
            chunk = rows[start : start + CHUNK]
            scores = system.score(chunk)
            if writer is None:
                texts = system.explain(chunk, None if options["own_verdict"] else scores, tokens=options["tokens"],
                                       cite=options["cite"], mentions=options["mentions"])  # fmt: skip
                found = [{"score": float(s), "reason": text} for s, text in zip(scores, texts, strict=True)]
            else:
                written = zip(scores, writer.explain(chunk, scores), strict=True)
                found = [{"score": float(s), "reason": w.text, "writer": w.author} for s, w in written]
            file.write("".join(json.dumps(line) + "\n" for line in found))
            file.flush()
            lines += found
            bar.advance(len(chunk))
    columns = ("score", "reason") if writer is None else ("score", "reason", "writer")
    found = (pl.Series(name, [line[name] for line in lines]) for name in columns)
    return system.ds.to_frame(rows).select("order", "user_id", "item_id", *found)


def _read_finished_chunks(part: Path, head: dict[str, str]) -> list[dict[str, Any]]:
    """What an earlier call with the same options and rows wrote, in whole chunks; the rest of the file is cut off."""
    if not part.is_file():
        return []
    # Not splitlines: reasons may hold other characters that it takes for the end of a line.
    lines = part.read_bytes().split(b"\n")[:-1]
    whole = (len(lines) - 1) // CHUNK * CHUNK
    kept = lines[: whole + 1]
    try:
        entries = [json.loads(line) for line in kept]
    except ValueError:  # of another version, or damaged
        return []
    if not entries or entries[0] != head:
        return []
    os.truncate(part, sum(len(line) + 1 for line in kept))
    return entries[1:]
