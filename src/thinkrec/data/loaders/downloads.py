"""Files from the net: interrupted downloads go on where they stopped, and nothing is taken for whole that is not."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from thinkrec.errors import DataError
from thinkrec.io.files import write_json
from thinkrec.io.progress import Progress
from thinkrec.io.version import read_version

TRIES = 5
"""Connections that are opened for one file before a command ends; what has come stays for the next one."""
TIMEOUT = 60.0
"""Seconds without a byte after which a connection counts as cut."""
_CHUNK = 1 << 18
_RETRIED = (408, 425, 429, 500, 502, 503, 504)
_MOST_TEXT = 1 << 16


class _CutError(Exception):
    """The connection ended before the file did."""


@dataclass(frozen=True)
class _Begun:
    """The part of a file that has come, and what it is a part of."""

    part: Path
    state: Path
    """What the server said of the whole file: by it a part is known to be of the same file."""

    @classmethod
    def from_target(cls, path: Path) -> _Begun:
        return cls(path.with_name(f"{path.name}.part"), path.with_name(f"{path.name}.part.json"))

    def read_state(self, address: str) -> dict[str, Any]:
        """What the server said; empty where nothing has come, or it was of another address."""
        if not self.part.is_file():
            return {}
        try:
            state = json.loads(self.state.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) and state.get("address") == address else {}

    def get_size(self) -> int:
        """Bytes that have come."""
        return self.part.stat().st_size if self.part.is_file() else 0

    def discard(self) -> None:
        """Begin anew."""
        self.part.unlink(missing_ok=True)
        self.state.unlink(missing_ok=True)


def download_file(address: str, path: Path, *, progress: bool = False, pause: float = 1.0) -> int:
    """Write what is at an address to `path`, and return its bytes; a part from earlier is completed.

    A part (`NAME.part`) is completed only where the server says that it still has the same file (ETag or date, RFC
    9110, `If-Range`), or, where it says neither, that it has as many bytes; else the file is loaded from its beginning.

    Args:
        address: http or https.
        path: the file; its folder is made if needed.
        progress: whether a bar is drawn.
        pause: seconds before a cut connection is opened again; twice as many each time.

    Raises:
        DataError: where the server cannot be reached or refuses, where the connection is cut `TRIES` times in a row,
            and where the disk has no room. The same call goes on with the part that came.
    """
    if urlsplit(address).scheme not in ("http", "https"):
        raise DataError(f"{address}: only http and https addresses are downloaded; fetch it by other means.")
    path.parent.mkdir(parents=True, exist_ok=True)
    begun, failures, reason = _Begun.from_target(path), 0, ""
    while failures < TRIES:
        size = begun.get_size()
        try:
            _download_rest(address, begun, progress)
            break
        except _CutError as error:
            reason = str(error)
            failures = 1 if begun.get_size() > size else failures + 1
            time.sleep(pause * 2 ** (failures - 1))
    else:
        raise DataError(
            f"{address}: the connection was cut {TRIES} times ({reason}); {begun.get_size():,} bytes have come, and "
            "the same command goes on behind them."
        )
    begun.part.rename(path)
    begun.state.unlink(missing_ok=True)
    return path.stat().st_size


def download_text(address: str) -> str:
    """The text at an address, such as a checksum. Raises DataError where there is none, or more than 64 kB."""
    try:
        with urlopen(Request(address, headers=_build_headers()), timeout=TIMEOUT) as response:
            content = response.read(_MOST_TEXT + 1)
    except (OSError, HTTPException) as error:
        raise _explain_failure(address, error) from error
    if len(content) > _MOST_TEXT:
        raise DataError(f"{address}: more than {_MOST_TEXT:,} bytes, which is no checksum.")
    return content.decode("utf-8", "replace")


def _download_rest(address: str, begun: _Begun, progress: bool) -> None:
    """One connection: everything from where the part ends. Raises _CutError where it ends too early."""
    state = begun.read_state(address)
    start = begun.get_size() if state else 0
    try:
        response = urlopen(Request(address, headers=_build_headers(start, state)), timeout=TIMEOUT)
    except HTTPError as error:
        if error.code == 416 and start and _parse_total(error.headers) == start:
            return  # all of it had come before
        if error.code == 416 and start:
            begun.discard()
            raise _CutError("the file has changed") from error
        if error.code in _RETRIED:
            raise _CutError(f"status {error.code}") from error
        raise _explain_failure(address, error) from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ConnectionResetError | TimeoutError):
            raise _CutError(str(reason)) from error
        raise _explain_failure(address, error, path=begun.part.with_suffix("")) from error
    with response:
        start = _find_start(response.status, response.headers, start, state, begun)
        length = response.headers.get("Content-Length")
        total = None if length is None else start + int(length)
        _check_room(begun.part.parent, int(length or 0))
        names = {name: response.headers.get(name) for name in ("ETag", "Last-Modified")}
        write_json(begun.state, {"address": address, "total": total, **names})
        _copy_body(response, begun.part, start, total, progress)


def _find_start(status: int, headers: Message, start: int, state: Mapping[str, Any], begun: _Begun) -> int:
    """Where the bytes of this answer begin in the file: behind the part, or at its beginning."""
    if status != 206:
        return 0
    match = re.match(r"bytes (\d+)-", headers.get("Content-Range") or "")
    has_name = state.get("ETag") or state.get("Last-Modified")
    is_same = has_name or _parse_total(headers) == state.get("total")
    if match is None or int(match[1]) != start or not is_same:
        begun.discard()
        raise _CutError("the server has another file now")
    return start


def _copy_body(response: IO[bytes], part: Path, start: int, total: int | None, progress: bool) -> None:
    """Write the bytes of an answer from place `start` of the part on."""
    with (
        part.open("r+b" if start else "wb") as file,
        Progress(f"downloading {part.stem}", total or start, shown=progress, unit="bytes") as bar,
    ):
        file.seek(start)
        bar.skip(start)
        size = start
        try:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                size += len(chunk)
                bar.advance(len(chunk))
        except (OSError, HTTPException) as error:
            if isinstance(error, OSError) and error.filename is not None:
                raise  # the disk's, not the net's
            raise _CutError(f"{type(error).__name__} after {size:,} bytes") from error
        if total is not None and size < total:
            raise _CutError(f"{size:,} of {total:,} bytes")
        file.truncate()


def _build_headers(start: int = 0, state: Mapping[str, Any] | None = None) -> dict[str, str]:
    headers = {"User-Agent": f"thinkrec/{read_version()}", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        tag, date = (state or {}).get("ETag"), (state or {}).get("Last-Modified")
        # A weak tag names contents that mean the same, not the same bytes.
        name = tag if tag and not tag.startswith("W/") else date
        if name:
            headers["If-Range"] = name
    return headers


def _parse_total(headers: Message) -> int | None:
    match = re.search(r"/(\d+)$", headers.get("Content-Range") or "")
    return int(match[1]) if match else None


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(f"{folder}: {needed:,} bytes are to come, and {free:,} are free. Make room, or choose another.")


def _explain_failure(address: str, error: Exception, path: Path | None = None) -> DataError:
    """`path`: where the file would go."""
    if isinstance(error, HTTPError):
        return DataError(
            f"{address}: the server refuses it (status {error.code}, {error.reason}). It may have moved: see the "
            "publisher's page."
        )
    reason = error.reason if isinstance(error, URLError) else error
    if "CERTIFICATE_VERIFY_FAILED" in str(reason):
        return DataError(
            f"{address}: its certificate cannot be verified ({reason}). Correct this machine's clock and certificates, "
            "or wait until the publisher has renewed it; nothing is downloaded over a connection that is not sure."
        )
    host = urlsplit(address).hostname
    remedy = "" if path is None else f"; load the file elsewhere and lay it at {path}, and the same command takes it"
    return DataError(f"{address}: {host} cannot be reached ({reason}). There seems to be no network here{remedy}.")
