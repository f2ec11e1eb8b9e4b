"""A damaged run refuses to start and names the file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from thinkrec.errors import CheckpointError
from thinkrec.serve.model import open_model


@pytest.mark.parametrize("pattern", ["vectors/projector.safetensors", "groups/groups.safetensors"])
def test_a_truncated_file_is_named(served_folder: Path, tmp_path: Path, pattern: str) -> None:
    copy = tmp_path / "run"
    shutil.copytree(served_folder, copy)
    (path,) = copy.glob(pattern)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CheckpointError, match=path.name):
        open_model(copy)


def test_pickled_files_are_refused(served_folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(served_folder, copy)
    (copy / "vectors" / "weights.pkl").write_bytes(b"x")
    with pytest.raises(CheckpointError, match=r"weights\.pkl"):
        open_model(copy)
