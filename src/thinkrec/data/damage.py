"""What reading a damaged file raises, and the one sentence that is said of it."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from pathlib import Path

from thinkrec.errors import DataError

DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""What reading a file that is damaged, or was cut short, raises."""
WHY_DAMAGED = "the file is damaged or was not written in full. Download or write it again."


class FileFormatError(DataError):
    """A file cannot be read as the kind its name says; the message begins with the path."""


def make_format_error(path: Path, kind: str, why: str) -> FileFormatError:
    """The error for a file that cannot be read, with what is wrong and where."""
    return FileFormatError(f"{path}: cannot be read as {kind}: {why}")


def make_damage_error(path: Path, kind: str, error: BaseException | None = None) -> FileFormatError:
    """The error for a file whose bytes end too soon or cannot be unpacked; `error`: one of DAMAGED.

    Where the system refuses to open the file, the message says that.
    """
    if isinstance(error, OSError) and error.errno is not None:
        return make_format_error(path, kind, f"it cannot be opened ({error.strerror}). Check its place and its rights.")
    return make_format_error(path, kind, WHY_DAMAGED)
