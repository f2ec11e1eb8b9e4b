"""Zip archives as they are downloaded: a member read where it lies, or all of them unpacked.

The path of a member reads ARCHIVE.zip/MEMBER, as if the archive were unpacked where it lies. Archives come from
strangers: no entry is written outside the folder, and nothing of one's own is lost.
"""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO, cast

from thinkrec.data.damage import DAMAGED, make_damage_error
from thinkrec.errors import DataError
from thinkrec.io.files import write_atomically
from thinkrec.io.progress import Progress

_CHUNK = 1 << 20
_IGNORED = ("__MACOSX", ".")
"""How the names of folders and files begin that systems leave in archives, without data."""


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
    return [archive / name for name in sorted(names) if not any(part.startswith(_IGNORED) for part in name.split("/"))]


def open_member(archive: Path, member: str) -> BinaryIO:
    """The bytes of a member. Raises DataError where the archive has none of this name, or it cannot be opened.

    Reading it to its end raises one of `damage.DAMAGED` where it is damaged inside.
    """
    names = _list_names(archive)
    if member not in names:
        shown = ", ".join(path.relative_to(archive).as_posix() for path in list_members(archive)[:8])
        raise DataError(f"{archive}: there is no {member} in it (it has {shown}). Name one of these.")
    with _name_damage(archive):
        try:
            return cast(BinaryIO, zipfile.ZipFile(archive).open(member))
        except RuntimeError as error:
            raise DataError(f"{archive}: {member} cannot be opened ({error}). Unpack it.") from error


def unpack_zip(archive: Path, folder: Path, *, progress: bool = False) -> list[Path]:
    """Write the files of a zip archive into a folder, and return their paths, sorted.

    Where all of them stand in one folder of the archive, its contents are written into `folder` itself. A file that is
    there already with the same contents stays.

    Raises DataError, before anything is written, for an archive that is damaged or locked, for an entry that is a link
    or whose name leads out of the folder, for a file of other contents that is there already, and for too little room.
    """
    with _name_damage(archive), zipfile.ZipFile(archive) as opened:
        entries = [entry for entry in opened.infolist() if not entry.is_dir()]
        names = {entry.filename: _check_entry(entry, archive) for entry in entries}
        entries = [entry for entry in entries if names[entry.filename].parts[0] != _IGNORED[0]]
        targets = _choose_targets([names[entry.filename] for entry in entries], archive)
        pairs = [(entry, folder / target) for entry, target in zip(entries, targets, strict=True)]
        left = [(entry, path) for entry, path in pairs if not _is_there(entry, path)]
        _check_room(left, folder)
        with Progress(f"unpacking {archive.name}", len(left), shown=progress, unit="files") as bar:
            for entry, path in left:
                _write_entry(opened, entry, path)
                bar.advance(1)
    return sorted(path for _, path in pairs)


def _check_entry(entry: zipfile.ZipInfo, archive: Path) -> PurePosixPath:
    """The entry's name as a path inside the folder. Raises DataError for one that is not to be trusted."""
    name = entry.filename.replace("\\", "/")
    path = PurePosixPath(name)
    # An absolute name, a drive, a step upwards: whoever made such an archive wants to write elsewhere.
    is_outside = path.is_absolute() or ".." in path.parts or bool(PureWindowsPath(entry.filename).drive)
    if is_outside or not path.parts or "\0" in name:
        raise DataError(f"{archive}: the entry {entry.filename!r} leads out of the folder; nothing was unpacked.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise DataError(f"{archive}: the entry {entry.filename!r} is a link; nothing was unpacked.")
    if entry.flag_bits & 1:
        raise DataError(f"{archive}: the entry {entry.filename!r} is locked by a password; nothing was unpacked.")
    return path


def _choose_targets(names: list[PurePosixPath], archive: Path) -> list[Path]:
    """Where each entry goes inside the folder; the one folder that holds all of them is left out."""
    if not names:
        raise DataError(f"{archive}: the archive holds no file.")
    tops = {name.parts[0] for name in names}
    is_wrapped = len(tops) == 1 and all(len(name.parts) > 1 for name in names)
    targets = [Path(*name.parts[1:]) if is_wrapped else Path(*name.parts) for name in names]
    if len({str(target).casefold() for target in targets}) < len(targets):
        raise DataError(f"{archive}: two entries have one name; nothing was unpacked.")
    return targets


def _is_there(entry: zipfile.ZipInfo, path: Path) -> bool:
    """Whether the file stands there as the archive has it. Raises DataError where another one does."""
    if not path.exists():
        return False
    if path.is_file() and path.stat().st_size == entry.file_size and _compute_crc(path) == entry.CRC:
        return True
    raise DataError(f"{path} is there already, with other contents; move it away, or unpack into another folder.")


def _compute_crc(path: Path) -> int:
    crc = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            crc = zlib.crc32(chunk, crc)
    return crc


def _check_room(left: list[tuple[zipfile.ZipInfo, Path]], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    needed, free = sum(entry.file_size for entry, _ in left), shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(f"{folder}: unpacked the files have {needed:,} bytes, and {free:,} are free.")


def _write_entry(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> None:
    def write(beside: Path) -> None:
        with opened.open(entry) as source, beside.open("wb") as target:
            shutil.copyfileobj(source, target, _CHUNK)

    write_atomically(path, write, sync=False)


def _list_names(archive: Path) -> list[str]:
    with _name_damage(archive), zipfile.ZipFile(archive) as opened:
        return opened.namelist()


@contextmanager
def _name_damage(archive: Path) -> Iterator[None]:
    """Within it an archive that is damaged, or was cut short, raises DataError with its name and what to do."""
    try:
        yield
    except NotImplementedError as error:
        raise DataError(
            f"{archive}: cannot be unpacked here ({error}). Unpack it by the program that made it."
        ) from error
    except DAMAGED as error:
        # What the system refuses while files are written, such as a full disk, is no damage of the archive.
        if isinstance(error, OSError) and error.errno is not None and error.filename != str(archive):
            raise
        raise make_damage_error(archive, "a zip archive", error) from error
