"""Scores and reasons for many rows, in chunks that a stopped command does not do again."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from thinkrec.decoding.config import DecodingConfig
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
            fresh = _explain_chunk(system, chunk, options, writer)
            file.write("".join(json.dumps(line) + "\n" for line in fresh))
            file.flush()
            lines += fresh
            bar.advance(len(chunk))
    columns = ("score", "reason") if writer is None else ("score", "reason", "writer")
    written = (pl.Series(name, [line[name] for line in lines]) for name in columns)
    return system.ds.to_frame(rows).select("order", "user_id", "item_id", *written)


def _explain_chunk(
    system: Predictor, rows: np.ndarray, options: dict[str, Any], writer: ReasonWriter | None
) -> list[dict[str, Any]]:
    scores = system.score(rows)
    if writer is not None:
        reasons = zip(scores, writer.explain(rows, scores), strict=True)
        return [{"score": float(score), "reason": reason.text, "writer": reason.author} for score, reason in reasons]
    texts = system.explain(
        rows,
        None if options["own_verdict"] else scores,
        tokens=options["tokens"],
        cite=options["cite"],
        mentions=options["mentions"],
        decoding=DecodingConfig.model_validate(options.get("decoding", {})),
    )
    return [{"score": float(score), "reason": text} for score, text in zip(scores, texts, strict=True)]


def _read_finished_chunks(part: Path, head: dict[str, str]) -> list[dict[str, Any]]:
    """What an earlier call with the same options and rows wrote, in whole chunks; the rest of the file is cut off."""
    if not part.is_file():
        return []
    # Not splitlines: reasons may hold other characters that it takes for the end of a line.
    lines = part.read_bytes().split(b"\n")[:-1]
    whole = (len(lines) - 1) // CHUNK * CHUNK
    finished = lines[: whole + 1]
    try:
        entries = [json.loads(line) for line in finished]
    except ValueError:  # of another version, or damaged
        return []
    if not entries or entries[0] != head:
        return []
    os.truncate(part, sum(len(line) + 1 for line in finished))
    return entries[1:]
