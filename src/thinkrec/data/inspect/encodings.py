"""The encoding of a file of text, guessed from its bytes."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from thinkrec.data.file_bytes import open_bytes

LOOKED_AT = 64 * 2**20
"""Bytes of a file, unpacked, by which its encoding is guessed."""
_MARKS = (
    (codecs.BOM_UTF8, None, "UTF-8 with a mark at its start"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32, by the mark at its start"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16, by the mark at its start"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16, by the mark at its start"),
)


@dataclass(frozen=True)
class EncodingGuess:
    """An encoding, and why."""

    encoding: str | None
    """As `TableFormat.encoding` takes it; None for UTF-8."""
    why: str
    """A phrase; empty where it is plain UTF-8."""


def guess_encoding(path: Path) -> EncodingGuess:
    """UTF-8, UTF-16 or UTF-32, else cp1252 or latin-1, whichever has no undefined byte.

    The last two cannot be told from other encodings of single bytes, such as cp1250; the reason says so.
    """
    with open_bytes(path) as file:
        content = file.read(LOOKED_AT)
    for mark, encoding, why in _MARKS:
        if content.startswith(mark):
            return EncodingGuess(encoding, why)
    if encoding := _find_wide_encoding(content[:4096]):
        return EncodingGuess(encoding, f"{encoding.upper()}, because every second byte is 0")
    try:
        # The last character may be cut where only the beginning is looked at.
        codecs.getincrementaldecoder("utf-8")().decode(content, final=len(content) < LOOKED_AT)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        encoding = "cp1252" if _is_cp1252(content) else "latin-1"
        text = content[max(0, error.start - 10) : error.start + 10].decode(encoding, "replace").strip()
        return EncodingGuess(
            encoding,
            f"{encoding}, because line {line} is not UTF-8 ({text!r}); if letters look wrong, name another one",
        )
    return EncodingGuess(None, "")


def _find_wide_encoding(begin: bytes) -> str | None:
    """UTF-16 without a mark: Latin letters have a zero byte each, always on the same side."""
    if len(begin) < 8:
        return None
    even, odd = begin[::2].count(0), begin[1::2].count(0)
    half = len(begin) // 2
    if odd > 0.4 * half and not even:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 * half and not odd else None


def _is_cp1252(content: bytes) -> bool:
    """Whether there are bytes that are letters or quotes in cp1252 and control characters in Latin-1."""
    high = {byte for byte in set(content) if 0x80 <= byte <= 0x9F}
    return bool(high) and not high & {0x81, 0x8D, 0x8F, 0x90, 0x9D}
