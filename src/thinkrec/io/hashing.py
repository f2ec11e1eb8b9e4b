"""Hashes of plain values and of files, by which work is found again."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_CHUNK = 1 << 22


def hash_content(*parts: Any) -> str:
    """SHA-256 (hex) of plain values; equal values give equal hashes on every machine.

    Texts may hold lone surrogates, as careless sources do: they are hashed as they are, so that no two texts meet.
    """
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def hash_json(value: Any) -> str:
    """Short hash of any JSON value."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def hash_file(path: Path) -> str:
    """SHA-256 (hex) of a file's contents; a file that has not changed since it was last asked for is not read again."""
    found = path.stat()
    return _hash_file_contents(str(path.resolve()), found.st_size, found.st_mtime_ns)


@functools.lru_cache(maxsize=4096)
def _hash_file_contents(path: str, size: int, mtime_ns: int) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def hash_files(paths: Iterable[Path]) -> str:
    """Hash (hex, 16) of the names (without folders) and contents of files, in any order."""
    named = sorted((path.name, hash_file(path)) for path in paths)
    return hashlib.sha256(repr(named).encode()).hexdigest()[:16]
