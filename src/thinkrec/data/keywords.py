"""Parsing of keyword columns: lists, one text with separators, or the text of a list; cleaned, in their order."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import polars as pl

from thinkrec.data.markup import clean_line, strip_markup
from thinkrec.data.messages import make_type_error, warn_rows
from thinkrec.errors import DataError

KEYWORD_LIMIT = 80
"""Longest keyword in characters (Unicode code points); the rest is cut off."""
NO_KEYWORD = frozenset(("nan", "none", "null", "n/a", "#n/a", "<na>", "[]", "{}", "()", "(no genres listed)"))
"""Words that mean, without case, that there is no keyword."""

_TEXT = (pl.String, pl.Categorical, pl.Enum)
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")


def parse_keywords(column: pl.Series, source: str, separator: str | None = None) -> list[tuple[str, ...]]:
    """Keywords per row, cleaned, in their order, without repeats; see `clean_keywords` and `choose_separator`.

    The text of a list ("['a', 'b']") is read as that list; of lists in lists, and of mappings with a name, the strings
    and names are taken. One warning each counts such rows, rows that say that there
    is no keyword ("nan", "[]", "(no genres listed)"), and rows that look as if they had another separator. Raises
    DataError on any other type.
    """
    texts = column.dtype == pl.Null or column.dtype in _TEXT
    lists = isinstance(column.dtype, pl.List) and (column.dtype.inner == pl.Null or column.dtype.inner in _TEXT)
    values = column.to_list()
    if isinstance(column.dtype, pl.List) and column.dtype.inner.is_nested():
        with suppress(TypeError):
            values, lists = [None if value is None else list(_flatten_strings(value)) for value in values], True
    if not (texts or lists):
        remedy = "Give a list of strings, or one text with | or , between the keywords."
        raise make_type_error(column, source, "must hold keywords", remedy)
    written = [parse_list(value) if isinstance(value, str) else None for value in values]
    plain = [value if parsed is None else parsed for value, parsed in zip(values, written, strict=True)]
    separator = choose_separator([value for value in plain if isinstance(value, str)], separator)
    keywords = [clean_keywords(value, separator) for value in plain]

    def warn_where(mask: Iterable[bool], what: str, note: str) -> None:
        warn_rows(column, pl.Series(list(mask), dtype=pl.Boolean), source, what, note)

    warn_where(
        (parsed is not None and bool(parsed) for parsed in written),
        "hold a list written as text",
        "It is read as that list.",
    )
    warn_where(
        (
            (isinstance(value, str) and parsed == []) or _has_null_marker(parsed, separator)
            for value, parsed in zip(values, plain, strict=True)
        ),
        "say in words that there is no keyword",
        "Such words are left out.",
    )
    if separator == "|":
        warn_where(
            (isinstance(value, str) and "|" not in value and "," in value for value in plain),
            "have commas and no bar, where the column separates by bars",
            "Each is one keyword; name another separator under `separators`, such as keywords: ',', if it is not.",
        )
    return keywords


def choose_separator(texts: Sequence[str], separator: str | None = None) -> str:
    """One separator for a whole column.

    The given one, else | if any text has one, else ; if some have one and none a comma, else the comma.
    """
    if separator is not None:
        if not isinstance(separator, str) or not separator:
            raise DataError(f"the separator of keywords is {separator!r}; give a text, such as | or ,")
        return separator
    plain = [strip_markup(text) for text in texts]
    if any("|" in text for text in plain):
        return "|"
    return ";" if any(";" in text for text in plain) and not any("," in text for text in plain) else ","


def clean_keywords(value: str | Iterable[str | None] | None, separator: str | None = None) -> tuple[str, ...]:
    """Keywords as clean, distinct, non-empty lines in their order; words that say that there is none are left out.

    One text is cut at every separator, by default at every | if it has one, else at every comma (`choose_separator`).
    """
    if isinstance(value, str):
        listed = parse_list(value)
        value = strip_markup(value).split(separator or choose_separator([value])) if listed is None else listed
    lines = (clean_line(entry, KEYWORD_LIMIT) for entry in value or ())
    return tuple(dict.fromkeys(line for line in lines if line and line.casefold() not in NO_KEYWORD))


def parse_list(text: str) -> list[str] | None:
    """The strings of a list that was written as text, by Python, NumPy or JSON; None where it is no such text.

    >>> parse_list("['Drama', 'Sci-Fi']"), parse_list('[{"id": 18, "name": "Drama"}]'), parse_list("['a' 'b']")
    (['Drama', 'Sci-Fi'], ['Drama'], ['a', 'b'])
    >>> parse_list("[rec]")
    """
    text = text.strip()
    if len(text) < 2 or (text[0], text[-1]) not in (("[", "]"), ("{", "}"), ("(", ")")):
        return None
    inside = text[1:-1]
    if not inside.strip():
        return []
    if not _QUOTED.sub("", inside).strip(" ,\n\r\t"):
        # Strings alone: not `literal_eval`, which would join those that NumPy prints without commas.
        return [
            ast.literal_eval(match[0]) if _is_string_literal(match[0]) else match[0][1:-1]
            for match in _QUOTED.finditer(inside)
        ]
    for read in (json.loads, ast.literal_eval):
        try:
            return list(_flatten_strings(read(text)))
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
    if "," in inside and not set(inside) & set("[]{}()'\""):
        return [entry.strip() for entry in inside.split(",")]
    return None


def _is_string_literal(quoted: str) -> bool:
    try:
        return isinstance(ast.literal_eval(quoted), str)
    except (ValueError, SyntaxError):
        return False


def _flatten_strings(value: Any) -> Iterable[str]:
    """The strings in nested lists; of a mapping its `name` or `title`. Raises TypeError on anything else."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple | set):
        for entry in value:
            yield from _flatten_strings(entry)
    elif isinstance(value, dict):
        name = next((value[key] for key in ("name", "title", "label") if isinstance(value.get(key), str)), None)
        if name is None:
            raise TypeError
        yield name
    elif value is not None and value == value:
        raise TypeError


def _has_null_marker(value: Any, separator: str) -> bool:
    entries = value.split(separator) if isinstance(value, str) else value or ()
    return any(isinstance(entry, str) and entry.strip().casefold() in NO_KEYWORD for entry in entries)
