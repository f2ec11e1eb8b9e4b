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


def test_what_another_run_finished_on_the_same_inputs_is_copied(tmp_path: Path) -> None:
    first, second = Work(), Work()
    key = StageRunner(tmp_path / "a", False).run("deep/one", {"a": 1}, first)
    runner = StageRunner(tmp_path / "b", False, reuse=(tmp_path / "gone", tmp_path / "a"))
    assert runner.run("deep/one", {"a": 1}, second) == key and not second.found
    assert read_stage_result(tmp_path / "b" / "deep" / "one") == read_stage_result(tmp_path / "a" / "deep" / "one")
    assert (tmp_path / "b" / "deep" / "one" / "part-1").read_text() == "half"
    assert json.loads((tmp_path / "b" / "log.jsonl").read_text())["from"] == str(tmp_path / "a")
    # A copy: the other run may change or go.
    (tmp_path / "a" / "deep" / "one" / "part-1").write_text("changed")
    assert (tmp_path / "b" / "deep" / "one" / "part-1").read_text() == "half"
    assert runner.run("deep/one", {"a": 1}, second) == key and not second.found
    done = tmp_path / "b" / "deep" / "one" / "done.json"
    done.write_text(json.dumps({**json.loads(done.read_text()), "seconds": 90.0}))
    runner.append_log({"stage": "two", "seconds": 2.5})
    assert (runner.sum_seconds(), runner.sum_own_seconds()) == (90.0, 2.5), "the copy took this run no time"


def test_what_another_run_made_of_other_inputs_or_did_not_finish_is_done_here(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        StageRunner(tmp_path / "half", False).run("one", {"a": 1}, Work(interrupted=1))
    StageRunner(tmp_path / "other", False).run("one", {"a": 2}, Work())
    work = Work()
    StageRunner(tmp_path / "b", False, reuse=(tmp_path / "half", tmp_path / "other")).run("one", {"a": 1}, work)
    assert work.found == [[]]


def test_other_code_is_copied_only_where_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    StageRunner(tmp_path / "a", False).run("one", {"a": 1}, Work())
    monkeypatch.setattr("thinkrec.run.stage.hash_code", lambda _: "younger")
    for asked in (True, False):
        work = Work()
        StageRunner(tmp_path / f"b-{asked}", False, asked, (tmp_path / "a",)).run("one", {"a": 1}, work)
        assert bool(work.found) != asked


def test_what_is_left_of_other_inputs_gives_way_to_the_copy(tmp_path: Path) -> None:
    StageRunner(tmp_path / "a", False).run("one", {"a": 1}, Work())
    StageRunner(tmp_path / "b", False).run("one", {"a": 2}, Work())
    (tmp_path / "b" / "one" / "old").write_text("old")
    StageRunner(tmp_path / "b", False, reuse=(tmp_path / "a",)).run("one", {"a": 1}, Work())
    assert not (tmp_path / "b" / "one" / "old").exists()
