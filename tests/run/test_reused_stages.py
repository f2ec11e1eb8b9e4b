"""A copied stage appears in one go."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from thinkrec.run.reused_stages import copy_finished_stage


def make_stage(run: Path, text: str) -> Path:
    (run / "one").mkdir(parents=True)
    (run / "one" / "weights").write_text(text)
    return run


def test_the_first_run_that_has_it_gives_it(tmp_path: Path) -> None:
    a, b, target = make_stage(tmp_path / "a", "a"), make_stage(tmp_path / "b", "b"), tmp_path / "c" / "one"
    target.parent.mkdir()
    assert copy_finished_stage("one", target, [a, b], lambda folder: folder.parent == b) == b
    assert (target / "weights").read_text() == "b"
    assert copy_finished_stage("one", target, [a, b], lambda _: False) is None
    assert copy_finished_stage("one", target, [tmp_path / "c"], lambda _: True) is None, "a run is no other than itself"
    assert (target / "weights").read_text() == "b"


def test_an_interrupted_copy_leaves_what_was_there_and_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, c = make_stage(tmp_path / "a", "a"), make_stage(tmp_path / "c", "c")
    (a / "one" / "more").write_text("more")

    def stop(source: Path, beside: Path) -> None:
        beside.mkdir()
        (beside / "weights").write_text("ha")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copytree", stop)
        with pytest.raises(KeyboardInterrupt):
            copy_finished_stage("one", c / "one", [a], lambda _: True)
    assert (c / "one" / "weights").read_text() == "c"
    assert copy_finished_stage("one", c / "one", [a], lambda _: True) == a
    assert sorted(path.name for path in (c / "one").iterdir()) == ["more", "weights"]
    assert [path.name for path in c.iterdir()] == ["one"]
