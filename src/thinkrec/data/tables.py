"""The two tables a user brings, read from a file and checked into canonical frames."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import polars as pl

from thinkrec.data import columns as col
from thinkrec.data.columns import DataWarning
from thinkrec.data.rows import SPLITS
from thinkrec.errors import DataError

_SEPARATORS = {".csv": ",", ".tsv": "\t"}
_WHOLE_NUMBER = r"^(0|-?[1-9][0-9]{0,17})$"


def read_table(path: str | Path) -> pl.DataFrame:
    """A table from .parquet, .jsonl, .csv or .tsv (the last two also with .gz); CSV is UTF-8 with a header line.

    All CSV columns come as text, so that a title "1984" stays text and an id "007" keeps its zeros; ids that are
    plain whole numbers throughout become integers.

    Raises:
        DataError: if the file is missing, unreadable or of another kind.
    """
    path = Path(path)
    kinds = [suffix.lower() for suffix in path.suffixes]
    kind = kinds[-2] if len(kinds) > 1 and kinds[-1] == ".gz" else (kinds[-1] if kinds else "")
    if kind not in (".parquet", ".jsonl", *_SEPARATORS):
        raise DataError(f"{path}: not a known kind of table. Use .parquet, .csv, .tsv, .csv.gz, .tsv.gz or .jsonl.")
    if not path.is_file():
        raise DataError(
            f"{path}: no such file. Check the path, which is taken from the current folder unless absolute."
        )
    try:
        if kind == ".parquet":
            return pl.read_parquet(path)
        if kind == ".jsonl":
            return pl.read_ndjson(path, infer_schema_length=None)
        df = pl.read_csv(path, separator=_SEPARATORS[kind], infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(
            f"{path}: cannot be read as {kind[1:]} ({error}). Check that it was written in full, in UTF-8."
        ) from error
    whole = [
        name
        for name in ("user_id", "item_id")
        if name in df.columns and df[name].null_count() == 0 and df[name].str.contains(_WHOLE_NUMBER).all()
    ]
    return df.with_columns(pl.col(whole).cast(pl.Int64))


def check_interactions(
    df: pl.DataFrame, *, source: str = "interactions", threshold: float | None = None
) -> pl.DataFrame:
    """The canonical interactions, rows as they came: user_id, item_id (Int64 or String), label (Int8), timestamp
    (Int64), order (Int64), and split (String) if the table has one. Other columns are dropped.

    Args:
        df: user_id, item_id, timestamp, and either `rating` or `label`; optional `split` and `order`.
        source: the name of the table in messages.
        threshold: needed with `rating`; liked means rating > threshold.

    Times finer than a second are rounded down. Where the table's row order would then put two rows of one user the
    wrong way round, `order` follows the exact times instead; an `order` column that contradicts them is refused.

    Raises:
        DataError: on a missing or ill-typed column or value; the message names the rows.
    """
    col.require_columns(df, ("user_id", "item_id", "timestamp"), source)
    whole, fraction = col.parse_times(df["timestamp"], source)
    out = pl.DataFrame(
        {
            "user_id": col.parse_ids(df["user_id"], source),
            "item_id": col.parse_ids(df["item_id"], source),
            "label": _labels(df, source, threshold),
            "timestamp": whole,
        }
    )
    given = "order" in df.columns
    order = col.parse_order(df["order"], source) if given else pl.int_range(df.height, dtype=pl.Int64, eager=True)
    out = out.with_columns(_exact_order(out, fraction, order, source, given).alias("order"))
    if "split" in df.columns:
        split = col.parse_text(df["split"], source)
        remedy = f"Use {', '.join(SPLITS)}, or leave the column out and choose a split by time."
        col.refuse_rows(df["split"], ~split.is_in(SPLITS), source, "has unknown splits", remedy)
        out = out.with_columns(split.alias("split"))
    repeated = out.height - out.select("user_id", "item_id", "label", "timestamp", fraction.alias("part")).n_unique()
    if repeated:
        _warn(f"{source}: {repeated} rows repeat an earlier row exactly (user, item, label, time); they are kept.")
    return out


def check_items(df: pl.DataFrame, *, source: str = "items", noun: str = "item") -> pl.DataFrame:
    """The canonical items, rows as they came: item_id (Int64 or String), title (String), keywords (List(String)), then
    every further column as text (String, empty values null, otherwise untouched).

    Titles become one clean line of at most 200 characters, keywords of at most 80. An item without a title is called
    "untitled <noun> <id>". Numbers become text; lists of strings are joined by ", "; other nested columns are dropped.

    Raises:
        DataError: on a missing or ill-typed column, an empty id, or two rows with one id; the message names the rows.
    """
    col.require_columns(df, ("item_id", "title"), source)
    ids = col.parse_ids(df["item_id"], source)
    remedy = "Keep one row per item."
    col.refuse_rows(df["item_id"], ids.is_duplicated(), source, "has the same id in several rows", remedy)
    raw = col.parse_text(df["title"], source).to_list()
    titles = [col.clean_line(text, col.TITLE_LIMIT) for text in raw]
    missing = sum(not title for title in titles)
    if missing:
        titles = [title or f"untitled {noun} {id_}" for title, id_ in zip(titles, ids.to_list(), strict=True)]
        _warn(f'{source}: {missing} rows have no title; they are called "untitled {noun} <id>".')
    keywords = col.parse_keywords(df["keywords"], source) if "keywords" in df.columns else [()] * df.height
    out = [
        ids,
        pl.Series("title", titles, dtype=pl.String),
        pl.Series("keywords", [list(words) for words in keywords], dtype=pl.List(pl.String)),
    ]
    dropped = []
    for column in df.drop("item_id", "title", "keywords", strict=False):
        text = _further_text(column)
        if text is None:
            dropped.append(column.name)
        else:
            out.append(text)
    if dropped:
        _warn(f"{source}: columns {', '.join(dropped)} hold neither text nor numbers and are left out.")
    return pl.DataFrame(out)


def _labels(df: pl.DataFrame, source: str, threshold: float | None) -> pl.Series:
    has = [name for name in ("rating", "label") if name in df.columns]
    if len(has) != 1:
        found = "both columns 'rating' and 'label'" if has else "neither a column 'rating' nor 'label'"
        raise DataError(
            f"{source}: the table has {found}. Keep exactly one: 'rating' with a threshold, or 'label' (0 or 1)."
        )
    if has == ["label"]:
        if threshold is not None:
            raise DataError(
                f"{source}: column 'label' needs no threshold, but threshold={threshold} was given. Drop one."
            )
        return col.parse_labels(df["label"], source)
    if threshold is None or not math.isfinite(threshold):
        raise DataError(
            f"{source}: column 'rating' needs a finite threshold, not {threshold}. "
            "Give one; liked means rating > threshold."
        )
    return (col.parse_ratings(df["rating"], source) > threshold).cast(pl.Int8).alias("label")


def _exact_order(out: pl.DataFrame, fraction: pl.Series, order: pl.Series, source: str, given: bool) -> pl.Series:
    """`order`, unless rounding times down to seconds would let it put a later row before an earlier one."""
    if not (fraction > 0).any():
        return order
    exact = out.select("user_id", "timestamp").with_columns(order.alias("order"), fraction.alias("fraction"))
    by = exact.with_row_index("row").sort("user_id", "timestamp", "order")
    same = (by["user_id"] == by["user_id"].shift()) & (by["timestamp"] == by["timestamp"].shift())
    wrong = by["row"].filter((same & (by["fraction"] < by["fraction"].shift())).fill_null(False))
    if not len(wrong):
        return order
    if given:
        raise DataError(
            f"{source}: column 'order' contradicts 'timestamp' within one second (row {wrong[0] + 1} and "
            f"{len(wrong) - 1} more; rows counted from 1). Number the rows in time order, or leave 'order' out."
        )
    place = pl.DataFrame({"whole": out["timestamp"], "fraction": fraction, "order": order}).with_row_index("row")
    by_time = place.sort("whole", "fraction", "order").with_columns(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("order")
    )
    return by_time.sort("row")["order"]


def _further_text(column: pl.Series) -> pl.Series | None:
    kind = column.dtype
    if isinstance(kind, pl.List) and kind.inner in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        text = column.cast(pl.List(pl.String)).list.drop_nulls().list.join(", ")
    elif kind.is_nested() or kind in (pl.Binary, pl.Object):
        return None
    else:
        text = column.cast(pl.String)
    blank = text.str.strip_chars() == ""
    return pl.select(pl.when(~blank).then(text).alias(column.name)).to_series()


def _warn(message: str) -> None:
    warnings.warn(message, DataWarning, stacklevel=3)
