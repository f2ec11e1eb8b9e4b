"""Which tables the paths mean that somebody hands to `thinkrec check`: files, folders, patterns, archives."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from thinkrec.data.archives import is_archive, list_members
from thinkrec.data.damage import DAMAGED
from thinkrec.data.file_bytes import open_bytes
from thinkrec.data.json_lines import JSON_KINDS
from thinkrec.data.table_files import get_kind

MOST_FILES = 60
"""Files of a folder that are looked at one by one; more are parts of one table."""
_ENDINGS = """\
.txt .md .rst .html .pdf .py .ipynb .sh .pl .yaml .yml .toml .log .info .jpg .png .svg .zip
"""
_NO_TABLES = frozenset(("", *_ENDINGS.split()))
"""How the names of files end that are no tables; some have no ending at all."""


@dataclass(frozen=True)
class TablePaths:
    """Paths, each of one table."""

    paths: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    """A sentence for each folder or archive in which there are several tables, or files that are none."""
    hinted: frozenset[Path] = frozenset()
    """Those that nobody named: what cannot be read of them is no table."""


def expand_paths(paths: Sequence[Path]) -> TablePaths:
    """Every path as it is, but for folders with different tables and archives, which stand for the tables in them."""
    expanded: list[Path] = []
    notes, hinted = [], set[Path]()
    for path in paths:
        files = _list_inside(path)
        tables = [file for file in files if file.suffix.lower() not in _NO_TABLES]
        if not tables or (path.is_dir() and (len(tables) > MOST_FILES or _is_one_table(tables))):
            expanded.append(path)
            continue
        others = [file.name for file in files if file not in tables]
        left = f"; left alone: {', '.join(others[:6])}" if others else ""
        notes.append(f"{path}: tables in it: {', '.join(file.name for file in tables)}{left}.")
        expanded += tables
        hinted |= set(tables)
    return TablePaths(tuple(expanded), tuple(notes), frozenset(hinted))


def _list_inside(path: Path) -> list[Path]:
    if is_archive(path):
        return list_members(path)
    if not path.is_dir():
        return []
    inside = [file for file in path.rglob("*") if file.is_file()]
    return sorted(file for file in inside if not any(p.startswith((".", "_")) for p in file.relative_to(path).parts))


def _is_one_table(files: Sequence[Path]) -> bool:
    """Whether files are the parts of one table: of one kind, and with the same columns."""
    kinds = {get_kind(file) for file in files}
    return len(kinds) == 1 and None not in kinds and len({_describe_columns(file) for file in files}) == 1


def _describe_columns(file: Path) -> object:
    """What two parts of one table have in common: names of columns, keys, or the first line."""
    kind = get_kind(file)
    try:
        if kind == ".parquet":
            return tuple(pl.read_parquet_schema(file))
        with open_bytes(file) as opened:
            line = opened.readline()
        if kind in JSON_KINDS:
            return frozenset(json.loads(line))
    except (*DAMAGED, pl.exceptions.PolarsError, ValueError, TypeError):
        return None
    return line
