"""The bytes of table files, unpacked; what is wrong with a file as such, in one sentence."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO, cast

from thinkrec.data.archives import open_member, split_member
from thinkrec.data.csv_quotes import format_excerpt
from thinkrec.errors import DataError

PACKED = (".gz", ".zst", ".bz2", ".xz")
"""How the names of compressed files end; they are unpacked while they are read."""
_MAGIC = {
    b"\x1f\x8b": "compressed by gzip; let its name end with .gz",
    b"\x28\xb5\x2f\xfd": "compressed by zstd; let its name end with .zst",
    b"BZh": "compressed by bzip2; let its name end with .bz2",
    b"\xfd7zXZ": "compressed by xz; let its name end with .xz",
    b"PK\x03\x04": "a zip archive or an Excel file; let its name end with .zip, or save it as CSV",
    b"PAR1": "a Parquet file; let its name end with .parquet",
}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""What reading a file that is damaged, or was cut short, raises."""


class FileFormatError(DataError):
    """A file cannot be read as the kind its name says; the message begins with the path."""


def make_format_error(path: Path, kind: str, why: str) -> FileFormatError:
    """The error for a file that cannot be read, with what is wrong and where."""
    return FileFormatError(f"{path}: cannot be read as {kind}: {why}")


def make_damage_error(path: Path, kind: str) -> FileFormatError:
    """The error for a file whose bytes end too soon or cannot be unpacked."""
    return make_format_error(path, kind, "the file is damaged or was not written in full. Write it again.")


def check_kind_of_file(path: Path, kind: str, encoding: str | None = None) -> None:
    """Raise DataError where the first bytes are those of another kind of file, or of another encoding."""
    with open_bytes(path) as file:
        begin = file.read(5)
    for magic, what in _MAGIC.items():
        if begin.startswith(magic):
            raise make_format_error(path, kind, f"it is {what}.")
    if begin.startswith(_UTF16) and not (encoding or "").lower().replace("_", "-").startswith(("utf-16", "utf-32")):
        raise make_format_error(path, kind, "it is in UTF-16; save it as UTF-8, or say `encoding: utf-16`.")


def open_bytes(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked where its name ends with .gz, .zst, .bz2 or .xz, also in a zip archive."""
    ending = path.suffix.lower()
    if (parts := split_member(path)) is not None:
        return _open_packed_member(open_member(*parts), ending)
    if ending == ".zst":
        import pyarrow as pa

        # PyArrow's stream has no readline of its own.
        return io.BufferedReader(cast(io.RawIOBase, pa.input_stream(str(path), compression="zstd")))
    opener = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}.get(ending)
    return path.open("rb") if opener is None else cast(BinaryIO, opener(path, "rb"))


def _open_packed_member(file: BinaryIO, ending: str) -> BinaryIO:
    """A member of an archive, unpacked once more where its own name says so."""
    opener = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}.get(ending)
    return file if opener is None else cast(BinaryIO, opener(file, "rb"))


def strip_packing(name: str) -> str:
    """A file's name without the ending of its compression."""
    return name[: -len(Path(name).suffix)] if Path(name).suffix.lower() in PACKED else name


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
