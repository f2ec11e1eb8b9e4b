"""Conversion of tables (Polars, pandas, Arrow, mappings) to Polars frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from thinkrec.data.messages import emit_warning, format_value
from thinkrec.errors import DataError

_REMEDY = (
    "Give a Polars, pandas or Arrow table, a data set of `datasets`, a mapping of column names to values, a list of "
    "rows as mappings, or a path."
)
_SPLIT_COLUMN = "split"


def as_frame(table: Any, source: str) -> pl.DataFrame:
    """Convert a table to a Polars frame.

    `table`: a frame (Polars, lazy too, pandas, Arrow), an Arrow stream, a data set of Hugging Face's `datasets` (of
    several splits: with a column `split`), a mapping of columns, or mappings one after the other, in a list or an
    iterator. Raises DataError for what is no table, for columns of several lengths, and for columns of mixed types.
    """
    if isinstance(table, pl.DataFrame):
        return table
    if table is None:
        raise DataError(f"{source}: no table was given. {_REMEDY}")
    if type(table).__module__.partition(".")[0] == "datasets":
        return _read_hub_dataset(table, source)
    if isinstance(table, Mapping):
        return _build_frame_from_columns({str(name): values for name, values in table.items()}, source)
    if (
        isinstance(table, Sequence)
        and not isinstance(table, str | bytes)
        and all(isinstance(r, Mapping) for r in table)
    ):
        return build_frame_from_rows(table, source)
    if isinstance(table, Iterator) and not hasattr(table, "__arrow_c_stream__"):
        return _read_iterator(table, source)
    try:
        if isinstance(table, pl.LazyFrame):
            return table.collect()
        if type(table).__module__.partition(".")[0] == "pandas":
            # NaN is how pandas writes a missing value, in columns of text too.
            frame: Any = table
            return pl.from_pandas(frame)
        return pl.DataFrame(table)
    except Exception as error:  # Polars and Arrow raise a dozen kinds, and all mean the same to the caller
        raise DataError(f"{source}: {type(table).__name__} cannot be read as a table. {_REMEDY}") from error


def _read_hub_dataset(table: Any, source: str) -> pl.DataFrame:
    """A `datasets` data set as a frame; the parts of a DatasetDict one after the other, each with its name as split."""
    if isinstance(table, Mapping):
        parts = {str(name): as_frame(part, f"{source} ({name})") for name, part in table.items()}
        if not parts:
            raise DataError(f"{source}: the data set has no part. {_REMEDY}")
        named = [
            part if _SPLIT_COLUMN in part.columns or len(parts) == 1 else part.with_columns(split=pl.lit(name))
            for name, part in parts.items()
        ]
        if len(parts) > 1 and any(_SPLIT_COLUMN not in part.columns for part in parts.values()):
            emit_warning(f"{source}: its parts {', '.join(parts)} are read as one table with a column 'split'.")
        return pl.concat(named, how="diagonal_relaxed")
    if hasattr(table, "with_format") and hasattr(table, "num_rows"):
        return pl.DataFrame(pl.from_arrow(table.with_format("arrow")[:]))
    return _read_iterator(iter(table), source)  # a data set that is streamed


def _read_iterator(table: Iterator[Any], source: str) -> pl.DataFrame:
    """Mappings, or parts that are tables themselves such as Arrow's record batches, until there is no more."""
    parts = list(table)
    if all(isinstance(part, Mapping) and not hasattr(part, "__arrow_c_array__") for part in parts):
        return build_frame_from_rows(parts, source)
    return pl.concat([as_frame(part, source) for part in parts], how="diagonal_relaxed")


def build_frame_from_rows(
    rows: Sequence[Mapping[str, Any]], source: str, lines: Sequence[int] | None = None
) -> pl.DataFrame:
    """Rows as mappings become columns, in the order in which their names come up; what a row lacks is null.

    `lines`: where the rows stand in a file, for messages; by default these say "row 1" and so on.
    """
    names = list(dict.fromkeys(str(name) for row in rows for name in row))
    columns = {name: [row.get(name) for row in rows] for name in names}
    return pl.DataFrame([make_series(name, values, source, lines) for name, values in columns.items()])


def make_series(name: str, values: Sequence[Any], source: str, lines: Sequence[int] | None = None) -> pl.Series:
    """One column of values of one type.

    Whole and broken numbers together are broken ones. Numbers and text together become text, texts and lists together
    lists, which is said. Raises DataError on other mixtures.
    """
    try:
        return pl.Series(name, values, strict=True)
    except Exception as error:
        kinds = dict[type, int]()
        for index, value in enumerate(values):
            if value is not None and value == value:
                kinds.setdefault(type(value), index)
        # NaN is how pandas writes a missing value, beside text too.
        known = [value if value is not None and value == value else None for value in values]
        if set(kinds) <= {int, float}:
            return pl.Series(name, [None if value is None else float(value) for value in values], dtype=pl.Float64)
        if set(kinds) == {str}:
            return pl.Series(name, known, dtype=pl.String)
        seen = "; ".join(
            f"{f'line {lines[index]}' if lines else f'row {index + 1}'}: {format_value(values[index])}"
            for index in kinds.values()
        )
        mixed = f"{source}: column '{name}' mixes values of several types ({seen})"
        if set(kinds) <= {str, int, float, bool}:
            emit_warning(f"{mixed}; all are read as text.")
            return pl.Series(name, [None if value is None else str(value) for value in known], dtype=pl.String)
        texts = [[value] if isinstance(value, str) else value for value in known]
        if set(kinds) == {str, list} and all(isinstance(entry, str | None) for value in texts for entry in value or ()):
            emit_warning(f"{mixed}; a text is read as a list of one.")
            return pl.Series(name, texts, dtype=pl.List(pl.String))
        raise DataError(f"{mixed}. Give all rows one type, such as text.") from error


def _build_frame_from_columns(columns: Mapping[str, Any], source: str) -> pl.DataFrame:
    series = []
    for name, values in columns.items():
        if isinstance(values, str | bytes) or not hasattr(values, "__len__"):
            raise DataError(f"{source}: column '{name}' is {format_value(values)}, not a list of values. {_REMEDY}")
        if isinstance(values, list | tuple):
            series.append(make_series(name, values, source))
        else:
            series.append(_to_series(name, values, source))
    lengths = {column.name: len(column) for column in series}
    if len(set(lengths.values())) > 1:
        length_list = ", ".join(f"'{name}' {length}" for name, length in lengths.items())
        raise DataError(
            f"{source}: the columns are not equally long ({length_list} values). Give every row every value."
        )
    return pl.DataFrame(series)


def _to_series(name: str, values: Any, source: str) -> pl.Series:
    try:
        if type(values).__module__.partition(".")[0] == "pandas":
            return pl.Series(name, pl.from_pandas(values))
        return pl.Series(name, values)
    except Exception as error:
        raise DataError(f"{source}: column '{name}' ({type(values).__name__}) cannot be read. {_REMEDY}") from error
