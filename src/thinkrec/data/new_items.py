"""Items that came after the training: a table of them joined to a data set, and items held out as if they had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from thinkrec.data.dataset import Dataset, Items, Table
from thinkrec.data.frames import as_frame
from thinkrec.data.interactions import TEST, TRAIN, VALID, Interactions
from thinkrec.data.tables import check_items, read_table
from thinkrec.errors import DataError
from thinkrec.io.counts import choose_form, format_count


def append_items(
    ds: Dataset, table: Table, *, separators: Mapping[Any, str] | None = None, source: str | None = None
) -> Dataset:
    """`ds` with the items of a table behind its own; nobody has rated them, and codes of the others stay as they are.

    Args:
        ds: the data.
        table: item_id, title, optional keywords and further text, as for `Dataset.from_tables`. Text columns that `ds`
            does not have are left out; those that the table lacks are empty.
        separators: as in `Dataset.from_tables`.
        source: the name of the table in messages; by default its path, else "new items".

    Raises:
        DataError: as `check_items`, and for an id that `ds` has already.
    """
    is_file = isinstance(table, str | Path)
    source = source or (str(table) if is_file else "new items")
    frame = read_table(table) if is_file else as_frame(table, source)
    checked = check_items(frame, source=source, noun=ds.domain.item, separators=separators)
    added = Items.from_frame(checked)
    known = {str(id_) for id_ in ds.items.ids}
    repeated = [id_ for id_ in added.ids if str(id_) in known]
    if repeated:
        raise DataError(
            f"{source}: {len(repeated):,} of {format_count(len(added), 'item')} "
            f"{choose_form(len(repeated), 'is', 'are')} in the data already (the first: {repeated[:5]!r}); keep those "
            "alone that are not, since ids name items"
        )
    ids = added.ids
    if ds.items.ids and isinstance(ds.items.ids[0], str):
        ids = [str(id_) for id_ in ids]
    texts = pl.concat([ds.items.texts, _fit_columns(added.texts, ds.items.texts)]) if ds.items.texts.width else None
    items = Items(
        ids=[*ds.items.ids, *ids],
        titles=[*ds.items.titles, *added.titles],
        keywords=[*ds.items.keywords, *added.keywords],
        texts=ds.items.texts if texts is None else texts,
    )
    return replace(ds, items=items)


def _fit_columns(texts: pl.DataFrame, like: pl.DataFrame) -> pl.DataFrame:
    """The columns of `like` in its order; those that `texts` lacks are null."""
    return texts.select(
        pl.col(name).cast(pl.String) if name in texts.columns else pl.lit(None, dtype=pl.String).alias(name)
        for name in like.columns
    )


def find_new_items(trained: Dataset, ds: Dataset) -> frozenset[int]:
    """Codes in `ds` of the items whose ids `trained` does not have."""
    known = {str(id_) for id_ in trained.items.ids}
    return frozenset(code for code, id_ in enumerate(ds.items.ids) if str(id_) not in known)


@dataclass(frozen=True)
class HeldOutItems:
    """A data set split by items: what a model may learn from, and what it is asked about afterwards."""

    trained: Dataset
    """Without the items that are held out, and without every row of theirs."""
    asked: Dataset
    """All items, in the order of `trained` and then those held out, whose train rows are gone; it is what the data
    would be had these items come when the validation begins."""
    held_out: np.ndarray
    """int64: codes in `asked` of the items held out."""


def separate_items(ds: Dataset, *, share: float, seed: int) -> HeldOutItems:
    """Draw a share of the items with rows, by `seed`, and take them out of the training.

    Raises DataError for a share outside (0, 1), and where one of the splits loses all its rows.
    """
    if not 0 < share < 1:
        raise DataError(f"share is {share}; give a number between 0 and 1, such as 0.1")
    data = ds.interactions
    rated = np.unique(data.item)
    n = max(1, round(share * len(rated)))
    drawn = np.sort(np.random.default_rng(seed).choice(rated, n, replace=False))
    is_held = np.zeros(len(ds.items), dtype=bool)
    is_held[drawn] = True
    order = np.concatenate([np.flatnonzero(~is_held), drawn])
    code = np.empty(len(order), dtype=np.int64)
    code[order] = np.arange(len(order))
    held_row = is_held[data.item]
    trained = _take_dataset(ds, ~held_row, code, order[: len(order) - n])
    for split, name in ((TRAIN, "train"), (VALID, "validation"), (TEST, "test")):
        if not (trained.interactions.split == split).any():
            raise DataError(f"with a share of {share} no {name} row is left; hold out fewer items")
    asked = _take_dataset(ds, ~held_row | (data.split != TRAIN), code, order)
    return HeldOutItems(trained, asked, code[drawn])


def _take_dataset(ds: Dataset, rows: np.ndarray, code: np.ndarray, items: np.ndarray) -> Dataset:
    """The rows of a mask and the items of old codes in their order; `code`: the new code of every old one."""
    data = ds.interactions
    table = Interactions.build(
        user=data.user[rows],
        item=code[data.item[rows]],
        label=data.label[rows],
        timestamp=data.timestamp[rows],
        split=data.split[rows],
        order=data.order[rows],
        n_users=data.n_users,
    )
    taken = Items(
        ids=[ds.items.ids[i] for i in items],
        titles=[ds.items.titles[i] for i in items],
        keywords=[ds.items.keywords[i] for i in items],
        texts=ds.items.texts[items.tolist()] if ds.items.texts.width else ds.items.texts,
    )
    return replace(ds, interactions=table, items=taken)
