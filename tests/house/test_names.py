"""Functions are verbs with their object, and no local name is one that says nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.source_tree import PACKAGE, list_source_files, name_module, parse_file

HERE = Path(__file__).parent
VERBS = frozenset(
    line for line in (HERE / "verbs.txt").read_text(encoding="utf-8").splitlines() if not line.startswith("#")
)
ONE_WORD = {("cli", "main")}
"""Functions of one word that are no commands; (module, name)."""
BANNED = frozenset(["found", "made", "kept", "it", "wares", "bone", "told", "shelf", "purse", "meant", "said", "each"])
"""Names that say nothing of a value, or that say what it is like instead of what it is."""


def list_commands() -> set[tuple[str, str]]:
    """(module, name) of the functions behind the command line: they are called what the commands are called."""
    from thinkrec.cli import app

    functions, waiting = [], [app]
    while waiting:
        group = waiting.pop()
        callbacks = [command.callback for command in group.registered_commands]
        if group.registered_callback is not None:
            callbacks.append(group.registered_callback.callback)
        functions += [callback for callback in callbacks if callback is not None]
        waiting += [nested.typer_instance for nested in group.registered_groups if nested.typer_instance is not None]
    return {(function.__module__.removeprefix("thinkrec."), function.__name__) for function in functions}


def explain_bad_name(name: str) -> str | None:
    """What is wrong with a function's name; None where nothing is."""
    words = name.strip("_").split("_")
    if words[0] not in VERBS:
        return f"{words[0]!r} is not among tests/house/verbs.txt"
    return "a verb without its object" if len(words) < 2 else None


def list_functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions of a module, those under an `if` or a `try` too; no methods, no functions within functions."""
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        elif not isinstance(node, ast.ClassDef):
            waiting += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]


def list_bound_names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """(name, line) wherever a name is given a value: assignments, loops, arguments, with, except, match, imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name, node.lineno
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname, node.lineno


def find_banned_names(path: Path) -> list[str]:
    """One line per banned name that a file gives a value to."""
    bound = sorted({(line, name) for name, line in list_bound_names(parse_file(path)) if name in BANNED})
    return [f"{path.relative_to(PACKAGE.parent)}:{line}: {name}" for line, name in bound]


def test_every_function_is_a_verb_with_its_object() -> None:
    exempt = ONE_WORD | list_commands()
    lines = []
    for path in list_source_files():
        for function in list_functions(parse_file(path)):
            where = name_module(path), function.name
            fault = None if function.name.startswith("__") or where in exempt else explain_bad_name(function.name)
            if fault:
                lines.append(f"{path.relative_to(PACKAGE.parent)}:{function.lineno}: {function.name}: {fault}")
    assert lines == []


def test_exemptions_are_of_functions_that_need_them() -> None:
    there = {
        (name_module(path), function.name)
        for path in list_source_files()
        for function in list_functions(parse_file(path))
        if explain_bad_name(function.name)
    }
    assert ONE_WORD - there == set()


def test_no_local_name_says_nothing() -> None:
    assert [line for path in list_source_files() for line in find_banned_names(path)] == []


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("read_manifest", None),
        ("_read_manifest", None),
        ("is_open", None),
        ("read", "a verb without its object"),
        ("_read", "a verb without its object"),
        ("manifest_of", "'manifest' is not among tests/house/verbs.txt"),
    ],
)
def test_a_name_is_judged_by_its_words(name: str, fault: str | None) -> None:
    assert explain_bad_name(name) == fault


def test_functions_are_those_of_the_module() -> None:
    text = (
        "def a():\n  def b(): ...\nclass C:\n  def d(self): ...\nif 1:\n  def e(): ...\nelse:\n  async def f(): ...\n"
    )
    assert sorted(function.name for function in list_functions(ast.parse(text))) == ["a", "e", "f"]


def test_names_are_seen_wherever_they_get_a_value(tmp_path: Path) -> None:
    text = """
found = 1
for made, b in x: pass
with open(x) as kept: pass
def f(it, *bone, shelf=1, **told): return [purse for purse in x]
try: pass
except E as meant: pass
(said := 2)
each: int = 3
import numpy as wares
match x:
    case [y, *found]: pass
use(found, it=3); a.found = 1; d["made"] = 2
"""
    names = sorted(name for name, _ in list_bound_names(ast.parse(text)) if name in BANNED)
    assert names == sorted([*BANNED, "found"])
