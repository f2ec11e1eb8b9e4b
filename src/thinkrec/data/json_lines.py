"""JSON lines: one object a line, read so that no line is lost; and files with one list of objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from thinkrec.data.damage import DAMAGED, FileFormatError, make_damage_error, make_format_error
from thinkrec.data.delimited_records import report_dropped_lines
from thinkrec.data.file_bytes import check_kind_of_file, describe_encoding_error, open_bytes
from thinkrec.data.frames import build_frame_from_rows
from thinkrec.data.messages import emit_warning, format_value
from thinkrec.data.row_trace import note_lines
from thinkrec.data.table_format import OnError
from thinkrec.io.counts import format_count

JSON_KINDS = (".jsonl", ".ndjson", ".json")


def read_jsonl(path: Path, encoding: str | None = None, *, on_error: OnError = "raise") -> pl.DataFrame:
    """Columns in the order in which their names come up, with the types of their values.

    Lines end at LF alone (CR before it is white space), so that U+2028 inside a text is text. A .json file may hold one
    list of objects instead. Raises DataError naming line, column and text; under `on_error="drop"` such lines are left
    out and counted. A key that a line lacks is null there, and one warning counts such lines; empty lines are left out
    and, but for those at the end, counted.
    """
    kind = next((suffix.lower()[1:] for suffix in path.suffixes[::-1] if suffix.lower() in JSON_KINDS), "jsonl")
    dropped: list[tuple[int, str]] | None = [] if on_error == "drop" else None
    try:
        check_kind_of_file(path, kind, encoding)
        if kind == "json" and (rows := _read_list(path, encoding)) is not None:
            return build_frame_from_rows(rows, str(path))
        rows, lines, empty = _read_objects(path, kind, encoding, dropped)
    except UnicodeError as error:
        raise make_format_error(path, kind, describe_encoding_error(path, encoding)) from error
    except DAMAGED as error:
        raise make_damage_error(path, kind, error) from error
    report_dropped_lines(path, dropped or [])
    if not rows:
        raise make_format_error(path, kind, "the file is empty. It needs one JSON object a line.")
    middle = [number for number in empty if number < lines[-1]]
    if middle:
        count = format_count(len(middle), "empty line is", "empty lines are")
        emit_warning(f"{path}: {count} left out (the first: line {middle[0]}).")
    _warn_missing_keys(rows, lines, path)
    note_lines(str(path), lines, len(rows))
    return build_frame_from_rows(rows, str(path), lines)


def _read_objects(
    path: Path, kind: str, encoding: str | None, dropped: list[tuple[int, str]] | None
) -> tuple[list[dict[str, Any]], list[int], list[int]]:
    """Objects, their lines, and the empty lines; wrong lines go to `dropped`, without which they are errors."""
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    empty: list[int] = []
    for number, raw in enumerate(_iterate_lines(path, encoding), 1):
        try:
            text = raw if isinstance(raw, str) else raw.decode(encoding or ("utf-8-sig" if number == 1 else "utf-8"))
            if not text.strip():
                empty.append(number)
                continue
            rows.append(_parse_object(text, number, path, kind))
            lines.append(number)
        except UnicodeDecodeError:
            if dropped is None:
                raise
            dropped.append((number, f"line {number} is not {encoding or 'UTF-8'}"))
        except FileFormatError as error:
            if dropped is None:
                raise
            dropped.append((number, str(error).partition(f"as {kind}: ")[2].partition(". ")[0].rstrip(".")))
    return rows, lines, empty


def _iterate_lines(path: Path, encoding: str | None) -> Iterator[bytes | str]:
    """Lines as bytes, which are decoded one by one; as text where an encoding has no single byte for a line end."""
    with open_bytes(path) as file:
        if encoding is None or not encoding.lower().startswith(("utf-16", "utf_16", "utf-32", "utf_32")):
            yield from file
        else:
            yield from file.read().decode(encoding).split("\n")


def _read_list(path: Path, encoding: str | None) -> list[dict[str, Any]] | None:
    """The objects of a file that is one list; None where it is none."""
    with open_bytes(path) as file:
        content = file.read().decode(encoding or "utf-8-sig")
    if not content.lstrip().startswith("["):
        return None
    try:
        values = json.loads(content, object_pairs_hook=_build_object)
    except _DuplicateKeyError as error:
        raise make_format_error(path, "json", f"an object has the key {error.args[0]!r} twice. Keep one.") from None
    except (ValueError, RecursionError) as error:
        raise make_format_error(path, "json", f"it begins as a list, but is no JSON ({error}). Correct it.") from error
    wrong = next((number for number, value in enumerate(values, 1) if not isinstance(value, dict)), None)
    if wrong is not None or not values:
        what = f"entry {wrong} of the list is no object ({format_value(values[wrong - 1])})" if wrong else "it is empty"
        raise make_format_error(path, "json", f"{what}. Give a list of objects, one per row.")
    return values


def _parse_object(text: str, number: int, path: Path, kind: str) -> dict[str, Any]:
    try:
        value = json.loads(text, object_pairs_hook=_build_object)
    except _DuplicateKeyError as error:
        raise make_format_error(path, kind, f"line {number} has the key {error.args[0]!r} twice. Keep one.") from None
    except ValueError as error:
        raise make_format_error(path, kind, _describe_json_error(text, number, error)) from error
    except RecursionError as error:
        raise make_format_error(path, kind, f"line {number} is nested too deeply. Give flat objects.") from error
    if not isinstance(value, dict):
        remedy = (
            "Write one object a line, without brackets around all of them."
            if isinstance(value, list)
            else ('Write an object, such as {"item_id": 1, "title": "Oak"}.')
        )
        raise make_format_error(path, kind, f"line {number} is no object ({format_value(value)}). {remedy}")
    return value


class _DuplicateKeyError(Exception):
    """A key that an object has twice."""


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        names = [name for name, _ in pairs]
        raise _DuplicateKeyError(next(name for name in names if names.count(name) > 1))
    return mapping


def _describe_json_error(text: str, number: int, error: ValueError) -> str:
    bare = text.strip()
    if number == 1 and bare in ("{", "[", "[{"):
        return f"line 1 is only {bare!r}: the objects stand over several lines. Write each on one line."
    if bare.startswith(("{'", "{u'", '{u"')) or "': " in bare.split('"', 1)[0]:
        return (
            f"line {number} is written as Python prints it, names in single quotes ({format_value(bare)}), which is "
            "not JSON. Write it with json.dumps, one object a line."
        )
    position = getattr(error, "pos", 0)
    excerpt = format_value(text[max(0, position - 15) : position + 20].strip())
    end = "" if text.endswith("\n") else " The file ends here without a line end: was it cut off?"
    return f"line {number}, character {position + 1} is not JSON ({excerpt}). Correct or remove the line.{end}"


def _warn_missing_keys(rows: list[dict[str, Any]], lines: list[int], path: Path) -> None:
    names = dict.fromkeys(name for row in rows for name in row)
    short_rows = [(row, line) for row, line in zip(rows, lines, strict=True) if len(row) < len(names)]
    missing = []
    for name in names:
        lacking = [line for row, line in short_rows if name not in row]
        if lacking:
            missing.append(f"'{name}' in {len(lacking)} (the first: line {lacking[0]})")
    if missing:
        keys = ", ".join(missing[:5]) + (
            f" and {format_count(len(missing) - 5, 'more key')}" if len(missing) > 5 else ""
        )
        emit_warning(
            f"{path}: not every one of {format_count(len(rows), 'line')} has every key: missing are {keys}; they count "
            "as empty."
        )
