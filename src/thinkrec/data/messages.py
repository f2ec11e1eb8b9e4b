"""Warnings and errors about a table, which name its columns, rows and values, and a remedy."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

import polars as pl

from thinkrec.data.row_problems import SHOWN, Problem, get_collected
from thinkrec.data.row_trace import get_row_numbers, has_lines, name_rows
from thinkrec.errors import DataError, DataWarning
from thinkrec.io.counts import choose_form, format_count

_OTHER_NAMES = {
    "user_id": "user userid uid customer customerid reviewer reviewerid member memberid account viewer reader",
    "item_id": "item itemid iid movie movieid film filmid book bookid product productid asin parentasin business "
    "businessid isbn sku article articleid track trackid song songid game gameid",
    "rating": "ratings score stars star overall grade mark value",
    "label": "liked like likes isliked clicked click y target",
    "timestamp": "time date datetime ts when at created createdat unixreviewtime reviewtime ratedat",
    "title": "name titles itemname moviename booktitle movietitle productname label heading",
    "keywords": "keyword genres genre categories category tags tag",
    "split": "part fold set subset",
    "order": "row rowid rownumber index position",
    "score": "prediction predicted logit probability",
    "reason": "text explanation answer rationale",
}
"""What other data sets call the columns, without case and punctuation."""
_KINDS = {
    "interactions": {"user_id", "item_id"},
    "items": {"item_id", "title"},
    "predictions": {"order", "score"},
    "reasons": {"order", "reason"},
}
COUNTED = "; rows counted from 1"
_SINGULAR = {"have": "has", "are": "is"}
_VALUE = re.compile(r"[-+]?\d+([.,]\d+)?([eE][-+]?\d+)?|\d{4}-\d\d-\d\d.*")


def emit_warning(message: str) -> None:
    """Emit one DataWarning, attributed to the caller of the function that found it."""
    warnings.warn(message, DataWarning, stacklevel=3)


def warn_rows(column: pl.Series, mask: pl.Series, source: str, what: str, note: str) -> None:
    """Emit one DataWarning where the mask is set, with the number of rows, the first of them and their values.

    `what` follows "12 of 40 rows" and begins with its verb, such as "have no title"; `note` is what was done and what
    can be done about it.
    """
    rows = mask.fill_null(False).arg_true()
    if len(rows):
        emit_warning(
            f"{source}: column '{column.name}': {len(rows):,} of {format_count(len(column), 'row')} "
            f"{_format_clause(what, len(rows))} ({format_rows(column, rows, source)}). {note}"
        )


def _format_clause(what: str, count: int) -> str:
    """A clause that begins with a verb in the plural, such as "have no title", for so many rows."""
    verb, _, rest = what.partition(" ")
    return f"{choose_form(count, _SINGULAR.get(verb, f'{verb}s'), verb)} {rest}"


def format_rows(column: pl.Series, rows: pl.Series, source: str, *, is_explained: bool = True) -> str:
    """The first few rows with their values: by the lines of their file, else counted from 1.

    `is_explained`: rows that are counted are said to be counted from 1.
    """
    shown = rows[:SHOWN].to_list()
    names = name_rows(shown, len(column), source)
    examples = [f"{name}: {format_value(column[row])}" for name, row in zip(names, shown, strict=True)]
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    end = "" if has_lines(source, len(column)) or not is_explained else COUNTED
    return f"{'; '.join(examples)}{more}{end}"


def reject_rows(column: pl.Series, bad: pl.Series, source: str, what: str, remedy: str) -> None:
    """Raise DataError where the mask `bad` is set (or null); names the first few rows and their values.

    Where problems are collected (`row_problems`), they are added there in place of the error.
    """
    collected, bad = get_collected(), bad.fill_null(True)
    if collected is not None:
        bad = collected.select_new(source, column.name, bad)
    rows = bad.arg_true()
    if not len(rows):
        return
    what = f"column '{column.name}' {what} ({format_rows(column, rows, source)})"
    if collected is None:
        raise DataError(f"{source}: {what}. {remedy}")
    collected.add(make_row_problem(column, rows, source, what, remedy))


def make_row_problem(column: pl.Series, rows: pl.Series, source: str, what: str, remedy: str) -> Problem:
    """The problem of these rows (places from 0) of a column."""
    numbers = tuple(get_row_numbers(rows[:SHOWN].to_list(), len(column), source))
    numbered = "line" if has_lines(source, len(column)) else "row"
    return Problem(source, column.name, len(rows), numbers, what, remedy, numbered=numbered)


def report_dropped(problem: Problem) -> None:
    """Say which rows or lines are left out because of one problem; where problems are collected, add it there."""
    collected = get_collected()
    if collected is not None:
        collected.add(problem)
        return
    count = format_count(problem.count, problem.unit)
    emit_warning(f"{problem.source}: {count} left out (on_error: drop): {problem.what}.")


def make_type_error(column: pl.Series, source: str, what: str, remedy: str) -> DataError:
    """The error for a column of a type that cannot hold `what`; names its first value."""
    filled = column.is_not_null().arg_true()[:1]
    seen = f" ({format_rows(column, filled, source, is_explained=False)})" if len(filled) else ""
    return DataError(f"{source}: column '{column.name}' has type {column.dtype}{seen}; {what}. {remedy}")


def require_columns(df: pl.DataFrame, names: Iterable[str], source: str) -> None:
    """Raise DataError if one of `names` is missing from the table or the table has no rows.

    The message says which column may be meant, whether the table looks like one of another kind, and whether its first
    line seems to be a row.
    """
    wanted = tuple(names)
    for name in wanted:
        if name not in df.columns:
            present = ", ".join(df.columns) or "none"
            raise DataError(
                f"{source}: column '{name}' is missing (columns found: {present}). "
                f"{_suggest_remedy(name, wanted, df.columns)}"
            )
    if df.height == 0:
        raise DataError(
            f"{source}: the table has no rows. Check that this is the right file and that it was written in full."
        )


def is_data_row(names: Sequence[str]) -> bool:
    """Whether these column names hold a number or a date, as they do where a table has no header line."""
    return any(_VALUE.fullmatch(name.strip()) for name in names)


def format_value(value: object) -> str:
    """A value as a message shows it, at most 40 characters."""
    text = repr(value.to_list() if isinstance(value, pl.Series) else value)
    return text if len(text) <= 40 else text[:37] + "..."


def find_similar_column(name: str, columns: Sequence[str]) -> str | None:
    """The column that may be meant by `name`: another spelling, another data set's word for it, or a near miss."""
    plain = {_normalise_name(column): column for column in columns}
    for other in (_normalise_name(name), *_OTHER_NAMES.get(name, "").split()):
        if other in plain:
            return plain[other]
    similar = get_close_matches(_normalise_name(name), list(plain), 1, 0.75)
    return plain[similar[0]] if similar else None


def _suggest_remedy(name: str, wanted: Sequence[str], columns: Sequence[str]) -> str:
    if is_data_row(columns):
        return f"The first line seems to be a row already: put a line with the names in front ({', '.join(wanted)})."
    kind = next((kind for kind, needed in _KINDS.items() if needed <= set(columns)), None)
    if kind is not None and not _KINDS[kind] <= set(wanted):
        return f"This looks like a table of {kind}; check that the right file was given here."
    similar = find_similar_column(name, [column for column in columns if column not in wanted])
    if similar is not None:
        return f"Did you mean '{similar}'? Rename it to '{name}'."
    if not any(find_similar_column(known, columns) for known in _OTHER_NAMES):
        return "Add it, rename the column that holds it, or put a line with the names in front if there is none."
    return "Add it, or rename the column that holds it."


def _normalise_name(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())
