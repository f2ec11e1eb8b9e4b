"""Files of one record a line (JSON, or what Python prints), read in parts into frames; files found in a folder."""

from __future__ import annotations

import ast
import gzip
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import polars as pl

from thinkrec.data.damage import DAMAGED, make_damage_error
from thinkrec.data.file_bytes import is_damaged, open_bytes
from thinkrec.data.messages import emit_warning, format_value
from thinkrec.errors import DataError
from thinkrec.io.counts import format_count
from thinkrec.io.progress import Progress

Notation = Literal["json", "python"]
_KINDS: dict[Notation, str] = {"json": "JSON", "python": "a dict as Python prints it"}
_PART = 100_000
_SHOWN_FROM = 32 * 2**20


def find_file(folder: Path, *patterns: str, source: str) -> Path:
    """The one file of a folder, or of the only folder in it, that fits the first of the patterns that any fits.

    Raises DataError where none fits, or several do.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder. docs/data-sources.md says where the files of {source} come from.")
    inner = [path for path in folder.iterdir() if path.is_dir()]
    for place in (folder, *(inner if len(inner) == 1 else [])):
        for pattern in patterns:
            paths = sorted(path for path in place.glob(pattern) if path.is_file())
            # An archive beside what was unpacked from it is the same file twice.
            paths = [path for path in paths if path.with_suffix("") not in paths]
            if len(paths) > 1:
                names = ", ".join(path.name for path in paths[:5])
                raise DataError(f"{place}: several files fit {pattern} ({names}). Leave one there.")
            if paths:
                return paths[0]
    there = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "nothing"
    raise DataError(
        f"{folder}: no file {' or '.join(patterns)} (there: {there}). docs/data-sources.md says where the files of "
        f"{source} come from."
    )


def read_records(
    path: Path,
    schema: dict[str, Any],
    parse: Callable[[dict[str, Any]], Iterable[tuple]],
    *,
    notation: Notation = "json",
    needed: tuple[str, ...] = (),
) -> pl.DataFrame:
    """The rows that `parse` makes of each line, as one frame.

    Args:
        path: text in UTF-8, one record a line; unpacked where its name ends with .gz.
        schema: column -> Polars type of the rows.
        parse: the rows of one record, tuples in the schema's order.
        notation: JSON, or a dict as Python prints it.
        needed: keys that every record must have.

    Raises:
        DataError: naming the line, for what is no such record, lacks a needed key, or a damaged file.
    """
    parts: list[pl.DataFrame] = []
    rows: list[tuple] = []
    size = path.stat().st_size
    try:
        with Progress(f"reading {path.name}", size, shown=size > _SHOWN_FROM, unit="bytes") as bar:
            for number, record in _iterate_records(path, notation, bar):
                missing = [key for key in needed if record.get(key) is None]
                if missing:
                    raise DataError(
                        f"{path}: line {number} has no {', '.join(missing)} ({format_value(record)}). Take the file "
                        "unchanged from its publisher."
                    )
                try:
                    rows.extend(parse(record))
                except (TypeError, ValueError, AttributeError) as error:
                    raise DataError(
                        f"{path}: line {number} does not have the fields of this source ({error}). Take the file "
                        "unchanged from its publisher."
                    ) from error
                if len(rows) >= _PART:
                    parts.append(_build_part(rows, schema, path, number))
                    rows = []
            parts.append(_build_part(rows, schema, path, None))
    except DAMAGED as error:
        raise make_damage_error(path, _KINDS[notation], error) from error
    except DataError:
        if is_damaged(path):
            raise make_damage_error(path, _KINDS[notation]) from None
        raise
    df = pl.concat(parts)
    if df.is_empty():
        raise DataError(f"{path}: the file holds no rows. Download it again.")
    return df


def _build_part(rows: list[tuple], schema: dict[str, Any], path: Path, number: int | None) -> pl.DataFrame:
    try:
        return pl.DataFrame(rows, schema=schema, orient="row")
    except (pl.exceptions.PolarsError, TypeError, OverflowError) as error:
        before = "the end" if number is None else f"line {number}"
        raise DataError(
            f"{path}: a value before {before} has another type than its column ({error}). Take the file unchanged "
            "from its publisher."
        ) from error


def _iterate_records(path: Path, notation: Notation, bar: Progress) -> Iterator[tuple[int, dict[str, Any]]]:
    read = json.loads if notation == "json" else ast.literal_eval
    shown, empty = 0, 0
    with path.open("rb") as packed:
        file = gzip.GzipFile(fileobj=packed) if path.suffix == ".gz" else packed
        for number, raw in enumerate(io.BufferedReader(file), 1):  # type: ignore[arg-type]
            if number % 10_000 == 0:
                bar.advance(packed.tell() - shown)
                shown = packed.tell()
            if not raw.strip():
                empty += 1
                continue
            try:
                record = read(raw.decode("utf-8-sig" if number == 1 else "utf-8"))
            except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
                shown = format_value(raw[:60].decode("utf-8", "replace"))
                raise DataError(
                    f"{path}: line {number} is not {_KINDS[notation]} ({shown}). Download the file again, or remove "
                    "the line."
                ) from error
            if not isinstance(record, dict):
                raise DataError(
                    f"{path}: line {number} is no record ({format_value(record)}). Take the file unchanged from its "
                    "publisher."
                )
            yield number, record
    if empty:
        emit_warning(f"{path}: {format_count(empty, 'empty line is', 'empty lines are')} left out.")


def read_latin_1(path: Path) -> list[str]:
    """The lines of a file in UTF-8, else in Latin-1; lines end at LF or CRLF alone."""
    try:
        with open_bytes(path) as file:
            content = file.read()
    except DAMAGED as error:
        raise make_damage_error(path, "text", error) from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    lines = text.split("\n")
    return [line.removesuffix("\r") for line in (lines[:-1] if lines[-1] == "" else lines)]


def number_filled_lines(lines: list[str]) -> tuple[list[str], list[int]]:
    """The lines that are not empty, and their numbers in the file."""
    filled = [(line, number) for number, line in enumerate(lines, 1) if line.strip()]
    return [line for line, _ in filled], [number for _, number in filled]


def split_fields(
    lines: list[str], separator: str, names: list[str], path: Path, *, first: Sequence[int] | int = 1
) -> pl.DataFrame:
    """Lines cut at a separator without quotes, all columns text. Raises DataError naming the line.

    `first`: the number of the first line in the file, or those of all where some are left out.
    """
    fields = pl.Series(lines, dtype=pl.String).str.split(separator)
    wrong = (fields.list.len() != len(names)).arg_true()
    if len(wrong):
        raise DataError(
            f"{path}: line {_get_line(wrong[0], first)} has {format_count(len(fields[int(wrong[0])]), 'field')}, not "
            f"the {len(names)} of this source ({lines[wrong[0]][:60]!r}; {format_count(len(wrong), 'such line')}). "
            "Take the file unchanged from its publisher."
        )
    return pl.DataFrame({name: fields.list.get(index) for index, name in enumerate(names)})


def parse_column(
    df: pl.DataFrame, name: str, kind: type[pl.DataType], path: Path, *, first: Sequence[int] | int = 1
) -> pl.Series:
    """A column of text as numbers; `first` as above. Raises DataError naming the line of the first that is none."""
    values = df[name].cast(kind, strict=False)
    wrong = values.is_null().arg_true()
    if len(wrong):
        raise DataError(
            f"{path}: line {_get_line(wrong[0], first)}: {name} {df[name][int(wrong[0])]!r} is no number "
            f"({format_count(len(wrong), 'such line')}). Correct the line."
        )
    return values


def _get_line(row: int, first: Sequence[int] | int) -> int:
    return row + first if isinstance(first, int) else first[row]
