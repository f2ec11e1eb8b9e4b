"""`explain-rows`: reasons of a trained run for many rows, as a table that `evaluate --text` and `--grounding` read."""

from __future__ import annotations

import json
import os
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.text import Text

from thinkrec.commands import show
from thinkrec.data.columns import DataWarning, require_columns
from thinkrec.data.output_tables import check_writable, write_table
from thinkrec.data.tables import read_table
from thinkrec.decoding.policy import Writer
from thinkrec.errors import DataError
from thinkrec.io.hashing import hash_json
from thinkrec.io.progress import Progress
from thinkrec.reasons.matching import match_rows
from thinkrec.run import saved_model
from thinkrec.run.explained import build_reason_writer
from thinkrec.run.pipeline import Run
from thinkrec.run.stage import read_stage_result
from thinkrec.run.variants import find_variant
from thinkrec.score.predictor import Predictor
from thinkrec.score.reason_writer import ReasonWriter

CHUNK = 64
"""Rows between two writes to disk."""


def run_explain_rows_command(
    run: str,
    rows: Path,
    split: str | None,
    out: Path,
    stage: str | None,
    tokens: int | None,
    cite: str | None,
    own_verdict: bool,
    writer: Writer = "model",
) -> None:
    """`thinkrec explain-rows`."""
    folder = show.find_run_folder(run)
    recipe = saved_model.read_recipe(folder)
    if recipe.model.kind != "thinkrec":
        raise DataError(f"{folder} trains {recipe.model.kind}, which writes no reasons; give a run of kind thinkrec")
    if own_verdict and writer != "model":
        raise DataError(f"--own-verdict lets the model decide, and --writer {writer} does not; give one of them")
    check_writable(out)
    trained = saved_model.open_run(folder, progress=True)
    wanted = read_rows(rows, split, trained)
    variant = find_variant(recipe, stage)
    options = {
        "stage": variant.label,
        "trained": read_stage_result(folder / variant.stage)["key"],
        "tokens": tokens or recipe.reason_tokens,
        "cite": cite or recipe.citation_policy,
        "mentions": recipe.max_citations,
        "own_verdict": own_verdict,
        "writer": writer,
    }
    system = trained.load_predictor(variant)
    who = None
    if writer != "model":
        who = replace(
            build_reason_writer(trained, variant, system, writer),
            tokens=options["tokens"],
            citation_policy=options["cite"],
        )
    table = explain_rows_in_chunks(system, wanted, out.with_name(out.name + ".part"), options, who)
    write_table(table, out)
    out.with_name(out.name + ".part").unlink()
    show.make_console().print(Text(f"reasons of {table.height} rows: {out}"), soft_wrap=True)


def read_rows(path: Path, split: str | None, run: Run) -> np.ndarray:
    """int64: rows of the run's data named by the column `order` of a table, only those of `split` if given."""
    table, source = read_table(path), str(path)
    require_columns(table, ("order", "split") if split else ("order",), source)
    if split is not None:
        table = table.filter(pl.col("split").cast(pl.String) == split)
    if table.is_empty():
        raise DataError(f"{source} names no row" + (f" of split {split!r}; look at its column split" if split else ""))
    matched = match_rows(run.ds, table, source)
    lacking = int((matched.rows < 0).sum())
    if lacking:
        first = table["order"][int(np.argmin(matched.rows))]
        raise DataError(
            f"{source}: {lacking} of {table.height} rows are not in the run's data (the first: order {first}), by user "
            "and item; take them out, or give the table that the run was trained on"
        )
    moved = int(matched.moved.sum())
    if moved:
        text = f"{source}: {moved} of {table.height} rows were found by user and item: `order` names other rows."
        warnings.warn(text, DataWarning, stacklevel=2)
    return matched.rows


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
                texts = system.explain(
                    chunk,
                    None if options["own_verdict"] else scores,
                    tokens=options["tokens"],
                    cite=options["cite"],
                    mentions=options["mentions"],
                )
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
