"""Snapshot of a data set: what a run was trained on, to be read back value by value and without another cleaning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from thinkrec.data.dataset import Dataset, Domain, Items, build_interactions, find_codes
from thinkrec.data.output_tables import write_table
from thinkrec.errors import CheckpointError
from thinkrec.io.counts import format_count
from thinkrec.io.files import write_json

INTERACTIONS, ITEMS, USERS, MANIFEST = "interactions.parquet", "items.parquet", "users.parquet", "manifest.json"
_FORMAT = 1


def write_snapshot(ds: Dataset, folder: Path, **more: Any) -> None:
    """Write a data set under `folder`: three tables, and last a manifest with its fingerprint and `more` (JSON values).

    Interactions have the columns that `Dataset.from_tables` takes, so that other tools can read them too.
    """
    items = ds.items
    columns = [
        pl.Series("item_id", items.ids),
        pl.Series("title", items.titles, dtype=pl.String),
        pl.Series("keywords", [list(words) for words in items.keywords], dtype=pl.List(pl.String)),
    ]
    catalogue = pl.DataFrame(columns).hstack(items.texts) if items.texts.width else pl.DataFrame(columns)
    # A folder whose writing was cut short has no manifest, or tables that do not fit it.
    (folder / MANIFEST).unlink(missing_ok=True)
    write_table(ds.to_frame().sort("order"), folder / INTERACTIONS)
    write_table(catalogue, folder / ITEMS)
    write_table(pl.DataFrame({"user_id": ds.user_ids}), folder / USERS)
    words = {"item": ds.domain.item, "items": ds.domain.items, "user": ds.domain.user}
    write_json(
        folder / MANIFEST,
        {
            "format": _FORMAT,
            "fingerprint": ds.compute_fingerprint(),
            "domain": words,
            "threshold": ds.threshold,
            **more,
        },
    )


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest that `write_snapshot` wrote. Raises CheckpointError if there is none."""
    path = folder / MANIFEST
    if not path.is_file():
        raise CheckpointError(f"{folder} holds no data set of a run (no {MANIFEST}); run the recipe again")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{path} is no readable JSON ({error}); run the recipe again") from error
    if manifest.get("format") != _FORMAT:
        raise CheckpointError(f"{path} has format {manifest.get('format')}, this version reads {_FORMAT}; run again")
    return manifest


def read_snapshot(folder: Path) -> Dataset:
    """The data set that `write_snapshot` wrote. Raises CheckpointError where it is missing or was changed since."""
    manifest = read_manifest(folder)
    try:
        rows, items, users = (pl.read_parquet(folder / name) for name in (INTERACTIONS, ITEMS, USERS))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise CheckpointError(f"the data set in {folder} cannot be read ({error}); run the recipe again") from error
    table = build_interactions(rows, users["user_id"], find_codes(rows["item_id"], items["item_id"]))
    ds = Dataset(
        table,
        Items.from_frame(items),
        Domain(**manifest["domain"]),
        users["user_id"].to_list(),
        manifest["threshold"],
    )
    if ds.compute_fingerprint() != manifest["fingerprint"]:
        raise CheckpointError(
            f"the tables in {folder} are not those that the run was trained on: they were changed afterwards; restore "
            "them, or run the recipe again"
        )
    return ds


def compare_datasets(trained: Dataset, now: Dataset) -> list[str]:
    """What has changed from one data set to a later one, in short phrases with counts; empty where nothing has.

    Rows are the same if user, item, time and label are: not by their place in a table.
    """
    changes: list[str] = []
    for name, before, after in (("user", trained.user_ids, now.user_ids), ("item", trained.items.ids, now.items.ids)):
        old, new = {str(id_) for id_ in before}, {str(id_) for id_ in after}
        changes += _list_change(len(new - old), f"{name}", "new") + _list_change(len(old - new), f"{name}", "gone")
    before, after = _collect_item_texts(trained), _collect_item_texts(now)
    rewritten = sum(id_ in after and after[id_] != text for id_, text in before.items())
    changes += _list_change(rewritten, "item", "with another title or other keywords")
    rows = [_select_row_keys(ds) for ds in (trained, now)]
    counts = [frame.group_by(frame.columns).len() for frame in rows]
    joined = counts[0].join(counts[1], on=rows[0].columns, how="full", coalesce=True).fill_null(0)
    gap = joined["len_right"].cast(pl.Int64) - joined["len"].cast(pl.Int64)
    changes += _list_change(int(gap.clip(lower_bound=0).sum()), "rating", "new")
    changes += _list_change(int((-gap).clip(lower_bound=0).sum()), "rating", "gone or changed")
    if not changes and trained.compute_fingerprint() != now.compute_fingerprint():
        changes.append("rows or items stand in another order, or other columns, splits or words have changed")
    return changes


def _select_row_keys(ds: Dataset) -> pl.DataFrame:
    """Keys by which rows are compared: ids as text, since one table may hold numbers and the other text."""
    return ds.to_frame().select(pl.col("user_id", "item_id").cast(pl.String), "timestamp", "label")


def _collect_item_texts(ds: Dataset) -> dict[str, tuple]:
    """Item id, as text -> title and keywords."""
    pairs = zip(ds.items.ids, ds.items.titles, ds.items.keywords, strict=True)
    return {str(id_): (title, words) for id_, title, words in pairs}


def _list_change(count: int, noun: str, what: str) -> list[str]:
    return [f"{format_count(count, noun)} {what}"] if count else []
