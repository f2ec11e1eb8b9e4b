"""Zip archives as they are downloaded: a folder of tables, one of which is named behind the archive."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest
from support.newcomer_files import write_movielens_latest_small

from thinkrec.data.archives import is_archive, is_member, list_members, open_member, split_member
from thinkrec.data.loaders.prepare import load_source
from thinkrec.data.table_files import read_table
from thinkrec.errors import DataError


def pack(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def test_a_member_is_read_as_if_it_were_unpacked(tmp_path: Path) -> None:
    plain = write_movielens_latest_small(tmp_path)
    archive = write_movielens_latest_small(tmp_path, zipped=True)[0]
    member = archive / "ml-latest-small" / "ratings.csv"
    assert (
        is_archive(archive) and is_member(member) and not is_member(archive / "none.csv") and not is_archive(tmp_path)
    )
    assert split_member(member) == (archive, "ml-latest-small/ratings.csv") and split_member(plain[0]) is None
    assert read_table(member).equals(read_table(plain[0]))
    names = [path.name for path in list_members(archive)]
    assert names == ["README.txt", "links.csv", "movies.csv", "ratings.csv", "tags.csv"]


def test_the_only_table_of_an_archive_needs_no_name(tmp_path: Path) -> None:
    archive = pack(
        tmp_path / "a.zip", {"d/r.csv": b"a,b\n1,2\n", "README.md": b"x", "__MACOSX/r.csv": b"", "/e.csv": b""}
    )
    assert read_table(archive).rows() == [("1", "2")]
    packed = pack(tmp_path / "b.zip", {"r.csv.gz": gzip.compress(b"a,b\n3,4\n")})
    assert read_table(packed).rows() == [("3", "4")]


def test_what_is_wrong_with_an_archive_is_said(tmp_path: Path) -> None:
    several = pack(tmp_path / "a.zip", {"r.csv": b"a\n1\n", "s.csv": b"a\n2\n"})
    with pytest.raises(DataError, match=r"holds several tables \(r\.csv, s\.csv\)\. Name one, such as .*a\.zip/r\.csv"):
        read_table(several)
    with pytest.raises(DataError, match=r"there is no t\.csv in it \(it has r\.csv, s\.csv\)"):
        open_member(several, "t.csv")
    with pytest.raises(DataError, match="there is no table in this archive"):
        read_table(pack(tmp_path / "b.zip", {"README.md": b"x"}))
    (tmp_path / "c.zip").write_bytes(several.read_bytes()[:40])
    with pytest.raises(DataError, match="damaged or was not written in full"):
        read_table(tmp_path / "c.zip")
    with pytest.raises(DataError, match="not read out of an archive; unpack it"):
        read_table(pack(tmp_path / "d.zip", {"r.parquet": b"PAR1"}))


def test_a_published_source_is_read_from_its_archive(tmp_path: Path) -> None:
    write_movielens_latest_small(tmp_path)
    archive = write_movielens_latest_small(tmp_path, zipped=True)[0]
    unpacked = load_source("movielens-latest-small", tmp_path / "ml-latest-small")
    assert load_source("movielens-latest-small", archive).compute_fingerprint() == unpacked.compute_fingerprint()
