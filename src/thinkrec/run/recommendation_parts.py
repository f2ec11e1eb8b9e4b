"""Recommendations for many users, written block by block, so that a stopped run goes on and no block comes twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from thinkrec.data.messages import emit_warning
from thinkrec.data.output_tables import check_writable, write_table
from thinkrec.errors import DataError
from thinkrec.io.files import write_json
from thinkrec.io.hashing import hash_json
from thinkrec.io.progress import Progress
from thinkrec.score.answers import Recommendation

MANIFEST = "parts.json"
COLUMNS = {
    "rank": pl.Int64,
    "title": pl.String,
    "score": pl.Float64,
    "probability": pl.Float64,
    "candidates": pl.Int64,
    "is_new": pl.Boolean,
    "reason": pl.String,
    "writer": pl.String,
}
"""Columns beside user_id and item_id, which have the types of the data."""


def get_parts_folder(out: Path) -> Path:
    """Where blocks lie until all are done."""
    return out.with_name(f"{out.name}.parts")


def write_recommendations(
    recommend: Callable[[Sequence[Any]], list[list[Recommendation]]],
    users: Sequence[Any],
    out: Path,
    *,
    made_from: Mapping[str, Any],
    block: int = 64,
    progress: bool = False,
) -> int:
    """Write user_id, item_id and `COLUMNS` for all users to `out`, in their order; returns the number of rows.

    Each block of users is a part file of its own, written beside its name and renamed: after a kill the same call goes
    on behind the last whole block. The parts are joined and removed at the end.

    Args:
        recommend: the lists of some users.
        users: ids, each once.
        out: a name that `write_table` takes.
        made_from: everything that decides the answers, as JSON values: parts of anything else are thrown away, and this
            is said.
        block: users in a part.
        progress: whether a bar is drawn.

    Raises:
        DataError: for no user, a user given twice, or a file that cannot be written.
    """
    check_writable(out)
    if not users:
        raise DataError("no user is named; give `all`, a table with user_id, or an id")
    if len({str(user) for user in users}) < len(users):
        raise DataError("a user is named twice; name each once")
    parts, ids = get_parts_folder(out), [str(user) for user in users]
    key = hash_json([dict(made_from), ids, block])
    _open_parts(parts, key)
    blocks = [users[first : first + block] for first in range(0, len(users), block)]
    paths = [parts / f"part-{number:06d}.parquet" for number in range(len(blocks))]
    with Progress("recommending", len(users), shown=progress, unit="users") as bar:
        done = sum(len(some) for some, path in zip(blocks, paths, strict=True) if path.is_file())
        bar.skip(done)
        for some, path in zip(blocks, paths, strict=True):
            if not path.is_file():
                write_table(build_table(some, recommend(some)), path)
                bar.advance(len(some))
    table = pl.concat([pl.read_parquet(path) for path in paths])
    write_table(table, out)
    shutil.rmtree(parts)
    return table.height


def _open_parts(parts: Path, key: str) -> None:
    """An empty folder for parts, or that of a stopped run of the same inputs."""
    if parts.exists():
        try:
            same = json.loads((parts / MANIFEST).read_text(encoding="utf-8"))["key"] == key
        except (OSError, ValueError, KeyError, TypeError):
            same = False
        if same:
            return
        if not all(path.name == MANIFEST or path.name.startswith("part-") for path in parts.iterdir()):
            raise DataError(f"{parts} holds other files than parts; move it away, or give another --out")
        emit_warning(f"{parts}: parts of another model, other users or other options are thrown away.")
        shutil.rmtree(parts)
    write_json(parts / MANIFEST, {"key": key})


def build_table(users: Sequence[Any], lists: Sequence[Sequence[Recommendation]]) -> pl.DataFrame:
    """One row per user and item: user_id, item_id and `COLUMNS`; rank counts from 1."""
    rows = [
        (
            user,
            entry.item,
            place,
            entry.title,
            entry.score,
            entry.probability,
            entry.candidates,
            entry.is_new,
            entry.reason,
            entry.writer,
        )
        for user, entries in zip(users, lists, strict=True)
        for place, entry in enumerate(entries, 1)
    ]
    ids = {name: pl.Int64 if all(isinstance(row[at], int) for row in rows) else pl.String for at, name in _ID_COLUMNS}
    plain = [(_fit_id(row[0], ids["user_id"]), _fit_id(row[1], ids["item_id"]), *row[2:]) for row in rows]
    return pl.DataFrame(plain, schema={**ids, **COLUMNS}, orient="row")


_ID_COLUMNS = ((0, "user_id"), (1, "item_id"))


def _fit_id(value: Any, dtype: Any) -> Any:
    return value if dtype == pl.Int64 else str(value)
