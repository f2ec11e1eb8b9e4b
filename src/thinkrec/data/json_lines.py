"""JSON lines: one object a line, read so that no line is lost."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import polars as pl

from thinkrec.data.delimited import check_kind_of_file, describe_utf8_error, make_format_error, open_bytes
from thinkrec.data.frames import build_frame_from_rows
from thinkrec.data.messages import emit_warning, format_value


def read_jsonl(path: Path) -> pl.DataFrame:
    """Columns in the order in which their names come up, with the types of their values.

    Lines end at LF alone (CR before it is white space), so that U+2028 inside a text is text. Raises DataError naming
    line, column and text. A key that a line lacks is null there, and one warning counts such lines; empty lines are
    left out and, but for those at the end, counted.
    """
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    empty: list[int] = []
    try:
        check_kind_of_file(path, "jsonl")
        with open_bytes(path) as file:
            for number, raw in enumerate(file, 1):
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                if not text.strip():
                    empty.append(number)
                    continue
                rows.append(_parse_object(text, number, path))
                lines.append(number)
    except UnicodeDecodeError as error:
        raise make_format_error(path, "jsonl", describe_utf8_error(path)) from error
    except (OSError, EOFError, zlib.error) as error:
        raise make_format_error(
            path, "jsonl", "the file is damaged or was not written in full. Write it again."
        ) from error
    if not rows:
        raise make_format_error(path, "jsonl", "the file is empty. It needs one JSON object a line.")
    middle = [number for number in empty if number < lines[-1]]
    if middle:
        emit_warning(f"{path}: {len(middle)} empty lines are left out (the first: line {middle[0]}).")
    _warn_missing_keys(rows, lines, path)
    return build_frame_from_rows(rows, str(path), lines)


def _parse_object(text: str, number: int, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(text, object_pairs_hook=_build_object)
    except _DuplicateKeyError as error:
        raise make_format_error(
            path, "jsonl", f"line {number} has the key {error.args[0]!r} twice. Keep one."
        ) from None
    except ValueError as error:
        raise make_format_error(path, "jsonl", _describe_json_error(text, number, error)) from error
    except RecursionError as error:
        raise make_format_error(path, "jsonl", f"line {number} is nested too deeply. Give flat objects.") from error
    if not isinstance(value, dict):
        remedy = (
            "Write one object a line, without brackets around all of them."
            if isinstance(value, list)
            else ('Write an object, such as {"item_id": 1, "title": "Oak"}.')
        )
        raise make_format_error(path, "jsonl", f"line {number} is no object ({format_value(value)}). {remedy}")
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
        keys = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more keys" if len(missing) > 5 else "")
        emit_warning(
            f"{path}: not every one of {len(rows)} lines has every key: missing are {keys}; they count as empty."
        )
