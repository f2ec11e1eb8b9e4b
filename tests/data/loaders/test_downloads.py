"""Downloads over a connection that is cut, refused, or has another file than before."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.file_server import FileServer, serve_files

from thinkrec.data.loaders import downloads
from thinkrec.data.loaders.downloads import TRIES, download_file, download_text
from thinkrec.errors import DataError

CONTENT = np.random.default_rng(0).bytes(300_000)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_files({"/a.bin": CONTENT, "/a.bin.md5": b"MD5 (a.bin) = " + b"0" * 32}) as state:
        yield state


def load(server: FileServer, path: Path) -> int:
    return download_file(f"{server.address}/a.bin", path, pause=0)


def test_a_file_comes_whole(server: FileServer, tmp_path: Path) -> None:
    assert load(server, tmp_path / "deep" / "a.bin") == len(CONTENT)
    assert (tmp_path / "deep" / "a.bin").read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.bin"]
    assert download_text(f"{server.address}/a.bin.md5").startswith("MD5 (a.bin)")


def test_a_cut_connection_goes_on_where_it_ended(server: FileServer, tmp_path: Path) -> None:
    server.cuts = [100_000, 50_000]
    load(server, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert [wanted for _, wanted in server.requests] == [None, "bytes=100000-", "bytes=150000-"]


def test_the_next_command_goes_on_where_the_last_one_gave_up(server: FileServer, tmp_path: Path) -> None:
    server.cuts = [100_000, *[0] * TRIES]
    with pytest.raises(DataError, match=r"cut 5 times .*100,000 bytes have come, and the same command goes on"):
        load(server, tmp_path / "a.bin")
    assert not (tmp_path / "a.bin").exists()
    server.cuts, server.requests = [], []
    load(server, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert server.requests == [("/a.bin", "bytes=100000-")]


@pytest.mark.parametrize("tag", ['"two"', None])
def test_a_part_of_another_file_is_not_completed(tag: str | None, server: FileServer, tmp_path: Path) -> None:
    server.tag = '"one"' if tag else None
    server.cuts = [100_000, *[0] * TRIES]
    with pytest.raises(DataError):
        load(server, tmp_path / "a.bin")
    other = CONTENT[::-1] + b"more"
    server.cuts, server.tag, server.files = [], tag, {"/a.bin": other}
    load(server, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == other


def test_a_server_without_ranges_sends_it_anew(server: FileServer, tmp_path: Path) -> None:
    server.ranges, server.cuts = False, [100_000]
    load(server, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_part_that_is_the_whole_file_is_taken(server: FileServer, tmp_path: Path) -> None:
    server.cuts = [100_000, *[0] * TRIES]
    with pytest.raises(DataError):
        load(server, tmp_path / "a.bin")
    (tmp_path / "a.bin.part").write_bytes(CONTENT)
    load(server, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_busy_server_is_asked_again_and_a_missing_file_is_not(server: FileServer, tmp_path: Path) -> None:
    server.statuses = [503, 429]
    assert load(server, tmp_path / "a.bin") == len(CONTENT)
    server.requests = []
    with pytest.raises(DataError, match=r"the server refuses it \(status 404"):
        download_file(f"{server.address}/none.zip", tmp_path / "none.zip", pause=0)
    assert len(server.requests) == 1


def test_where_there_is_no_network_this_is_said(tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{held.getsockname()[1]}/a.zip"
        with pytest.raises(DataError, match=r"127.0.0.1 cannot be reached .*no network here; load .*a.zip, and"):
            download_file(address, tmp_path / "a.zip", pause=0)
    with pytest.raises(DataError, match="only http and https"):
        download_file("file:///etc/passwd", tmp_path / "a.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_seen_before_a_byte_comes(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DataError, match="300,000 bytes are to come, and 1,000 are free"):
        load(server, tmp_path / "a.bin")
