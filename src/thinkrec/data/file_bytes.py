"""The bytes of table files, unpacked; what is wrong with a file as such, in one sentence."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from pathlib import Path
from typing import BinaryIO, cast

from thinkrec.data.archives import open_member, split_member
from thinkrec.data.csv_quotes import format_excerpt
from thinkrec.data.damage import DAMAGED, make_format_error

_PACKERS = {
    ".gz": ("gzip", b"\x1f\x8b"),
    ".zst": ("zstd", b"\x28\xb5\x2f\xfd"),
    ".bz2": ("bzip2", b"BZh"),
    ".xz": ("xz", b"\xfd7zXZ"),
}
"""How the names of compressed files end: by what, and how their bytes begin."""
PACKED = tuple(_PACKERS)
"""How the names of compressed files end; they are unpacked while they are read."""
_MAGIC = {
    **{
        magic: f"compressed by {packer}; let its name end with {ending}" for ending, (packer, magic) in _PACKERS.items()
    },
    b"PK\x03\x04": "a zip archive or an Excel file; let its name end with .zip, or save it as CSV",
    b"PAR1": "a Parquet file; let its name end with .parquet",
}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_CHUNK = 1 << 20


def check_kind_of_file(path: Path, kind: str, encoding: str | None = None) -> None:
    """Raise DataError where the first bytes are those of another kind of file, or of another encoding."""
    _check_packing(path, kind)
    with open_bytes(path) as file:
        begin = file.read(5)
    for magic, what in _MAGIC.items():
        if begin.startswith(magic):
            raise make_format_error(path, kind, f"it is {what}.")
    if begin.startswith(_UTF16) and not (encoding or "").lower().replace("_", "-").startswith(("utf-16", "utf-32")):
        raise make_format_error(path, kind, "it is in UTF-16; save it as UTF-8, or say `encoding: utf-16`.")


def _check_packing(path: Path, kind: str) -> None:
    """Raise DataError for a file that is not compressed although its name says so."""
    if _is_wrongly_named(path):
        packer = _PACKERS[path.suffix.lower()][0]
        raise make_format_error(path, kind, f"it is not compressed by {packer}, as its name says. Correct the name.")


def _is_wrongly_named(path: Path) -> bool:
    """Whether the name of a file says that it is compressed, and its first bytes that it is not."""
    if path.suffix.lower() not in _PACKERS:
        return False
    magic = _PACKERS[path.suffix.lower()][1]
    with _open_stored(path) as file:
        begin = file.read(len(magic))
    return begin != magic[: len(begin)]


def _open_stored(path: Path) -> BinaryIO:
    """The bytes of a file as they are stored, also in a zip archive."""
    parts = split_member(path)
    return path.open("rb") if parts is None else open_member(*parts)


def open_bytes(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked where its name ends with .gz, .zst, .bz2 or .xz, also in a zip archive."""
    ending, parts = path.suffix.lower(), split_member(path)
    place = path if parts is None else open_member(*parts)
    if ending == ".zst":
        import pyarrow as pa

        source = str(place) if isinstance(place, Path) else pa.PythonFile(place, "r")
        # PyArrow's stream has no readline of its own.
        return io.BufferedReader(cast(io.RawIOBase, pa.input_stream(source, compression="zstd")))
    opener = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}.get(ending)
    if opener is not None:
        return cast(BinaryIO, opener(place, "rb"))
    return place.open("rb") if isinstance(place, Path) else place


def is_damaged(path: Path) -> bool:
    """Whether a compressed file, or a member of an archive, cannot be unpacked to its end as it was packed.

    Of a file that is not packed nothing tells. Whatever else seems wrong with a damaged file follows from the damage.
    """
    if _is_wrongly_named(path) or (path.suffix.lower() not in PACKED and split_member(path) is None):
        return False
    try:
        with open_bytes(path) as file:
            while file.read(_CHUNK):
                pass
    except DAMAGED:
        return True
    return False


def describe_encoding_error(path: Path, encoding: str | None) -> str:
    """A sentence on which line is not in the encoding, with its text."""
    name, bare = encoding or "UTF-8", encoding or "utf-8"
    remedy = "Save the whole file in UTF-8, or name the encoding it is in, such as `encoding: cp1252`."
    if not bare.lower().startswith(("utf-16", "utf_16", "utf-32", "utf_32")):  # their lines do not end with one byte
        with open_bytes(path) as file:
            for number, line in enumerate(file, 1):
                try:
                    line.decode(bare)
                except UnicodeDecodeError as error:
                    text = format_excerpt(line[max(0, error.start - 20) : error.start + 20].decode("latin-1"))
                    return f"line {number} is not {name} ({text}, read as Latin-1). {remedy}"
    return f"it is not {name}. {remedy}"
