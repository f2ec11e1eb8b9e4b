"""A fitted scorer on disk is read back as it was, and a folder that is none says why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel, ConfigDict

from thinkrec.collab.encoder_files import CONFIG, STATE, read_scorer, write_scorer
from thinkrec.errors import CheckpointError


class TinyConfig(BaseModel):
    model_config = ConfigDict(extra="forbid")
    dim: int = 4
    name: str = "tiny"


def write_tiny(folder: Path) -> dict[str, np.ndarray]:
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3).T, "b": np.array([7], dtype=np.int64)}
    write_scorer(folder, TinyConfig(dim=2), arrays)
    return arrays


def test_what_was_written_is_read(tmp_path: Path) -> None:
    arrays = write_tiny(tmp_path / "deep" / "scorer")
    config, found = read_scorer(tmp_path / "deep" / "scorer", TinyConfig)
    assert config == TinyConfig(dim=2)
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
    assert sorted(path.name for path in (tmp_path / "deep" / "scorer").iterdir()) == sorted([CONFIG, STATE])


@pytest.mark.parametrize("name", [CONFIG, STATE])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    write_tiny(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(CheckpointError, match="Fit the scorer again"):
        read_scorer(tmp_path, TinyConfig)


def test_a_damaged_file_and_another_scorers_are_told_apart(tmp_path: Path) -> None:
    write_tiny(tmp_path)
    (tmp_path / STATE).write_bytes((tmp_path / STATE).read_bytes()[:20])
    with pytest.raises(CheckpointError, match="is truncated or damaged"):
        read_scorer(tmp_path, TinyConfig)
    (tmp_path / CONFIG).write_text('{"dim": 2, "layers": 3}')
    with pytest.raises(CheckpointError, match=r"is not a TinyConfig: .*\(key \('layers',\)\)"):
        read_scorer(tmp_path, TinyConfig)
