"""From a folder of a published data set to a `Dataset`: window, activity, split, sampled No, each counted and said."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import polars as pl

from thinkrec.data.archives import is_archive, unpack_zip
from thinkrec.data.core_filter import drop_unknown_items
from thinkrec.data.dataset import Dataset
from thinkrec.data.duplicates import Duplicates
from thinkrec.data.implicit import SampledNegatives, sample_negatives
from thinkrec.data.interactions import SPLITS
from thinkrec.data.keyword_rules import KeywordRules
from thinkrec.data.loaders.registry import find_source
from thinkrec.data.loaders.source import Source
from thinkrec.data.messages import emit_warning
from thinkrec.data.split import ByColumn, ByRandom, Split, assign_split, keep_window
from thinkrec.data.tables import check_interactions
from thinkrec.data.untimed_order import order_untimed_rows
from thinkrec.errors import DataError
from thinkrec.io.counts import choose_form, format_count


def load_source(
    name: str,
    folder: str | Path,
    *,
    threshold: float | None = None,
    split: Split | None = None,
    activity: int | None = None,
    duplicates: Duplicates | None = None,
    negatives: SampledNegatives | None = None,
    keyword_rules: KeywordRules | None = None,
) -> Dataset:
    """A published data set as a `Dataset`. What is not given is as usual for it; see `registry`.

    Args:
        name: of the source.
        folder: with its files, or the zip archive that holds them.
        threshold: liked means rating > threshold.
        split: the rule.
        activity: only users and items with more rows than this inside the split's window stay; one count for both.
        duplicates: what becomes of several rows of one user and item.
        negatives: for sources in which every row is a Yes: how the No is drawn.
        keyword_rules: join keywords by case and drop those of too many or too few items; by default none is. They
            count the items that rows name.

    Items that no row names any more are left out. Raises DataError for a folder that does not hold the source, or
    settings that do not fit it.
    """
    source = find_source(name)
    rule = split or source.split
    folder = Path(folder).expanduser()
    if not source.has_times and not isinstance(rule, ByRandom):
        raise DataError(f"{name} has no times, so that it cannot be split by {rule.by}. Use `split: {{by: random}}`.")
    raw, items = _read_folder(source, folder)
    rows = _check_rows(raw, source, str(folder), threshold, duplicates)
    unknown = ~rows["item_id"].is_in(items["item_id"].implode())
    rows = drop_unknown_items(rows, unknown, items["item_id"], str(folder), "the file of items", key=None)
    rows = _keep_active(keep_window(rows, rule), source.activity if activity is None else activity, str(folder))
    rows = assign_split(rows, rule, source=str(folder))
    if not source.has_times:
        rows = order_untimed_rows(rows, rule, has_order=False, source=str(folder))
    if threshold in (None, source.threshold) and rule == source.split and activity in (None, source.activity):
        _check_expected_rows(rows, len(raw), source, str(folder))
    if source.is_implicit:
        rows = sample_negatives(rows, negatives or SampledNegatives(), has_times=source.has_times, source=str(folder))
    elif negatives is not None:
        raise DataError(f"{name} has ratings or labels of its own, so that `negatives` does not apply. Drop it.")
    items = items.join(rows.select("item_id").unique(), on="item_id", how="semi", maintain_order="left")
    ds = Dataset.from_tables(
        rows,
        items,
        split=ByColumn(),
        duplicates="keep",
        keyword_rules=keyword_rules,
        domain=source.domain,
        item_source=str(folder),
        interactions_source=str(folder),
    )
    return replace(ds, threshold=source.threshold if threshold is None else threshold)


def _read_folder(source: Source, folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The tables of a folder, or of an archive as it was downloaded, which is unpacked for as long as it is read."""
    if not is_archive(folder):
        return source.read(folder)
    with tempfile.TemporaryDirectory(prefix="thinkrec-") as place:
        # Under the archive's name, which messages then say.
        inside = Path(place) / folder.name
        unpack_zip(folder, inside)
        return source.read(inside)


def _check_rows(
    raw: pl.DataFrame, source: Source, where: str, threshold: float | None, duplicates: Duplicates | None
) -> pl.DataFrame:
    table = raw
    if not source.has_times:
        emit_warning(f"{where}: {source.name} has no times; rows are split at random.")
        table = table.with_columns(pl.lit(0, dtype=pl.Int64).alias("timestamp")).with_row_index("order")
        table = table.with_columns(pl.col("order").cast(pl.Int64))
    if source.is_implicit:
        table = table.with_columns(pl.lit(1, dtype=pl.Int8).alias("label"))
    if "rating" in raw.columns:
        return check_interactions(
            table,
            source=where,
            threshold=source.threshold if threshold is None else threshold,
            missing=(),
            duplicates=duplicates,
        )
    if threshold is not None:
        raise DataError(f"{source.name} has no ratings, so that `threshold` does not apply. Drop it.")
    return check_interactions(table, source=where, duplicates=duplicates, is_implicit=source.is_implicit)


def _keep_active(rows: pl.DataFrame, least: int, where: str) -> pl.DataFrame:
    """The rows of users and items with more than `least` rows, counted once, before any is dropped."""
    if not least or rows.is_empty():
        return rows
    active = rows.filter((pl.len().over("user_id") > least) & (pl.len().over("item_id") > least))
    dropped = len(rows) - len(active)
    emit_warning(
        f"{where}: {dropped:,} of {format_count(len(rows), 'row')} {choose_form(dropped, 'is', 'are')} left out, "
        f"because the user or the item has no more than {format_count(least, 'row')} inside the split's window "
        "(`activity`)."
    )
    if active.is_empty():
        raise DataError(f"{where}: no row is left by `activity: {least}`. Give a smaller number; 0 keeps all.")
    return active


def _check_expected_rows(rows: pl.DataFrame, n_raw: int, source: Source, where: str) -> None:
    """Compare with the paper's counts where the full files are there."""
    if source.expected_rows is None:
        return
    counts = {name: int((rows["split"] == name).sum()) for name in SPLITS}
    expected = ", ".join(f"{name} {source.expected_rows[name]:,}" for name in SPLITS)
    if n_raw != source.full_rows:
        emit_warning(
            f"{where}: {format_count(n_raw, 'row')}, and the published file has {source.full_rows or 0:,}; the paper's "
            f"counts ({expected}) are not checked."
        )
    elif counts != dict(source.expected_rows):
        present = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        emit_warning(
            f"{where}: {present} rows, where the ThinkRec paper counts {expected}; figures are of other rows than its."
        )
