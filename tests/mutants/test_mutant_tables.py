"""The tables of mutants fit the source: every change can be made, and every test they name is there."""

from __future__ import annotations

import ast
import builtins
import re

import pytest
from mutant import PACKAGE, ROOT, Mutant
from tables import MUTANTS, THIRTEEN

ROOMS = (
    "data",
    "collab",
    "prompts",
    "model",
    "score",
    "personal",
    "train",
    "teacher",
    "reasons",
    "evaluate",
    "engine",
    "claims",
    "decoding",
    "run",
    "study",
)
SINGLE = ("run/pipeline.py", "run/stage.py", "run/saved_model.py")
ids = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)


def names(text: str) -> set[str]:
    """Every name that a source uses, takes as an argument, or imports."""
    nodes = list(ast.walk(ast.parse(text)))
    found = {node.id for node in nodes if isinstance(node, ast.Name)} | {n.arg for n in nodes if isinstance(n, ast.arg)}
    return found | {
        alias.asname or alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom | ast.Import)
        for alias in node.names
    }


@ids
def test_a_mutant_can_be_made_and_is_python(mutant: Mutant) -> None:
    assert mutant.stale() is None, f"{mutant.name}: {mutant.stale()}; put its `old` and `new` right"
    assert mutant.old != mutant.new
    text = (ROOT / PACKAGE / mutant.file).read_text(encoding="utf-8")
    unknown = names(text.replace(mutant.old, mutant.new)) - names(text) - set(dir(builtins))
    assert not unknown, f"{mutant.name} would fail for a name that is not there, and not for what it does: {unknown}"


@ids
def test_its_tests_are_there(mutant: Mutant) -> None:
    assert mutant.tests
    for test in mutant.tests:
        file, _, name = test.partition("::")
        text = (ROOT / "tests" / file).read_text(encoding="utf-8")
        function = name.partition("[")[0]
        assert not name or re.search(rf"^def {re.escape(function)}\(", text, flags=re.MULTILINE), test


def test_there_are_enough_in_every_room() -> None:
    names = [mutant.name for mutant in MUTANTS]
    assert len(names) == len(set(names)) >= 60
    rooms = {mutant.file.split("/")[0] for mutant in MUTANTS} | {mutant.file for mutant in MUTANTS}
    assert rooms >= {*ROOMS, *SINGLE}
    assert len(THIRTEEN) == 13
    assert set(THIRTEEN) <= set(names)
