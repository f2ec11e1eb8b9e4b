"""Prompts come out of their file as they went in, and nothing half-written is ever read."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from accelerate import Accelerator
from support.tiny_lm import make_part, make_prompts

from thinkrec.engine.batch import collate_prompts
from thinkrec.errors import DataError
from thinkrec.prompts import stored
from thinkrec.prompts.stored import LazyPrompts, StoredPrompts, write_prompts
from thinkrec.prompts.types import Prompt
from thinkrec.train.config import StageConfig
from thinkrec.train.epochs import EpochBatches


def same(one: Prompt, other: Prompt) -> None:
    for field in fields(Prompt):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        assert mine.dtype == theirs.dtype, field.name
        assert mine.shape == theirs.shape, field.name
        np.testing.assert_array_equal(mine, theirs)


@pytest.fixture
def mixed(monkeypatch: pytest.MonkeyPatch) -> list[Prompt]:
    """Twelve prompts, with and without slots, answers and reasons, in chunks of five."""
    monkeypatch.setattr(stored, "RECORD_BATCH_SIZE", 5)
    rng, gate = np.random.default_rng(0), np.array([0.25, 0.75], dtype=np.float32)
    none = np.zeros(0, dtype=np.int32)
    bare = Prompt(
        np.array([7], dtype=np.int32),
        none,
        np.zeros((0, 0), dtype=np.float32),
        none,
        none.astype(np.int8),
        none.astype(np.float32),
        none,
        none,
        none.astype(np.float32),
        gate,
    )
    return [*make_prompts(), bare, *(make_part(rng, t, gate) for t in (1, 5, 30, 2)), bare, make_prompts()[0]]


def test_prompts_come_back_in_any_order(tmp_path: Path, mixed: list[Prompt]) -> None:
    path = tmp_path / "prompts.arrow"
    write_prompts(mixed, path)
    assert [file.name for file in tmp_path.iterdir()] == ["prompts.arrow"]
    found = StoredPrompts(path)
    assert len(found) == 12
    assert found.lengths.tolist() == [len(prompt) for prompt in mixed]
    for i in (11, 0, 5, 4, 6, 3, 9, -1, -12):
        same(found[i], mixed[i])
    for one, other in zip(found[3:11:2], mixed[3:11:2], strict=True):
        same(one, other)
    with pytest.raises(IndexError):
        found[12]
    with pytest.raises(ValueError, match="read-only"):
        found[0].ids[0] = 1
    mine, theirs = collate_prompts(found[:5], 0), collate_prompts(mixed[:5], 0)
    assert all(
        (a == b).all() for a, b in ((mine.ids, theirs.ids), (mine.placeholder_vectors, theirs.placeholder_vectors))
    )
    found.close()


def test_no_prompts_are_a_file_too(tmp_path: Path) -> None:
    write_prompts([], tmp_path / "none.arrow")
    found = StoredPrompts(tmp_path / "none.arrow")
    assert len(found) == 0
    assert found.lengths.tolist() == []


def test_what_is_cut_short_leaves_nothing(tmp_path: Path, mixed: list[Prompt]) -> None:
    def broken(i: int) -> Prompt:
        if i == 8:
            raise KeyboardInterrupt
        return mixed[i]

    (tmp_path / "a.arrow.123.tmp").write_bytes(b"of a run that was killed")
    with pytest.raises(KeyboardInterrupt):
        write_prompts(LazyPrompts(12, broken), tmp_path / "a.arrow")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_before_it_is_full(tmp_path: Path, mixed: list[Prompt], monkeypatch) -> None:
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(stored.shutil, "disk_usage", lambda path: usage(1000))
    with pytest.raises(DataError, match=r"need another 0.0 GB in .*free; make room, or give the stage a larger stride"):
        write_prompts(mixed, tmp_path / "a.arrow")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("end", [0, 40, -20])
def test_a_damaged_file_says_what_to_do(tmp_path: Path, mixed: list[Prompt], end: int) -> None:
    path = tmp_path / "a.arrow"
    write_prompts(mixed, path)
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(DataError, match=r"a.arrow holds no prompts .*; delete it"):
        StoredPrompts(path)


def test_a_file_of_other_columns_says_what_to_do(tmp_path: Path) -> None:
    table = pa.table({"ids": [[1, 2]]})
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as out, pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(DataError, match=r"another version of thinkrec; delete it"):
        StoredPrompts(tmp_path / "a.arrow")


def test_passes_render_once_and_clean_up(tmp_path: Path) -> None:
    asked: list[int] = []

    def prompts(epoch: int) -> LazyPrompts:
        made = make_prompts(epoch) * 4
        return LazyPrompts(20, lambda i: (asked.append(epoch), made[i])[1])

    def passes() -> EpochBatches:
        config = StageConfig(train=("global",), epochs=2, batch_tokens=64)
        return EpochBatches(
            prompts, config, tmp_path, seed=1, accelerator=Accelerator(cpu=True), title="", progress=False
        )

    first = passes()
    steps = [[[prompt.ids.tolist() for prompt in part] for part in step] for step in first]
    assert len(steps) == sum(first.steps)
    assert asked == [0] * 20 + [1] * 20
    assert sorted(file.name for file in tmp_path.iterdir()) == ["prompts-0.arrow", "prompts-1.arrow"]
    seen = sorted(ids for step in steps[: first.steps[0]] for part in step for ids in part)
    assert seen == sorted(prompt.ids.tolist() for prompt in make_prompts(0) * 4)
    # A run that was stopped finds them there.
    again = passes()
    assert [[[prompt.ids.tolist() for prompt in part] for part in step] for step in again] == steps
    assert len(asked) == 40
    again.close()
    assert list(tmp_path.iterdir()) == []
