"""Zip archives as they are downloaded: `ml-latest-small.zip` is a folder of tables, and one of them is named behind it.

The path of a member reads ARCHIVE.zip/MEMBER, as if the archive were unpacked where it lies.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import BinaryIO, cast

from thinkrec.errors import DataError


def is_archive(path: Path) -> bool:
    """Whether a path is a zip archive that is there."""
    return path.suffix.lower() == ".zip" and path.is_file()


def split_member(path: Path) -> tuple[Path, str] | None:
    """The archive and the member that a path means; None where it goes through no archive."""
    for parent in path.parents:
        if is_archive(parent):
            return parent, path.relative_to(parent).as_posix()
    return None


def is_member(path: Path) -> bool:
    """Whether a path means a member that an archive has."""
    parts = split_member(path)
    return parts is not None and parts[1] in _list_names(parts[0])


def list_members(archive: Path) -> list[Path]:
    """The files in an archive, by name, as paths through it; no folders, and nothing that systems leave there.

    Raises DataError where it is damaged.
    """
    names = [name for name in _list_names(archive) if not name.endswith("/") and not name.startswith("/")]
    hidden = ("__MACOSX", ".")
    return [archive / name for name in sorted(names) if not any(part.startswith(hidden) for part in name.split("/"))]


def open_member(archive: Path, member: str) -> BinaryIO:
    """The bytes of a member. Raises DataError where the archive has none of this name, or it needs a password."""
    names = _list_names(archive)
    if member not in names:
        shown = ", ".join(path.relative_to(archive).as_posix() for path in list_members(archive)[:8])
        raise DataError(f"{archive}: there is no {member} in it (it has {shown}). Name one of these.")
    try:
        return cast(BinaryIO, zipfile.ZipFile(archive).open(member))
    except RuntimeError as error:
        raise DataError(f"{archive}: {member} cannot be opened ({error}). Unpack it.") from error


def _list_names(archive: Path) -> list[str]:
    with _open_archive(archive) as opened:
        return opened.namelist()


def _open_archive(archive: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(archive)
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{archive}: the archive is damaged or was not written in full. Download it again.") from error
