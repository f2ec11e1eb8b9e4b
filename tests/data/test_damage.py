"""Files that are damaged or cut short: the message names the file, the damage and the remedy, never a line."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from thinkrec.data.damage import make_damage_error
from thinkrec.data.file_bytes import is_damaged
from thinkrec.data.inspect.inspection import inspect_files
from thinkrec.data.loaders.records import read_records
from thinkrec.data.table_files import read_table
from thinkrec.errors import DataError

DAMAGE = "the file is damaged or was not written in full. Download or write it again."
_DRAW = random.Random(0)
ROWS = [(_DRAW.randrange(10**6), _DRAW.randrange(10**6), _DRAW.randrange(6)) for _ in range(3000)]
TABLES = {
    "r.csv": "user_id,item_id,rating\n" + "".join(f"{u},{i},{r}\n" for u, i, r in ROWS),
    "r.jsonl": "".join(f'{{"user_id": {u}, "item_id": {i}, "rating": {r}}}\n' for u, i, r in ROWS),
}
PACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": lambda content: gzip.compress(content, mtime=0),
    ".zst": lambda content: bytes(pa.compress(content, codec="zstd", asbytes=True)),
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


def flip(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


def pack_member(name: str, content: bytes, method: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def refuse(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_table(path)
    return str(caught.value)


@pytest.mark.parametrize("name", list(TABLES))
@pytest.mark.parametrize("ending", list(PACK))
def test_a_compressed_table(name: str, ending: str, tmp_path: Path) -> None:
    path, kind, packed = tmp_path / f"{name}{ending}", Path(name).suffix[1:], PACK[ending](TABLES[name].encode())
    path.write_bytes(packed)
    assert read_table(path).height == len(ROWS) and not is_damaged(path)
    path.write_bytes(packed[: len(packed) // 2])
    assert is_damaged(path)
    assert refuse(path) == f"{path}: cannot be read as {kind}: {DAMAGE}"
    if ending != ".zst":  # a zstd file need not hold a checksum, and such a one tells nothing of a changed byte
        path.write_bytes(flip(packed, len(packed) // 2))
        assert refuse(path) == f"{path}: cannot be read as {kind}: {DAMAGE}"
        with pytest.raises(DataError, match=DAMAGE):
            read_table(path, on_error="drop")
    path.write_bytes(TABLES[name].encode())
    assert not is_damaged(path)
    packer = {".gz": "gzip", ".zst": "zstd", ".bz2": "bzip2", ".xz": "xz"}[ending]
    assert refuse(path).endswith(f"it is not compressed by {packer}, as its name says. Correct the name.")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("name", list(TABLES))
def test_a_member_of_an_archive(name: str, method: int, tmp_path: Path) -> None:
    path, content = tmp_path / "a.zip", pack_member(name, TABLES[name].encode(), method)
    path.write_bytes(flip(content, len(content) // 2))
    assert refuse(path) == f"{path}/{name}: cannot be read as {Path(name).suffix[1:]}: {DAMAGE}"
    path.write_bytes(content[: len(content) // 2])
    assert refuse(path) == f"{path}: cannot be read as a zip archive: {DAMAGE}"
    for ending, pack in PACK.items():
        inner = pack(TABLES[name].encode())
        path.write_bytes(pack_member(name + ending, inner, method))
        assert read_table(path).height == len(ROWS)
        path.write_bytes(pack_member(name + ending, inner[: len(inner) // 2], method))
        assert refuse(path) == f"{path}/{name}{ending}: cannot be read as {Path(name).suffix[1:]}: {DAMAGE}"


def test_tables_of_columns(tmp_path: Path) -> None:
    frame = pl.DataFrame(ROWS, schema=["user_id", "item_id", "rating"], orient="row")
    frame.write_parquet(tmp_path / "r.parquet")
    frame.write_ipc(tmp_path / "r.arrow")
    for kind in ("parquet", "arrow"):
        path = tmp_path / f"r.{kind}"
        path.write_bytes(path.read_bytes()[:-200])
        assert refuse(path) == f"{path}: cannot be read as {kind}: {DAMAGE}"


def test_a_published_file_and_check(tmp_path: Path) -> None:
    path, packed = tmp_path / "r.json.gz", PACK[".gz"](TABLES["r.jsonl"].encode())
    for content in (packed[: len(packed) // 2], flip(packed, len(packed) // 2)):
        path.write_bytes(content)
        with pytest.raises(DataError) as caught:
            read_records(path, {"rating": pl.Int64}, lambda record: [(record["rating"],)])
        assert str(caught.value) == f"{path}: cannot be read as JSON: {DAMAGE}"
        (problem,) = [finding for finding in inspect_files([path]).problems if finding.source]
        assert problem.text.endswith(f": {DAMAGE}")


def test_what_the_system_refuses_is_no_damage(tmp_path: Path) -> None:
    error = PermissionError(13, "Permission denied")
    assert str(make_damage_error(tmp_path, "csv", error)).endswith(
        "it cannot be opened (Permission denied). Check its place and its rights."
    )
