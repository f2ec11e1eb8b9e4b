"""No folder imports one above it, and nothing imports in a circle: every import counts, wherever it stands."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from support.source_tree import (
    PACKAGE,
    ROOT,
    find_circles,
    get_room,
    list_import_arrows,
    list_source_files,
    name_module,
    parse_file,
)

LAYERS = (
    "errors",
    "io",
    "data",
    "simulate",
    "collab",
    "retrieve",
    "personal",
    "claims",
    "prompts",
    "model",
    "engine",
    "decoding",
    "teacher",
    "keywords",
    "reasons",
    "score",
    "train",
    "evaluate",
    "run",
    "export",
    "scale",
    "study",
    "api",
    "doctor",
    "testing",
    "serve",
    "cli",
    "__main__",
)
"""Folders and single files of the package, low to high: each may import those before it."""


def find_upward_arrows(package: Path = PACKAGE, layers: tuple[str, ...] = LAYERS) -> list[str]:
    """One line per import of a folder above, with its place."""
    levels = {room: level for level, room in enumerate(layers)}
    lines = []
    for arrow in list_import_arrows(package):
        source, target = get_room(arrow.source), get_room(arrow.target)
        # The package's own __init__.py hands out names of all folders when they are asked for.
        if source and target and levels[target] > levels[source]:
            lines.append(f"{arrow.place}: {source} imports {arrow.target}, which stands above it")
    return lines


def test_every_folder_has_its_layer() -> None:
    rooms = {get_room(name_module(path)) for path in list_source_files()} - {""}
    assert rooms == set(LAYERS), "write new folders into LAYERS, in the place of the lowest that needs them"


def test_no_folder_imports_one_above_it() -> None:
    assert find_upward_arrows() == []


def test_nobody_below_takes_what_the_package_hands_out() -> None:
    # `from thinkrec import ThinkRec` would be an arrow up in disguise; the version is everybody's.
    below = LAYERS[: LAYERS.index("api")]
    lines = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in list_source_files()
        if get_room(name_module(path)) in below
        for name, line in list_package_names(path)
        if name != "__version__" and not (PACKAGE / name).exists() and not (PACKAGE / f"{name}.py").exists()
    ]
    assert lines == []


def list_package_names(path: Path) -> list[tuple[str, int]]:
    """(name, line) of what a file takes from the package itself."""
    names = []
    for node in ast.walk(parse_file(path)):
        if isinstance(node, ast.ImportFrom) and node.module == "thinkrec":
            names += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "thinkrec":
            names.append((node.attr, node.lineno))
    return names


def test_no_modules_import_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for arrow in list_import_arrows():
        if arrow.source and arrow.target:
            graph.setdefault(arrow.source, set()).add(arrow.target)
    assert find_circles(graph) == []


def test_the_design_shows_the_layers() -> None:
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- layers: begin -->\s*```\n(.*?)```", text, flags=re.DOTALL)
    assert block, "docs/design.md lacks its block of layers"
    shown = re.findall(r"^(\w+)(?:/|\.py)?\s", block[1] + "\n", flags=re.MULTILINE)
    assert shown == list(LAYERS)


def write_package(folder: Path, files: dict[str, str]) -> Path:
    """A package of these files under a src folder of its own."""
    package = folder / "src" / "thinkrec"
    for name, text in files.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        (path.parent / "__init__.py").touch()
    return package


def test_an_arrow_up_is_told_with_its_place_wherever_it_hides(tmp_path: Path) -> None:
    package = write_package(
        tmp_path,
        {
            "low/plain.py": "import thinkrec.high.top\n",
            "low/inside.py": "def f():\n    from thinkrec.high.top import g\n    return g\n",
            "low/typed.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from thinkrec.high import top\n",
            "low/relative.py": "from ..high import top\n",
            "low/named.py": "import importlib\nimportlib.import_module('thinkrec.high.top')\n",
            "low/fine.py": "from thinkrec.low import plain\nfrom . import inside\nimport os\n",
            "high/top.py": "from thinkrec.low.fine import plain\ndef g(): ...\n",
        },
    )
    lines = find_upward_arrows(package, ("low", "high"))
    places = sorted(line.partition(": ")[0].removeprefix("src/thinkrec/low/") for line in lines)
    assert places == ["inside.py:2", "named.py:2", "plain.py:1", "relative.py:1", "typed.py:3"]
    assert find_upward_arrows(package, ("high", "low")) == [
        "src/thinkrec/high/top.py:1: high imports low.fine, which stands above it"
    ]


def test_circles_are_those_that_reach_each_other() -> None:
    assert find_circles({"a": ["b"], "b": ["c"], "c": ["a", "d"], "d": ["e"], "e": []}) == [["a", "b", "c"]]
    assert find_circles({"a": ["b"], "b": ["c"], "c": []}) == []
    assert find_circles({"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c", "a"]}) == [["a", "b"], ["c", "d"]]
