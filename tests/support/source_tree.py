"""The package as text: its files, their parsed trees and who imports whom."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "thinkrec"


@dataclass(frozen=True)
class ImportArrow:
    """One import of one module of the package by another."""

    source: str
    """Dotted name below the package; the package itself is the empty name."""
    target: str
    place: str
    """path:line of the import."""


@cache
def list_source_files(package: Path = PACKAGE) -> tuple[Path, ...]:
    """All Python files of a package, in order of their paths."""
    return tuple(sorted(package.rglob("*.py")))


@cache
def parse_file(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def name_module(path: Path, package: Path = PACKAGE) -> str:
    """Dotted name of a file below its package: `data.tables`; a folder's for its __init__.py."""
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def get_room(module: str) -> str:
    """The folder or the single file directly below the package in which a module stands."""
    return module.partition(".")[0]


def list_import_arrows(package: Path = PACKAGE) -> list[ImportArrow]:
    """Every import between modules of a package: at the top, inside functions and under TYPE_CHECKING alike."""
    files = {name_module(path, package): path for path in list_source_files(package)}
    return [
        ImportArrow(module, target, f"{path.relative_to(package.parents[1])}:{line}")
        for module, path in files.items()
        for target, line in list_imported_modules(parse_file(path), module, path, package.name, files)
        if target != module
    ]


def list_imported_modules(
    tree: ast.Module, module: str, path: Path, package: str, files: Iterable[str]
) -> Iterator[tuple[str, int]]:
    """(module below the package, line) of each import of the package's own modules; `files`: all their names."""
    parent = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = _list_from_names(node, package, parent)
        elif _is_import_call(node):
            names = [node.args[0].value]  # pyright: ignore[reportAttributeAccessIssue]
        else:
            continue
        for name in names:
            if name == package or name.startswith(f"{package}."):
                yield _find_module(name.removeprefix(package).removeprefix("."), files), node.lineno  # pyright: ignore[reportAttributeAccessIssue]


def _list_from_names(node: ast.ImportFrom, package: str, parent: str) -> list[str]:
    base = node.module or ""
    if node.level:
        above = parent.split(".") if parent else []
        above = above[: len(above) - node.level + 1]
        base = ".".join([package, *above, *filter(None, [base])])
    return [f"{base}.{alias.name}" for alias in node.names]


def _is_import_call(node: ast.AST) -> bool:
    """Whether this is import_module("...") with the name written out."""
    if not (isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__")):
        return False
    return bool(node.args) and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)


def _find_module(name: str, files: Iterable[str]) -> str:
    """The longest beginning of a dotted name that is a module: what follows is a name in it."""
    known = set(files)
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name


def find_circles(arrows: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Groups of two or more nodes that all reach each other (strongly connected components), sorted."""
    reachable = {node: _find_reachable(arrows, node) for node in arrows}
    circles = {
        frozenset({node, *(other for other in reached if node in reachable.get(other, ()))})
        for node, reached in reachable.items()
    }
    return sorted(sorted(circle) for circle in circles if len(circle) > 1)


def _find_reachable(arrows: Mapping[str, Iterable[str]], start: str) -> set[str]:
    reached: set[str] = set()
    waiting = list(arrows.get(start, ()))
    while waiting:
        node = waiting.pop()
        if node not in reached:
            reached.add(node)
            waiting.extend(arrows.get(node, ()))
    return reached
