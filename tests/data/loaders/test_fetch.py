"""A source brought to a folder: downloaded, verified, unpacked; and `thinkrec data`."""

from __future__ import annotations

import hashlib
import io
import json
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.command_line import call, plain, refused
from support.file_server import FileServer, serve_files

from thinkrec.data.loaders import registry
from thinkrec.data.loaders.fetch import download_source, parse_md5
from thinkrec.data.loaders.prepare import load_source
from thinkrec.data.loaders.registry import find_source
from thinkrec.data.loaders.source import Source, SourceFile
from thinkrec.errors import DataError, DataWarning


def pack_ratings() -> bytes:
    rows = [f"{u},{i},{1 + (u * i) % 5},{1_400_000_000 + u * 7_000 + i}" for u in range(1, 9) for i in range(1, 6)]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("ml-latest-small/ratings.csv", "\n".join(["userId,movieId,rating,timestamp", *rows]) + "\n")
        films = [f"{i},Film {i} (1999),Comedy" for i in range(1, 6)]
        archive.writestr("ml-latest-small/movies.csv", "\n".join(["movieId,title,genres", *films]) + "\n")
    return packed.getvalue()


ARCHIVE = pack_ratings()
MD5 = hashlib.md5(ARCHIVE).hexdigest()


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_files({"/ml.zip": ARCHIVE, "/ml.zip.md5": f"MD5 (ml.zip) = {MD5}\n".encode()}) as state:
        yield state


def make_source(server: FileServer, **file: object) -> Source:
    """MovieLens latest-small, served from loopback."""
    values = {"address": f"{server.address}/ml.zip", **file}
    return replace(find_source("movielens-latest-small"), files=(SourceFile(**values),))  # pyright: ignore


def test_the_checksum_beside_the_file_is_read(server: FileServer, tmp_path: Path) -> None:
    source = make_source(server, checksum_address=f"{server.address}/ml.zip.md5")
    (file,) = download_source(source, tmp_path, pause=0)
    assert (file.bytes, file.checksum) == (len(ARCHIVE), f"md5:{MD5}")
    assert f"md5:{MD5} (equals the one at {server.address}/ml.zip.md5); 2 files unpacked" in file.describe()
    # What was downloaded is what a recipe reads.
    assert len(load_source(source.name, tmp_path).interactions) == 40
    server.requests.clear()
    download_source(source, tmp_path, pause=0)
    assert [path for path, _ in server.requests] == ["/ml.zip.md5"]


def test_a_wrong_checksum_removes_what_came(server: FileServer, tmp_path: Path) -> None:
    source = make_source(server, checksum=f"md5:{'0' * 32}")
    with pytest.raises(DataError, match=rf"what came has md5:{MD5}, and its publisher names md5:0+: .*It was removed"):
        download_source(source, tmp_path, pause=0)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "ml.zip").write_bytes(b"my own")
    with pytest.raises(DataError, match=r"ml.zip has md5:.*Move it away"):
        download_source(source, tmp_path, pause=0)
    assert (tmp_path / "ml.zip").read_bytes() == b"my own"


def test_without_a_published_checksum_its_own_is_said(server: FileServer, tmp_path: Path) -> None:
    (file,) = download_source(make_source(server), tmp_path, pause=0)
    assert file.verified_by is None
    assert f"sha256:{hashlib.sha256(ARCHIVE).hexdigest()} (no published one to compare it with)" in file.describe()


def test_a_checksum_that_cannot_be_read_is_said(server: FileServer, tmp_path: Path) -> None:
    source = make_source(server, checksum_address=f"{server.address}/none.md5")
    with pytest.warns(DataWarning, match=r"nothing is compared with it: .*none.md5"):
        (file,) = download_source(source, tmp_path, pause=0)
    assert file.verified_by is None
    server.files["/none.md5"] = b"<html>gone</html>"
    with pytest.warns(DataWarning, match="no MD5 stands there"):
        download_source(source, tmp_path, pause=0)
    assert parse_md5(f"{'a' * 32}  x\n{'b' * 32}  y\n") is None


def test_what_needs_a_persons_consent_is_not_downloaded(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"yelp cannot be downloaded by a program: .*https://business.yelp.com"):
        download_source(find_source("yelp"), tmp_path)


def test_the_command_downloads_and_says_what_to_write(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_source(server, checksum=f"md5:{MD5}")
    monkeypatch.setitem(registry.SOURCES, source.name, source)
    result = call("data", "download", source.name, "--to", tmp_path / "to")
    shown = plain(result.stdout)
    assert "terms: research use" in shown
    assert f"data: {{kind: source, name: {source.name}, folder: {tmp_path / 'to'}}}" in shown
    assert (tmp_path / "to" / "movies.csv").is_file()
    read = json.loads(call("data", "show", source.name, "--folder", tmp_path / "to", "--json").stdout)["read"]
    assert (read["rows"], read["items"]) == (40, 5)
    monkeypatch.setitem(registry.SOURCES, source.name, replace(source, full_rows=41))
    wrong = plain(call("data", "show", source.name, "--folder", tmp_path / "to").stdout)
    assert "40 rows and 5 items, where the published file has 41 rows" in wrong


def test_the_list_has_every_source_with_its_recipes() -> None:
    known = {entry["name"]: entry for entry in json.loads(call("data", "list", "--json").stdout)}
    assert set(known) == set(registry.SOURCES)
    assert known["yelp"]["recipes"] == ["yelp/boosting", "yelp/mf", "yelp/thinkrec-nano"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shown = plain(call("data", "list").stdout)
    assert "md5:c4d9eecfca2ab87c1945afe126590906" in shown.replace("\n", "").replace(" ", "").replace("│", "")
    facts = plain(call("data", "show", "movielens-1m").stdout)
    for part in ("5,917,549 bytes", "1,000,209", "train 33,891, valid 10,401, test 7,331"):
        assert part in facts
    assert "no data source 'netflix'" in refused("data", "show", "netflix")
