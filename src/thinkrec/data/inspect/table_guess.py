"""One file, folder or pattern: how it is written, what its columns are, and its rows under its own names."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from thinkrec.data.archives import is_archive
from thinkrec.data.damage import DAMAGED, make_damage_error
from thinkrec.data.delimited import SEPARATORS
from thinkrec.data.file_bytes import open_bytes
from thinkrec.data.inspect.column_guess import TableGuess, guess_columns
from thinkrec.data.inspect.encodings import guess_encoding
from thinkrec.data.inspect.separators import Layout, guess_layout, has_header, split_rows
from thinkrec.data.json_lines import JSON_KINDS
from thinkrec.data.messages import format_value
from thinkrec.data.row_problems import Problem, collect_problems
from thinkrec.data.table_columns import split_recbole_type
from thinkrec.data.table_files import get_kind, list_table_files, read_table
from thinkrec.data.table_format import TableFormat
from thinkrec.errors import DataError, DataWarning

_SAMPLE_BYTES = 2**20


@dataclass(frozen=True)
class ReadTable:
    """A table that was read as it seems to be written."""

    path: Path
    form: TableFormat
    """With the columns that were found, where they have other names than ours."""
    frame: pl.DataFrame
    """Its rows under its own names; empty where it cannot be read."""
    guess: TableGuess
    notes: tuple[str, ...]
    """How it is written, and what was said while it was read."""
    problems: tuple[Problem, ...]
    """Lines that are no rows."""
    error: str | None = None
    """Why it cannot be read at all."""


def read_unknown_table(path: Path, item_ids: Collection[str] = ()) -> ReadTable:
    """Read a table of which only its place is known; for `item_ids` see `guess_columns`. Errors are kept in it."""
    try:
        form, notes = guess_format(path)
        with warnings.catch_warnings(record=True) as remark_texts, collect_problems() as problem_list:
            warnings.simplefilter("always", DataWarning)
            frame = read_table(path, form, on_error="drop")
    except (DataError, *DAMAGED) as error:
        why = str(error if isinstance(error, DataError) else make_damage_error(path, "a table", error))
        return ReadTable(path, TableFormat(), pl.DataFrame(), TableGuess("unknown"), (), (), why)
    notes += [str(entry.message) for entry in remark_texts if issubclass(entry.category, DataWarning)]
    table = ReadTable(path, form, frame, TableGuess("unknown"), tuple(notes), tuple(problem_list.problems))
    return name_guessed_columns(table, guess_columns(frame, form.header, item_ids))


def name_guessed_columns(table: ReadTable, guess: TableGuess) -> ReadTable:
    """The table with a guess, and with the mapping of columns that it means."""
    columns: dict[str, str | int] = {}
    for column in guess.columns:
        if split_recbole_type(column.theirs)[0] != column.ours:
            by_place = not table.form.header
            columns[column.ours] = table.frame.columns.index(column.theirs) + 1 if by_place else column.theirs
    return replace(table, guess=guess, form=table.form.model_copy(update={"columns": columns}))


def guess_format(path: Path) -> tuple[TableFormat, list[str]]:
    """How a table is written, and a sentence on each thing that its name does not say. Raises DataError without one."""
    file = _list_any_files(path)[0]
    kind = get_kind(file)
    with open_bytes(file) as opened:
        if not opened.read(_SAMPLE_BYTES).strip():
            raise DataError(
                f"{path}: the file is empty. Check that this is the right one and that it was written in full."
            )
    if kind is not None and kind not in (*JSON_KINDS, *SEPARATORS):
        return TableFormat(), []
    encoding = guess_encoding(file)
    notes = [f"{path}: read as {encoding.why}."] if encoding.why else []
    if kind in JSON_KINDS:
        return TableFormat(encoding=encoding.encoding), notes
    with open_bytes(file) as opened:
        text = opened.read(_SAMPLE_BYTES).decode(encoding.encoding or "utf-8-sig", "replace")
    if len(text) >= _SAMPLE_BYTES // 4:
        text = text.rpartition("\n")[0] or text
    if text.lstrip()[:1] in ("{", "[") and kind is None:
        raise DataError(f"{path}: it looks like JSON; let its name end with .jsonl (one object a line) or .json.")
    _refuse_remark(path, text)
    layout = _guess_any_layout(path, text, kind)
    header = has_header(split_rows(text, layout))
    if layout.why:
        notes.append(f"{path}: {layout.why}.")
    if layout.quoting != "auto":
        how = "backslashes before quotes" if layout.quoting == "backslash" else f"quoting: {layout.quoting}"
        notes.append(f"{path}: read with {how}, because more lines have the same number of fields then.")
    if not header:
        notes.append(f"{path}: its first line is a row, so it has no header; columns are known by their places.")
    usual = SEPARATORS.get(kind or "")
    return (
        TableFormat(
            separator=None if layout.separator == usual else layout.separator,
            encoding=encoding.encoding,
            header=header,
            quoting=layout.quoting,
        ),
        notes,
    )


def _refuse_remark(path: Path, text: str) -> None:
    """Raise DataError where the first line is a remark, with less in it than the next one."""
    first, _, rest = text.partition("\n")
    second = rest.partition("\n")[0]
    if first.startswith("#") and not any(first.count(mark) >= max(1, second.count(mark)) for mark in ",;\t|"):
        raise DataError(
            f"{path}: its first line is a remark ({format_value(first.strip())}). Remove it; a table begins with the "
            "names of its columns."
        )


def _list_any_files(path: Path) -> list[Path]:
    return [path] if path.is_file() and not is_archive(path) else list_table_files(path)


def _guess_any_layout(path: Path, text: str, kind: str | None) -> Layout:
    """How lines are cut; as one column where the file's name says that it is a table."""
    layout = guess_layout(text, SEPARATORS.get(kind or ""))
    if layout is None and kind in SEPARATORS:
        return Layout(SEPARATORS[kind], "auto", 1.0, 1, "")
    if layout is None:
        raise DataError(
            f"{path}: no separator cuts its lines into the same number of fields. Give a table with one row a line."
        )
    return layout
