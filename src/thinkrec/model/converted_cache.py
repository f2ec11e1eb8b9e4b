"""Copies of models in a form that loads fast, in the user's cache folder, by the contents of what they were made from.

$THINKREC_CACHE/backbones/<key>/, else $XDG_CACHE_HOME/thinkrec/..., else ~/.cache/thinkrec/...
    converted.json     size and SHA-256 of every other file, written last
    ...                what the conversion wrote
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError

from thinkrec.io.files import write_json
from thinkrec.io.hashing import hash_file
from thinkrec.io.progress import LOGGER

VARIABLE = "THINKREC_CACHE"
"""Environment variable that names the cache folder."""
MANIFEST = "converted.json"
LEFTOVER_SECONDS = 3600.0
"""Age from which an unfinished copy belongs to a process that died."""
_WRITE_ERRORS = (OSError, SafetensorError)
"""What a full or protected disk raises; safetensors wraps it."""


class CacheWarning(UserWarning):
    """Something about the cache that costs time and changes no result."""


@dataclass(frozen=True)
class ConvertedCopy:
    """A copy in the cache."""

    folder: Path
    size: int
    """Bytes of its files."""


def find_cache_folder(settings: Mapping[str, str] = os.environ) -> Path:
    """The folder of this package's copies, whether it is there or not."""
    if own := settings.get(VARIABLE):
        return Path(own).expanduser()
    return Path(settings.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "thinkrec"


def find_copies_folder(settings: Mapping[str, str] = os.environ) -> Path:
    """The folder, inside the cache, that has one folder per copy."""
    return find_cache_folder(settings) / "backbones"


def list_converted_copies(settings: Mapping[str, str] = os.environ) -> list[ConvertedCopy]:
    """The finished copies in the cache, by name."""
    manifests = sorted(find_copies_folder(settings).glob(f"[!.]*/{MANIFEST}"))
    return [
        ConvertedCopy(path.parent, sum(file.stat().st_size for file in path.parent.iterdir())) for path in manifests
    ]


@contextlib.contextmanager
def open_converted_copy(key: str, convert: Callable[[Path], object]) -> Iterator[Path]:
    """A folder with what `convert(folder)` writes, for as long as the block lasts: from the cache, or made now.

    A copy is checked against its manifest, every byte of it, before it is used; one that is damaged is made again, with
    a warning. It is written beside its place and renamed, so that several processes never see half of one: each that
    finds none converts for itself, and the first one's copy stays. Where the cache cannot be written, a temporary
    folder takes its place, with a warning, and the next process has to convert again.

    Args:
        key: names the copy: the contents of its source and everything else that decides what `convert` writes.
        convert: writes into an empty folder; whatever it raises for its source goes through.
    """
    folder = find_copies_folder() / key
    fault = find_fault(folder)
    if fault is None:
        yield folder
        return
    if folder.exists():
        warnings.warn(
            f"the converted model {folder} is damaged ({fault}) and is made again", CacheWarning, stacklevel=4
        )
        _remove_folder(folder)
    try:
        beside = _make_copy(folder, convert)
    except _WRITE_ERRORS as error:
        warnings.warn(
            f"the converted model cannot be kept in {folder.parent} ({error}), so that every start converts it again;"
            f" make room there, or name another folder in {VARIABLE}",
            CacheWarning,
            stacklevel=4,
        )
        with tempfile.TemporaryDirectory(prefix="thinkrec-", ignore_cleanup_errors=True) as temporary:
            convert(Path(temporary))
            yield Path(temporary)
        return
    try:
        yield _move_copy(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def find_fault(folder: Path) -> str | None:
    """What is wrong with a copy; None where every file is there with the bytes that were written."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = {str(name): (int(entry["size"]), str(entry["sha256"])) for name, entry in manifest["files"].items()}
    except OSError:
        return f"it has no {MANIFEST}"
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"its {MANIFEST} cannot be read"
    for name, (size, digest) in files.items():
        file = folder / name
        if not file.is_file():
            return f"{name} is missing"
        if file.stat().st_size != size or hash_file(file) != digest:
            return f"{name} is not what was written"
    return None


def _make_copy(folder: Path, convert: Callable[[Path], object]) -> Path:
    """A whole copy under a name of its own beside `folder`; returns where. Nothing is left of one that fails."""
    beside = folder.with_name(f".{folder.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.tmp")
    began = time.monotonic()
    beside.mkdir(parents=True)
    try:
        _remove_leftovers(folder.parent)
        convert(beside)
        files = {
            path.name: {"size": path.stat().st_size, "sha256": hash_file(path)} for path in sorted(beside.iterdir())
        }
        # Not synced to the disk: what a crash of the machine takes is seen by the next reader, who looks at every byte.
        write_json(beside / MANIFEST, {"files": files})
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    LOGGER.info("a model was converted in %.0f s and is kept in %s", time.monotonic() - began, folder)
    return beside


def _move_copy(beside: Path, folder: Path) -> Path:
    """Put a copy in its place; returns where it can be read: another process may have been faster."""
    try:
        beside.rename(folder)
    except OSError:
        return folder if find_fault(folder) is None else beside
    return folder


def _remove_folder(folder: Path) -> None:
    """Remove a copy: renamed first, so that nobody opens half of it while it goes."""
    aside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.tmp")
    with contextlib.suppress(OSError):
        folder.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)


def _remove_leftovers(folder: Path) -> None:
    """Remove what processes that were killed while they converted left behind."""
    for path in folder.glob(".*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > LEFTOVER_SECONDS:
                shutil.rmtree(path, ignore_errors=True)
