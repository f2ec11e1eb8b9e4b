"""Recommendations for many users, written block by block, so that a stopped run goes on and no block comes twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from thinkrec.data.messages import emit_warning
from thinkrec.data.output_tables import SUFFIXES, check_writable, write_table
from thinkrec.errors import DataError
from thinkrec.io.files import write_json
from thinkrec.io.hashing import hash_json
from thinkrec.io.progress import Progress
from thinkrec.score.answers import Recommendation

MANIFEST = "parts.json"
PART = "part-{:06d}.parquet"
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


Recommend = Callable[[Sequence[Any]], Sequence[Sequence[Recommendation]]]
"""The lists of some users."""


@dataclass(frozen=True)
class Block:
    """Users that are answered together, and the file where their answers go."""

    number: int
    users: tuple[Any, ...]
    path: Path
    """Its part. That it is there says that the block is done: it comes into being whole, by a rename."""


RunBlocks = Callable[[Sequence[Block]], Iterable[Block]]
"""Writes the parts of some blocks, in any order, and gives each block whose part is there."""


def get_parts_folder(out: Path) -> Path:
    """Where blocks lie until all are done."""
    return out.with_name(f"{out.name}.parts")


def check_output(out: Path) -> None:
    """Raise DataError unless `out` can be written: the name of a table, or one without an ending, for a folder.

    A folder that is there already may hold nothing but parts, since it is replaced.
    """
    if out.suffix.lower() in SUFFIXES:
        check_writable(out)
        return
    if out.suffix:
        raise DataError(
            f"--out {out}: not a kind of table that can be written; end it with {', '.join(SUFFIXES)}, or give a name "
            "without an ending for a folder of .parquet parts"
        )
    check_writable(out / PART.format(0))
    if out.is_dir() and (others := [path.name for path in out.iterdir() if not _is_part(path)]):
        raise DataError(
            f"--out {out}: this folder holds other files than parts, such as {others[0]}; give another name"
        )


def write_block(recommend: Recommend, block: Block) -> None:
    """Write the part of a block, unless it is there."""
    if not block.path.is_file():
        write_table(build_table(block.users, recommend(block.users)), block.path)


def run_blocks_here(recommend: Recommend) -> RunBlocks:
    """Blocks one after the other in this process."""

    def run_blocks(blocks: Sequence[Block]) -> Iterator[Block]:
        for block in blocks:
            write_block(recommend, block)
            yield block

    return run_blocks


def write_recommendations(
    run_blocks: RunBlocks,
    users: Sequence[Any],
    out: Path,
    *,
    made_from: Mapping[str, Any],
    block: int = 64,
    progress: bool = False,
) -> int:
    """Write user_id, item_id and `COLUMNS` for all users to `out`, in their order; returns the number of rows.

    Each block of users is a part file of its own, written beside its name and renamed: after a kill the same call goes
    on with the blocks whose part is not there. Whoever computes a block, and however often, there is one file of it,
    which is why every user comes exactly once. In the end the parts are joined in order and removed; or, where `out` is
    a folder, their folder gets its name.

    Args:
        run_blocks: who computes the blocks: `run_blocks_here`, or many processes (`scale.ray_blocks`).
        users: ids, each once.
        out: a name that `check_output` takes.
        made_from: everything that decides the answers, as JSON values: parts of anything else are thrown away, and this
            is said.
        block: users in a part.
        progress: whether a bar is drawn.

    Raises:
        DataError: for no user, a user given twice, a file that cannot be written, or parts that are reported but not
            there.
    """
    check_output(out)
    if not users:
        raise DataError("no user is named; give `all`, a table with user_id, or an id")
    if len({str(user) for user in users}) < len(users):
        raise DataError("a user is named twice; name each once")
    parts, ids = get_parts_folder(out), [str(user) for user in users]
    _open_parts(parts, hash_json([dict(made_from), ids, block]))
    # Absolute, since other processes may stand in other folders.
    blocks = [
        Block(number, tuple(users[first : first + block]), (parts / PART.format(number)).absolute())
        for number, first in enumerate(range(0, len(users), block))
    ]
    missing = [some for some in blocks if not some.path.is_file()]
    with Progress("recommending", len(users), shown=progress, unit="users") as bar:
        bar.skip(len(users) - sum(len(some.users) for some in missing))
        for some in run_blocks(missing) if missing else ():
            bar.advance(len(some.users))
    return _join_parts(parts, [some.path for some in blocks], out)


def _join_parts(parts: Path, paths: Sequence[Path], out: Path) -> int:
    """Turn the parts into `out`; returns the number of rows. Raises DataError where parts are not there."""
    if missing := [path.name for path in paths if not path.is_file()]:
        raise DataError(
            f"{parts}: {len(missing)} of {len(paths)} parts are not there, such as {missing[0]}, though they are said"
            " to be written; --out has to lie where all machines see the same files. The same command goes on"
        )
    rows = {path: pq.read_metadata(path).num_rows for path in paths}
    if answered := [path for path in paths if rows[path]]:
        # A block without any answer cannot know the types of ids.
        nothing = pl.read_parquet(answered[0]).clear()
        for path in set(paths) - set(answered):
            write_table(nothing, path)
    if out.suffix:
        write_table(pl.concat([pl.read_parquet(path) for path in paths]), out)
        shutil.rmtree(parts)
        return sum(rows.values())
    for path in set(parts.iterdir()) - {parts / path.name for path in paths} - {parts / MANIFEST}:
        path.unlink()  # what a killed process had begun
    if out.exists():
        shutil.rmtree(out)
    parts.rename(out)
    (out / MANIFEST).unlink()
    return sum(rows.values())


def _open_parts(parts: Path, key: str) -> None:
    """An empty folder for parts, or that of a stopped run of the same inputs."""
    if parts.exists():
        try:
            same = json.loads((parts / MANIFEST).read_text(encoding="utf-8"))["key"] == key
        except (OSError, ValueError, KeyError, TypeError):
            same = False
        if same:
            return
        if not all(_is_part(path) for path in parts.iterdir()):
            raise DataError(f"{parts} holds other files than parts; move it away, or give another --out")
        emit_warning(f"{parts}: parts of another model, other users or other options are thrown away.")
        shutil.rmtree(parts)
    write_json(parts / MANIFEST, {"key": key})


def _is_part(path: Path) -> bool:
    return path.name == MANIFEST or path.name.startswith("part-")


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
