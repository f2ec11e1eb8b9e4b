"""Every hash of the package: of plain values, bytes, texts and files, by which work is found again."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

_CHUNK = 1 << 22


def hash_content(*parts: Any) -> str:
    """SHA-256 (hex) of plain values; equal values give equal hashes on every machine.

    Texts may hold lone surrogates, as careless sources do: they are hashed as they are, so that no two texts meet.
    """
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hash_bytes([text.encode("utf-8", "surrogatepass")])


def hash_json(value: Any) -> str:
    """Short hash (hex, 16) of any JSON value."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hash_bytes([text.encode("utf-8", "surrogatepass")])[:16]


def hash_bytes(chunks: Iterable[bytes | memoryview]) -> str:
    """SHA-256 (hex) of chunks of bytes, one behind the other; only one of them has to be in memory at a time."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def digest_bytes(chunks: Iterable[bytes]) -> bytes:
    """BLAKE2b (16 bytes) of chunks, one behind the other: faster than SHA-256, for keys that live in memory alone."""
    digest = hashlib.blake2b(digest_size=16)
    for chunk in chunks:
        digest.update(chunk)
    return digest.digest()


def hash_text_to_number(text: str, algorithm: Literal["sha256", "blake2b"] = "sha256") -> int:
    """A number from 0 to 2**64 - 1 by chance, equal for equal texts on every machine.

    Two algorithms, because what was drawn by either stays as it was drawn.
    """
    content = text.encode("utf-8", "surrogatepass")
    if algorithm == "sha256":
        return int.from_bytes(hashlib.sha256(content).digest()[:8], "little")
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


def hash_file(path: Path) -> str:
    """SHA-256 (hex) of a file's contents; a file that has not changed since it was last asked for is not read again."""
    status = path.stat()
    return _hash_file_contents(str(path.resolve()), status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=4096)
def _hash_file_contents(path: str, size: int, mtime_ns: int) -> str:
    with open(path, "rb") as file:
        return hash_bytes(iter(lambda: file.read(_CHUNK), b""))


def hash_files(paths: Iterable[Path]) -> str:
    """Hash (hex, 16) of the names (without folders) and contents of files, in any order."""
    named = sorted((path.name, hash_file(path)) for path in paths)
    return hash_bytes([repr(named).encode()])[:16]


def compute_checksum(path: Path, algorithm: Literal["md5", "sha256"]) -> str:
    """Checksum (hex) of a file's contents, as publishers give it beside a download; MD5 tells damage, not intent."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()
