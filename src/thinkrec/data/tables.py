"""Input tables (interactions and items), checked into canonical frames."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import polars as pl

from thinkrec.data import columns as col
from thinkrec.data import suspicious_values
from thinkrec.data.dropped_rows import drop_bad_rows
from thinkrec.data.duplicates import Duplicates, resolve_duplicates
from thinkrec.data.frames import as_frame
from thinkrec.data.interactions import SPLITS
from thinkrec.data.markup import PAGE_PIECE, strip_markup
from thinkrec.data.messages import emit_warning, format_rows, warn_rows
from thinkrec.data.ratings import derive_labels, find_unrated_rows
from thinkrec.data.row_trace import drop_trace, has_rows, keep_rows, name_rows, note_rows
from thinkrec.data.table_files import read_table
from thinkrec.data.table_format import OnError
from thinkrec.errors import DataError
from thinkrec.io.counts import format_count

# Importers take reading and checking of tables from here.
__all__ = ["check_interactions", "check_items", "read_table"]

_SPLIT_WORDS = {"training": "train", "validation": "valid", "val": "valid", "testing": "test"}


def check_interactions(
    table: Any,
    *,
    source: str = "interactions",
    threshold: float | None = None,
    missing: Collection[Any] | None = None,
    duplicates: Duplicates | None = None,
    on_error: OnError = "raise",
    needs_times: bool = True,
    is_implicit: bool = False,
) -> pl.DataFrame:
    """The canonical interactions, rows in their order.

    Columns: user_id, item_id (Int64 or String), label (Int8), timestamp (Int64), order (Int64), and split (String) if
    the table has one. Other columns are dropped.

    Args:
        table: anything `as_frame` takes with user_id, item_id, timestamp, and either `rating` or `label`; optional
            `split` and `order`.
        source: the name of the table in messages.
        threshold: needed with `rating`; liked means rating > threshold.
        missing: ratings that mean "not rated", as numbers or text (None and "nan" for empty ones): their rows are
            dropped and counted. By default none is, and values that look like such marks are warned of; an empty
            list says that there are none.
        duplicates: what becomes of several rows of one user and item; by default they are kept, with a warning.
        on_error: drop leaves out rows with values that cannot be used, and says how many and which.
        needs_times: whether the table has to have a timestamp. Where it need not and has none, all times are 0, so that
            the place in the table (or `order`) decides what came before, and a warning says so.
        is_implicit: every row is a Yes, so that labels of one outcome are no mistake.

    Times finer than a second are rounded down. Where the table's row order would then put two rows of one user the
    wrong way round, `order` follows the exact times instead; an `order` column that contradicts them is refused.
    Numbers in seconds and milliseconds (microseconds, nanoseconds) together become seconds.

    Raises:
        DataError: on a missing or ill-typed column or value; the message names the rows.
    """
    df = as_frame(table, source)
    col.require_columns(df, ("user_id", "item_id"), source)
    if not needs_times and "timestamp" not in df.columns and col.find_similar_column("timestamp", df.columns) is None:
        emit_warning(
            f"{source}: there is no column 'timestamp': the place of a row in the table stands for its time. Where "
            "that means nothing, histories have no order in time either."
        )
        return check_interactions(
            df.with_columns(
                timestamp=pl.lit(0), order=df["order"] if "order" in df.columns else pl.int_range(pl.len())
            ),
            source=source,
            threshold=threshold,
            missing=missing,
            duplicates=duplicates,
            on_error=on_error,
            is_implicit=is_implicit,
        )
    col.require_columns(df, ("user_id", "item_id", "timestamp"), source)
    with _keep_trace(source, df.height):
        if on_error == "drop":
            df = drop_bad_rows(df, source, lambda: _parse_every_column(df, source, threshold, missing))
        return _check_columns(df, source, threshold, missing, duplicates, is_implicit)


@contextmanager
def _keep_trace(source: str, height: int) -> Iterator[None]:
    """Within it messages find the rows of a table that nobody has begun to follow before."""
    if has_rows(source, height):
        yield
        return
    note_rows(source, height)
    try:
        yield
    finally:
        drop_trace(source)


def _parse_every_column(
    df: pl.DataFrame, source: str, threshold: float | None, missing: Collection[Any] | None
) -> None:
    """Report what is wrong with the rows of each column of interactions."""
    for name in ("user_id", "item_id"):
        col.parse_ids(df[name], source)
    col.parse_times(df["timestamp"], source)
    derive_labels(df, source, threshold, find_unrated_rows(df, missing, source), False)
    if "order" in df.columns:
        col.parse_order(df["order"], source)
    if "split" in df.columns:
        _parse_splits(df["split"], source)


def _check_columns(
    df: pl.DataFrame,
    source: str,
    threshold: float | None,
    missing: Collection[Any] | None,
    duplicates: Duplicates | None,
    is_implicit: bool,
) -> pl.DataFrame:
    whole, fraction = col.parse_times(df["timestamp"], source)
    if not (df["timestamp"].dtype.is_temporal() or df["timestamp"].dtype == pl.Null):
        whole, fraction = suspicious_values.unify_time_units(df["timestamp"], whole, fraction, source)
    suspicious_values.warn_implausible_times(df["timestamp"], whole, source)
    absent = find_unrated_rows(df, missing, source)
    out = pl.DataFrame(
        {
            "user_id": col.parse_ids(df["user_id"], source),
            "item_id": col.parse_ids(df["item_id"], source),
            "label": derive_labels(df, source, threshold, absent, missing is None, is_implicit),
            "timestamp": whole,
        }
    )
    has_order = "order" in df.columns
    order = col.parse_order(df["order"], source) if has_order else pl.int_range(df.height, dtype=pl.Int64, eager=True)
    out = out.with_columns(_resolve_order(out, fraction, order, source, has_order).alias("order"))
    if "split" in df.columns:
        out = out.with_columns(_parse_splits(df["split"], source).alias("split"))
    if absent.any():
        warn_rows(df["rating"], absent, source, 'mean "not rated"', "They are left out (missing).")
        keep_rows(source, ~absent)
        out, fraction = out.filter(~absent), fraction.filter(~absent)
        if out.is_empty():
            raise DataError(f"{source}: no row is left: every rating is named in `missing`. Correct it.")
    if not has_order:
        suspicious_values.warn_constant_times(out["user_id"], out["timestamp"], fraction, source)
    return resolve_duplicates(out, fraction, duplicates, source)


def check_items(
    table: Any,
    *,
    source: str = "items",
    noun: str = "item",
    separators: Mapping[Any, str] | None = None,
    on_error: OnError = "raise",
) -> pl.DataFrame:
    """The canonical items, rows in their order.

    Columns: item_id (Int64 or String), title (String), keywords (List(String)), then every further column as text
    (String, empty values null).

    Titles become one clean line of at most 200 characters, keywords of at most 80. HTML is taken out of all text, and
    counted. An item without a title is called "untitled <noun> <id>". Numbers become text; lists of strings are joined
    by ", "; other nested columns are dropped. `separators` may name what separates the keywords of a column of text,
    such as {"keywords": ";"}; see `keywords.choose_separator`. `on_error="drop"` leaves out rows without an id, and of
    several rows of one item all but the first, and says how many and which.

    Raises:
        DataError: on a missing or ill-typed column, an empty id, or two rows with one id; the message names the rows.
    """
    df = as_frame(table, source)
    col.require_columns(df, ("item_id", "title"), source)
    unknown = sorted(set(separators or {}) - {"keywords"})
    if unknown:
        raise DataError(
            f"{source}: separators names {', '.join(map(repr, unknown))}; only 'keywords' is cut into parts."
        )
    with _keep_trace(source, df.height):
        if on_error == "drop":
            df = drop_bad_rows(df, source, lambda: _parse_item_ids(df, source, keep_first=True))
        return _check_item_columns(df, source, noun, separators)


def _parse_item_ids(df: pl.DataFrame, source: str, keep_first: bool = False) -> pl.Series:
    ids = col.parse_ids(df["item_id"], source)
    remedy = "Keep one row per item."
    repeated = ~ids.is_first_distinct() if keep_first else ids.is_duplicated()
    col.reject_rows(df["item_id"], repeated, source, "has the same id in several rows", remedy)
    return ids


def _check_item_columns(df: pl.DataFrame, source: str, noun: str, separators: Mapping[Any, str] | None) -> pl.DataFrame:
    ids = _parse_item_ids(df, source)
    _warn_markup(df, source)
    titles = _parse_titles(df["title"], ids, source, noun)
    separator = None if separators is None else separators.get("keywords")
    keywords = col.parse_keywords(df["keywords"], source, separator) if "keywords" in df.columns else [()] * df.height
    out = [
        ids,
        pl.Series("title", titles, dtype=pl.String),
        pl.Series("keywords", [list(words) for words in keywords], dtype=pl.List(pl.String)),
    ]
    dropped, blank = [], []
    for column in df.drop("item_id", "title", "keywords", strict=False):
        text = _to_text_column(column)
        if text is None:
            dropped.append(column.name)
            continue
        words = text.is_in(col.NO_VALUE)
        if words.any():
            first = format_rows(text, words.arg_true()[:1], source, is_explained=False)
            blank.append(f"'{column.name}' in {format_count(int(words.sum()), 'row')} ({first})")
            text = pl.select(pl.when(~words).then(text).alias(column.name)).to_series()
        out.append(text)
    if dropped:
        names, one = ", ".join(dropped), len(dropped) == 1
        what = f"column {names} holds" if one else f"columns {names} hold"
        emit_warning(f"{source}: {what} neither text nor numbers and {'is' if one else 'are'} left out.")
    if blank:
        emit_warning(f"{source}: words for a missing value count as empty: {', '.join(blank)}.")
    return pl.DataFrame(out)


def _parse_splits(column: pl.Series, source: str) -> pl.Series:
    texts = col.parse_text(column, source)
    known = col.strip_whitespace(texts).str.to_lowercase().replace(_SPLIT_WORDS)
    remedy = f"Use {', '.join(SPLITS)}, or leave the column out and choose a split by time."
    col.reject_rows(column, ~known.is_in(SPLITS), source, "has unknown splits", remedy)
    warn_rows(
        column, known != texts, source, "name the split in another spelling", f"They are read as {', '.join(SPLITS)}."
    )
    return known


def _parse_titles(column: pl.Series, ids: pl.Series, source: str, noun: str) -> list[str]:
    raw = col.parse_text(column, source)
    words = raw.is_in(col.NO_VALUE).fill_null(False)
    pieces = raw.str.contains(PAGE_PIECE).fill_null(False)
    warn_rows(column, pieces, source, "are a piece of a page's script or style", "They count as missing.")
    titles = [
        "" if none else col.clean_line(text, col.TITLE_LIMIT) for text, none in zip(raw, words | pieces, strict=True)
    ]
    missing = pl.Series([not title for title in titles], dtype=pl.Boolean)
    if missing.any():
        titles = [title or f"untitled {noun} {id_}" for title, id_ in zip(titles, ids.to_list(), strict=True)]
        emit_warning(
            f"{source}: {format_count(int(missing.sum()), 'row has', 'rows have')} no title; the name there is "
            f'"untitled {noun} <id>" '
            f"({format_rows(raw, missing.arg_true(), source)})."
        )
    return titles


def _warn_markup(df: pl.DataFrame, source: str) -> None:
    """Warn of values with HTML, with their number per column."""
    counts = []
    for column in df:
        texts = column.explode() if isinstance(column.dtype, pl.List) else column
        if column.name in ("item_id",) or texts.dtype not in (pl.String, pl.Categorical, pl.Enum):
            continue
        texts = texts.cast(pl.String)
        candidates = texts.filter(texts.str.contains("[<&]").fill_null(False))
        count = sum(strip_markup(text) != text for text in candidates)
        if count:
            first = next(text for text in candidates if strip_markup(text) != text)
            counts.append(f"{count} in '{column.name}' (the first: {first[:40]!r})")
    if counts:
        emit_warning(
            f"{source}: values with HTML: {', '.join(counts)}; tags are taken out and entities become their characters."
        )


def _resolve_order(out: pl.DataFrame, fraction: pl.Series, order: pl.Series, source: str, has_order: bool) -> pl.Series:
    """`order`, unless rounding times down to seconds would let it put a later row before an earlier one."""
    if not (fraction > 0).any():
        return order
    exact = out.select("user_id", "timestamp").with_columns(order.alias("order"), fraction.alias("fraction"))
    by = exact.with_row_index("row").sort("user_id", "timestamp", "order")
    same = (by["user_id"] == by["user_id"].shift()) & (by["timestamp"] == by["timestamp"].shift())
    wrong = by["row"].filter((same & (by["fraction"] < by["fraction"].shift())).fill_null(False))
    if not len(wrong):
        return order
    if has_order:
        first = name_rows(wrong[:1].to_list(), len(out), source)[0]
        raise DataError(
            f"{source}: column 'order' contradicts 'timestamp' within one second ({first} and "
            f"{len(wrong) - 1} more). Number the rows in time order, or leave 'order' out."
        )
    exact_times = pl.DataFrame({"whole": out["timestamp"], "fraction": fraction, "order": order}).with_row_index("row")
    by_time = exact_times.sort("whole", "fraction", "order").with_columns(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("order")
    )
    return by_time.sort("row")["order"]


def _to_text_column(column: pl.Series) -> pl.Series | None:
    kind = column.dtype
    if isinstance(kind, pl.List) and kind.inner in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        text = column.cast(pl.List(pl.String)).list.drop_nulls().list.join(", ")
    elif kind.is_nested() or kind in (pl.Binary, pl.Object):
        return None
    else:
        text = column.cast(pl.String)
    if text.str.contains("[<&]").any():
        text = pl.Series(column.name, [value and strip_markup(value) for value in text], dtype=pl.String)
    blank = text.str.strip_chars() == ""
    return pl.select(pl.when(~blank).then(text).alias(column.name)).to_series()
