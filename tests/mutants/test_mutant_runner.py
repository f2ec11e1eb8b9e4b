"""The runner of mutants itself: what counts as noticed, and that a tree is as before when a mutant is done."""

from __future__ import annotations

from pathlib import Path

import pytest
from mutant import PACKAGE, Mutant
from run_mutants import NOTICED, SURVIVED, UNUSABLE, failed, verdict_of, without
from tree import Job, Tree

SOURCE = "def twice(n):\n    return 2 * n\n"
OUTPUT = "..F\nFAILED tests/room/test_a.py::test_x[one two] - assert 1 == 2\nERROR tests/room/test_b.py::test_y\n"


def mutant(old: str, new: str = "3 * n", file: str = "room/a.py") -> Mutant:
    return Mutant("times-three", file, old, new, ("room/test_a.py::test_x",), "wrong numbers")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    (tmp_path / PACKAGE / "room").mkdir(parents=True)
    (tmp_path / PACKAGE / "room" / "a.py").write_text(SOURCE, encoding="utf-8")
    return Tree(tmp_path)


def test_a_text_that_is_not_there_once_is_stale(tree: Tree) -> None:
    assert mutant("2 * n").stale(tree.root) is None
    assert "0 times" in (mutant("4 * n").stale(tree.root) or "")
    assert "2 times" in (mutant("t").stale(tree.root) or "")
    assert "not there" in (mutant("2 * n", file="room/b.py").stale(tree.root) or "")


def test_a_tree_is_changed_and_then_as_before(tree: Tree) -> None:
    path = tree.root / PACKAGE / "room" / "a.py"
    compiled = path.parent / "__pycache__" / "a.cpython-311.pyc"
    compiled.parent.mkdir()
    compiled.write_bytes(b"old")
    tree.change([mutant("2 * n"), mutant("twice", "thrice")])
    assert path.read_text(encoding="utf-8") == "def thrice(n):\n    return 3 * n\n"
    assert not compiled.exists(), "what was compiled before would be run instead"
    compiled.write_bytes(b"of the mutant")
    tree.restore()
    assert path.read_text(encoding="utf-8") == SOURCE
    assert not compiled.exists()


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(1, NOTICED), (0, SURVIVED), (2, UNUSABLE), (4, UNUSABLE), (5, UNUSABLE), (None, UNUSABLE)],
)
def test_only_a_test_that_fails_notices(status: int | None, outcome: str) -> None:
    job = Job((mutant("2 * n"),), ("room/test_a.py::test_x",), (), status=status, output=OUTPUT)
    assert verdict_of(job).outcome == outcome


def test_tests_that_fail_anyway_are_left_out() -> None:
    assert failed(OUTPUT) == ["room/test_a.py::test_x[one", "room/test_b.py::test_y"]
    tests = ("room/test_a.py::test_x", "room/test_a.py::test_xy", "room/test_b.py", "room/test_c.py")
    assert without(tests, set(failed(OUTPUT))) == ("room/test_a.py::test_xy", "room/test_c.py")
