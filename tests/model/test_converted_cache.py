"""Copies in the user's cache: whole or not at all, checked before use, and made again where they are damaged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors import SafetensorError

from thinkrec.errors import CheckpointError
from thinkrec.model import converted_cache
from thinkrec.model.converted_cache import (
    CacheWarning,
    find_cache_folder,
    list_converted_copies,
    open_converted_copy,
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("THINKREC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "backbones"


class Converter:
    """Writes two files and counts how often it had to."""

    def __init__(self, fail: Callable[[int], None] = lambda turn: None) -> None:
        self.turns, self.fail = 0, fail

    def __call__(self, folder: Path) -> None:
        self.turns += 1
        (folder / "weights").write_bytes(b"w" * 1000)
        self.fail(self.turns)
        (folder / "settings").write_text("s")


def open_copy(convert: Converter) -> Path:
    with open_converted_copy("key", convert) as folder:
        assert (folder / "weights").read_bytes() == b"w" * 1000 and (folder / "settings").read_text() == "s"
    return folder


def list_names(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir()) if cache.is_dir() else []


@pytest.mark.parametrize(
    ("settings", "folder"),
    [
        ({"THINKREC_CACHE": "/a", "XDG_CACHE_HOME": "/b"}, "/a"),
        ({"XDG_CACHE_HOME": "/b"}, "/b/thinkrec"),
        ({"THINKREC_CACHE": "", "XDG_CACHE_HOME": ""}, str(Path.home() / ".cache" / "thinkrec")),
        ({"THINKREC_CACHE": "~/c"}, str(Path.home() / "c")),
    ],
)
def test_where_the_cache_is(settings: dict[str, str], folder: str) -> None:
    assert find_cache_folder(settings) == Path(folder)


def test_a_copy_is_made_once_and_counted(cache: Path) -> None:
    convert = Converter()
    assert open_copy(convert) == open_copy(convert) == cache / "key"
    assert convert.turns == 1 and list_names(cache) == ["key"]
    (copy,) = list_converted_copies()
    assert copy.folder == cache / "key" and copy.size > 1001


def change_byte(folder: Path) -> None:
    (folder / "weights").write_bytes(b"w" * 999 + b"x")


def cut_manifest(folder: Path) -> None:
    (folder / "converted.json").write_text('{"files"')


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (change_byte, "weights is not what was written"),
        (lambda folder: (folder / "weights").write_bytes(b"w"), "weights is not what was written"),
        (lambda folder: (folder / "settings").unlink(), "settings is missing"),
        (lambda folder: (folder / "converted.json").unlink(), r"it has no converted\.json"),
        (cut_manifest, r"its converted\.json cannot be read"),
        (lambda folder: (folder / "converted.json").write_text('{"files": 3}'), r"its converted\.json cannot be read"),
    ],
)
def test_a_damaged_copy_is_noticed_and_made_again(damage: Callable[[Path], object], fault: str, cache: Path) -> None:
    convert = Converter()
    damage(open_copy(convert))
    with pytest.warns(CacheWarning, match=rf"damaged \({fault}\) and is made again"):
        open_copy(convert)
    open_copy(convert)
    assert convert.turns == 2 and list_names(cache) == ["key"]


def test_a_folder_that_cannot_be_written_costs_only_time(cache: Path) -> None:
    cache.parent.write_text("a file where the cache should be")
    convert = Converter()
    for turn in (1, 2):
        with pytest.warns(CacheWarning, match=r"cannot be kept in .*every start converts it again.* THINKREC_CACHE"):
            assert not open_copy(convert).exists(), "the temporary folder goes away"
        assert convert.turns == turn


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), SafetensorError("I/O error")])
def test_a_disk_that_fills_up_while_the_copy_is_written_costs_only_time(error: Exception, cache: Path) -> None:
    def fail(turn: int) -> None:
        if turn == 1:
            raise error

    with pytest.warns(CacheWarning, match="cannot be kept"):
        open_copy(Converter(fail))
    assert list_names(cache) == [], "nothing is left of half a copy"


def test_what_is_wrong_with_the_source_goes_through(cache: Path) -> None:
    def fail(turn: int) -> None:
        raise CheckpointError("the source is damaged")

    with pytest.raises(CheckpointError, match="the source is damaged"):
        open_copy(Converter(fail))
    assert list_names(cache) == []


def test_a_process_that_was_faster_keeps_its_copy(cache: Path) -> None:
    def convert(folder: Path) -> None:
        open_copy(first)
        Converter()(folder)

    first = Converter()
    with open_converted_copy("key", convert) as folder:
        assert folder == cache / "key"
    assert first.turns == 1 and list_names(cache) == ["key"]


def test_a_half_copy_of_another_process_is_not_taken_for_one(cache: Path) -> None:
    def convert(folder: Path) -> None:
        (cache / "key").mkdir()
        (cache / "key" / "weights").write_bytes(b"half")
        Converter()(folder)

    with open_converted_copy("key", convert) as folder:
        assert (folder / "weights").read_bytes() == b"w" * 1000
    with pytest.warns(CacheWarning, match="made again"):
        open_copy(Converter())
    assert list_names(cache) == ["key"]


def test_leftovers_of_killed_processes_go_and_those_of_living_ones_stay(cache: Path) -> None:
    for name, age in ((".old.1-a.tmp", converted_cache.LEFTOVER_SECONDS + 60), (".new.2-b.tmp", 0.0)):
        (cache / name).mkdir(parents=True)
        (cache / name / "weights").write_bytes(b"half")
        os.utime(cache / name, (time.time() - age,) * 2)
    open_copy(Converter())
    assert list_names(cache) == [".new.2-b.tmp", "key"]
    assert [copy.folder.name for copy in list_converted_copies()] == ["key"], "an unfinished copy is none"


PROCESS = """
import sys, time
from pathlib import Path
from thinkrec.model.converted_cache import open_converted_copy

def convert(folder):
    for name in ("a", "b", "c"):
        (folder / name).write_bytes(name.encode() * 100_000)
        time.sleep(0.1)

for turn in range(20):
    with open_converted_copy(f"key-{turn % 2}", convert) as folder:
        assert [(folder / name).read_bytes() == name.encode() * 100_000 for name in ("a", "b", "c")] == [True] * 3
print("whole")
"""


def test_processes_at_once_do_not_disturb_each_other(cache: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", PROCESS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    outputs = [process.communicate(timeout=120) for process in processes]
    assert [out.strip() for out, _ in outputs] == ["whole"] * 3, [err for _, err in outputs]
    assert list_names(cache) == ["key-0", "key-1"]
    manifest = json.loads((cache / "key-0" / "converted.json").read_text())
    assert sorted(manifest["files"]) == ["a", "b", "c"]
