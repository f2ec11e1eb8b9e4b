"""Files are short, plainly formatted, tested, and where the design says they are."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from support.source_tree import PACKAGE, ROOT, list_imported_modules, list_source_files, name_module, parse_file

CODE = tuple(
    path for folder in ("src", "tests", "bench", "pretrain", "docs") for path in sorted((ROOT / folder).rglob("*.py"))
)
LINES = 400
"""Files stay below."""
CALLED_BY_NAME = {"cli", "__main__"}
"""Folders whose tests call commands as a user does, so that they import none of the files."""
MIN_FEATURES = 20


def find_untested_modules() -> set[str]:
    """Modules that no test file imports, neither themselves nor by what a package hands out."""
    files = {name_module(path): path for path in list_source_files()}
    homes = list_public_homes(files)
    imported: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        tree = parse_file(path)
        imported |= {module for module, _ in list_imported_modules(tree, "", path, PACKAGE.name, files)}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                package = node.module.removeprefix(PACKAGE.name).removeprefix(".")
                imported |= {homes[package, alias.name] for alias in node.names if (package, alias.name) in homes}
    return {
        module
        for module, path in files.items()
        if module not in imported and path.name != "__init__.py" and module.partition(".")[0] not in CALLED_BY_NAME
    }


def list_public_homes(files: dict[str, Path]) -> dict[tuple[str, str], str]:
    """(package, name) -> the module that a package's __init__.py takes the name from."""
    homes = {}
    for package, path in files.items():
        if path.name == "__init__.py":
            for node in ast.walk(parse_file(path)):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{PACKAGE.name}."):
                    module = (node.module or "").removeprefix(f"{PACKAGE.name}.")
                    homes |= {(package, alias.asname or alias.name): module for alias in node.names}
    return homes


def list_features() -> dict[str, list[str]]:
    """What the table of features in docs/design.md says: feature -> paths from the root."""
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- features: begin -->(.*?)<!-- features: end -->", text, flags=re.DOTALL)
    assert block, "docs/design.md lacks its table of features"
    rows = [line.strip("| ").split("|") for line in block[1].strip().splitlines()[2:]]
    return {row[0].strip(): re.findall(r"`([^`]+)`", row[1]) for row in rows}


def test_no_file_is_longer_than_one_reads_at_once() -> None:
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text("utf-8").splitlines()) for path in CODE}
    assert {name: lines for name, lines in lengths.items() if lines >= LINES} == {}


def test_every_source_file_has_a_test_that_imports_it() -> None:
    assert find_untested_modules() == set(), "write a test file for them, in the folder of tests/ of the same name"


def test_nothing_is_kept_from_the_formatter() -> None:
    # The tables of mutants are read line by line, one mutant beside the other.
    code = [path for path in CODE if not path.match("tests/mutants/mutants_*.py")]
    # Put together here, so that this file does not find itself.
    mark = re.compile(r"#\s*fmt" + r":\s*(skip|off|on)")
    lines = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in code
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if mark.search(line)
    ]
    assert lines == []


def test_no_test_touches_the_import_path() -> None:
    # A copy of the whole tree is what the runner of mutants works in; it has to point Python there.
    allowed = {"tests/mutants/tree.py"}
    mark = re.compile(r"sys\.path(\.(insert|append|extend|remove)\b|\[.*\]\s*=|\s*[+]?=[^=])")
    lines = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in CODE
        if path.is_relative_to(ROOT / "tests") and path.relative_to(ROOT).as_posix() not in allowed
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if mark.search(line)
    ]
    assert lines == []


def test_every_feature_is_where_the_design_says() -> None:
    features = list_features()
    assert len(features) >= MIN_FEATURES
    assert [feature for feature, paths in features.items() if not paths] == []
    assert [path for paths in features.values() for path in paths if not (ROOT / path).exists()] == []
