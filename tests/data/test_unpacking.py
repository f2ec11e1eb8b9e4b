"""Archives: unpacked where they belong, refused where an entry leads elsewhere."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from thinkrec.data.archives import unpack_zip
from thinkrec.errors import DataError


def pack(path: Path, files: Mapping[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def test_the_one_folder_of_an_archive_is_left_out(tmp_path: Path) -> None:
    archive = pack(tmp_path / "ml.zip", {"ml-1m/ratings.dat": "1", "ml-1m/more/README": "2", "__MACOSX/x": "3"})
    paths = unpack_zip(archive, tmp_path / "to")
    assert [str(path.relative_to(tmp_path / "to")) for path in paths] == ["more/README", "ratings.dat"]
    assert (tmp_path / "to" / "ratings.dat").read_text() == "1"
    several = pack(tmp_path / "two.zip", {"a/x": "1", "b/x": "2"})
    assert [path.parent.name for path in unpack_zip(several, tmp_path / "both")] == ["a", "b"]


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/evil", "..\\evil", "C:\\evil", "a\\..\\..\\evil"])
def test_an_entry_that_leads_out_of_the_folder_stops_all(name: str, tmp_path: Path) -> None:
    archive = pack(tmp_path / "evil.zip", {"good": "1", name: "2"})
    with pytest.raises(DataError, match=r"leads out of the folder; nothing was unpacked"):
        unpack_zip(archive, tmp_path / "to")
    assert [path.name for path in tmp_path.rglob("*")] == ["evil.zip"]


def test_links_and_doubled_names_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="is a link; nothing"):
        unpack_zip(tmp_path / "link.zip", tmp_path / "to")
    doubled = pack(tmp_path / "two.zip", {"a": "1", "A": "2"})
    with pytest.raises(DataError, match="two entries have one name"):
        unpack_zip(doubled, tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_what_is_there_stays(tmp_path: Path) -> None:
    archive = pack(tmp_path / "a.zip", {"x": "one", "y": "two"})
    unpack_zip(archive, tmp_path / "to")
    before = (tmp_path / "to" / "x").stat().st_mtime_ns
    (tmp_path / "to" / "y").unlink()
    unpack_zip(archive, tmp_path / "to")
    assert (tmp_path / "to" / "x").stat().st_mtime_ns == before
    assert (tmp_path / "to" / "y").read_text() == "two"
    (tmp_path / "to" / "x").write_text("own")
    with pytest.raises(DataError, match="x is there already, with other contents"):
        unpack_zip(archive, tmp_path / "to")
    assert (tmp_path / "to" / "x").read_text() == "own"


def test_a_damaged_archive_is_named(tmp_path: Path) -> None:
    whole = pack(tmp_path / "a.zip", {"x": "one" * 1000}).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[:200])
    with pytest.raises(
        DataError, match=r"cannot be read as a zip archive: the file is damaged or was not written in full\. Download"
    ):
        unpack_zip(tmp_path / "cut.zip", tmp_path / "to")
    (tmp_path / "bad.zip").write_bytes(whole.replace(b"oneone", b"oneOne", 1))
    with pytest.raises(
        DataError, match=r"cannot be read as a zip archive: the file is damaged or was not written in full\. Download"
    ):
        unpack_zip(tmp_path / "bad.zip", tmp_path / "to")
    assert not (tmp_path / "to" / "x").exists()
