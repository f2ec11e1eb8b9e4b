"""A published data set brought to a folder: downloaded, verified, unpacked, each said."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast
from urllib.parse import unquote, urlsplit

from thinkrec.data.archives import unpack_zip
from thinkrec.data.loaders.downloads import download_file, download_text
from thinkrec.data.loaders.source import NOT_KNOWN, Source, SourceFile
from thinkrec.data.messages import emit_warning
from thinkrec.errors import DataError
from thinkrec.io.hashing import compute_checksum

Algorithm = Literal["md5", "sha256"]
_MD5 = re.compile(r"\b[0-9a-fA-F]{32}\b")


@dataclass(frozen=True)
class FetchedFile:
    """One file of a source, in its folder."""

    path: Path
    address: str
    bytes: int
    checksum: str
    """"md5:..." or "sha256:..." of what is there."""
    verified_by: str | None
    """Where the checksum that it equals was published; None where none is."""
    unpacked: tuple[Path, ...] = ()
    """The files of an archive."""

    def describe(self) -> str:
        """One sentence: size, checksum, and what it was compared with."""
        known = f"equals the one {self.verified_by}" if self.verified_by else "no published one to compare it with"
        files = f"; {len(self.unpacked)} files unpacked" if self.unpacked else ""
        return f"{self.path}: {self.bytes:,} bytes, {self.checksum} ({known}){files}"


def download_source(source: Source, folder: Path, *, progress: bool = False, pause: float = 1.0) -> list[FetchedFile]:
    """Download the files of a source into a folder, verify them, and unpack archives there.

    Files that are there already are verified and not loaded again. Where the publisher names no checksum, the SHA-256
    of what came is computed, to be written down.

    Raises DataError where the publisher wants its terms agreed to first, as `download_file` and `unpack_zip` do, and
    where a checksum differs: a file that was just loaded is removed then.
    """
    if not source.files:
        raise DataError(
            f"{source.name} cannot be downloaded by a program: {source.licence}. Get it at {source.page}, lay the "
            f"files into a folder, and name it: `data: {{kind: source, name: {source.name}, folder: ...}}`."
        )
    fetched = []
    for file in source.files:
        path = folder / name_download(file.address)
        is_new = not path.exists()
        if is_new:
            download_file(file.address, path, progress=progress, pause=pause)
        expected, origin = _find_checksum(file)
        checksum = _verify_file(path, expected, is_new=is_new)
        unpacked = unpack_zip(path, folder, progress=progress) if path.suffix == ".zip" else []
        fetched.append(FetchedFile(path, file.address, path.stat().st_size, checksum, origin, tuple(unpacked)))
    return fetched


def name_download(address: str) -> str:
    """The name of the file at an address.

    >>> name_download("https://example.org/data/ml-1m.zip?v=2")
    'ml-1m.zip'
    """
    return unquote(urlsplit(address).path).rpartition("/")[2]


def parse_md5(text: str) -> str | None:
    """The MD5 in the text of a publisher's checksum file; None where there is none, or several that differ.

    >>> parse_md5("MD5 (a.zip) = 0E33842E24A9C977BE4E0107933C0723")
    '0e33842e24a9c977be4e0107933c0723'
    """
    sums = {match.lower() for match in _MD5.findall(text)}
    return sums.pop() if len(sums) == 1 else None


def _find_checksum(file: SourceFile) -> tuple[str | None, str | None]:
    """The published checksum, from the registry or read where the publisher keeps it, and where it comes from."""
    if file.checksum != NOT_KNOWN:
        return file.checksum, "that its publisher names"
    if file.checksum_address is None:
        return None, None
    try:
        md5 = parse_md5(download_text(file.checksum_address))
    except DataError as error:
        emit_warning(f"the published checksum was not read, so that nothing is compared with it: {error}")
        return None, None
    if md5 is None:
        emit_warning(f"{file.checksum_address}: no MD5 stands there, so that nothing is compared with one.")
        return None, None
    return f"md5:{md5}", f"at {file.checksum_address}"


def _verify_file(path: Path, expected: str | None, *, is_new: bool) -> str:
    """The checksum of a file, the published one's kind. Raises DataError where it differs."""
    algorithm = "sha256" if expected is None else expected.partition(":")[0]
    checksum = f"{algorithm}:{compute_checksum(path, cast(Algorithm, algorithm))}"
    if expected in (None, checksum):
        return checksum
    if is_new:
        path.unlink()
        raise DataError(
            f"{path.name}: what came has {checksum}, and its publisher names {expected}: it is damaged or another "
            "file. It was removed; the same command loads it again."
        )
    raise DataError(
        f"{path} has {checksum}, and its publisher names {expected}: it is damaged or another file. Move it away, and "
        "the same command loads it."
    )
