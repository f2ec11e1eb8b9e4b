"""Files come whole or not at all, and one module alone does it."""

from __future__ import annotations

import ast
import json
import math
import os
from pathlib import Path

import pytest
import torch

from thinkrec.errors import CheckpointError
from thinkrec.io.files import check_complete, read_tensors, write_atomically, write_json, write_tensors, write_text

SOURCES = sorted((Path(__file__).resolve().parents[2] / "src" / "thinkrec").rglob("*.py"))


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.txt"
    write_text(path, "before")

    def fail_half_way(beside: Path) -> None:
        assert beside.parent == path.parent and beside != path
        beside.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, fail_half_way)
    assert [file.name for file in path.parent.iterdir()] == ["file.txt"]
    assert path.read_text() == "before"


@pytest.mark.parametrize("sync", [True, False])
def test_contents_are_on_the_disk_before_the_name(tmp_path: Path, sync: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    path, synced = tmp_path / "file.txt", []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(path.exists()))
    write_atomically(path, lambda beside: beside.write_text("new"), sync=sync)
    assert synced == [False] * sync
    assert path.read_text() == "new"


def test_json_has_no_nan_and_keeps_its_form(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"x": math.nan, "y": (1, 2.5), "z": "Grüße"})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert text == '{\n  "x": null,\n  "y": [\n    1,\n    2.5\n  ],\n  "z": "Grüße"\n}\n'
    assert json.loads(text)["x"] is None


def test_tensors_come_back_and_half_a_file_is_refused(tmp_path: Path) -> None:
    path, tensors = tmp_path / "deep" / "t.safetensors", {"w": torch.arange(4.0)}
    write_tensors(path, tensors)
    assert torch.equal(read_tensors(path)["w"], tensors["w"])
    check_complete(path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="is truncated"):
        read_tensors(path)
    with pytest.raises(CheckpointError, match="is missing"):
        read_tensors(tmp_path / "none.safetensors")


def list_renames(source: str) -> list[int]:
    """Lines that rename a file: `os.replace`, `os.rename`, `path.replace(other)`."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
        of_os = owner == "os" and node.func.attr in ("replace", "rename")
        # str.replace takes two arguments, dataclasses.replace keywords.
        of_path = node.func.attr == "replace" and len(node.args) == 1 and not node.keywords
        if of_os or of_path:
            lines.append(node.lineno)
    return lines


def test_renames_are_told_from_other_replacements() -> None:
    renames = ["os.replace(a, b)", "beside.replace(path)", "beside.replace(folder / 'x')", "os.rename(a, b)"]
    others = ["text.replace('a', 'b')", "replace(a, b=1)", "dataclasses.replace(a, b=1)"]
    assert list_renames("\n".join([*renames, *others])) == [1, 2, 3, 4]


def test_no_other_module_writes_beside_and_renames() -> None:
    renaming = {path.name for path in SOURCES if list_renames(path.read_text(encoding="utf-8"))}
    # These two replace values of a polars column, which looks the same.
    assert renaming - {"columns.py", "tables.py"} == {"files.py", "checkpoint.py"}, "a checkpoint moves a whole save"


def test_no_other_module_hashes() -> None:
    importing = [path.name for path in SOURCES if "hashlib" in path.read_text(encoding="utf-8")]
    assert importing == ["hashing.py"]
