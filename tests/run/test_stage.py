"""One stage of a run: done once for the same inputs, gone on with where it was interrupted, begun anew for others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from thinkrec.errors import CheckpointError
from thinkrec.run.stage import StageRunner, read_stage_result


class Work:
    """Writes a file at each call, and is interrupted as often as asked."""

    def __init__(self, interrupted: int = 0) -> None:
        self.interrupted, self.found = interrupted, []

    def __call__(self, folder: Path) -> dict[str, Any]:
        self.found.append(sorted(path.name for path in folder.iterdir() if path.name.startswith("part")))
        (folder / f"part-{len(self.found)}").write_text("half", encoding="utf-8")
        if len(self.found) <= self.interrupted:
            raise KeyboardInterrupt
        return {"answer": 42}


def test_the_same_inputs_are_worked_on_once(tmp_path: Path) -> None:
    work, stages = Work(), StageRunner(tmp_path, False)
    keys = [stages.run("one", {"a": 1}, work) for _ in range(2)]
    assert keys[0] == keys[1]
    assert len(work.found) == 1
    assert read_stage_result(tmp_path / "one")["answer"] == 42
    assert [json.loads(line)["stage"] for line in (tmp_path / "log.jsonl").read_text().splitlines()] == ["one"]


def test_names_and_inputs_tell_stages_apart(tmp_path: Path) -> None:
    stages = StageRunner(tmp_path, False)
    keys = {stages.run(name, inputs, Work()) for name in ("one", "two") for inputs in ({"a": 1}, {"a": 2}, {"b": 1})}
    assert len(keys) == 6


def test_an_interrupted_stage_goes_on_in_its_folder(tmp_path: Path) -> None:
    work, stages = Work(interrupted=2), StageRunner(tmp_path, False)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            stages.run("one", {"a": 1}, work)
        with pytest.raises(CheckpointError, match="not finished"):
            read_stage_result(tmp_path / "one")
    stages.run("one", {"a": 1}, work)
    assert work.found == [[], ["part-1"], ["part-1", "part-2"]]


@pytest.mark.parametrize("interrupted", [0, 1], ids=["finished", "interrupted"])
def test_what_other_inputs_left_is_removed(interrupted: int, tmp_path: Path) -> None:
    first, second, stages = Work(interrupted), Work(), StageRunner(tmp_path, False)
    try:
        stages.run("one", {"a": 1}, first)
    except KeyboardInterrupt:
        assert interrupted
    stages.run("one", {"a": 2}, second)
    assert second.found == [[]]
