"""What a stranger may rely on before reading code: the first commands, small files, light imports, valid recipes."""

from __future__ import annotations

import ast
import doctest
import importlib
import os
import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest

from thinkrec.run.recipe_files import is_recipe_file, list_recipe_folders, load_recipe

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
WITH_EXAMPLES = [path for path in SOURCES if ">>> " in path.read_text(encoding="utf-8")]
RECIPES = sorted(path for path in (ROOT / "recipes").rglob("*.yaml") if is_recipe_file(path))
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def tracked_texts() -> dict[str, str]:
    """Tracked files, and those not ignored that wait to be, that hold text: path from the root -> content."""
    git = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        names = subprocess.run(git, capture_output=True, check=True, text=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):  # an unpacked archive has no .git
        names = [str(path.relative_to(ROOT)) for path in SOURCES + RECIPES]
    texts = {}
    for name in filter(None, names):
        path = ROOT / name
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b"\0"
        if b"\0" not in content:
            texts[name] = content.decode("utf-8", errors="replace")
    return texts


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))


def test_the_readme_begins_with_two_commands_that_exist() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:30]
    fences = [number for number, line in enumerate(lines) if line.startswith("```")]
    assert len(fences) >= 2, "the first 30 lines of README.md need a fenced block with the two commands"
    written = [line.split("#")[0].strip() for line in lines[fences[0] + 1 : fences[1]]]
    commands = [line for line in written if line]
    assert len(commands) == 2
    targets = [command.split()[1] for command in commands if command.startswith("make ")]
    assert "demo" in targets
    assert set(targets) <= make_targets()


def test_the_readme_is_short_and_its_python_is_that_of_the_package() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len([line for line in code.splitlines() if line]) <= 8
    exec("\n".join(line for line in code.splitlines() if line.startswith("from ")), {})
    methods = set(re.findall(r"model\.(\w+)\(", code))
    assert methods == {"rank", "explain", "save"}
    assert all(callable(getattr(importlib.import_module("thinkrec").ThinkRec, name)) for name in methods)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_links_to_is_there(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"\w+:", target)]
    missing = [target for target in targets if not (page.parent / (target.partition("#")[0] or page.name)).exists()]
    assert missing == []


def test_every_page_of_the_documentation_stands_in_its_menu() -> None:
    menu = re.findall(r"[\w/-]+\.md$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(menu) == sorted(str(page.relative_to(ROOT / "docs")) for page in PAGES if "docs" in page.parts)


@pytest.mark.parametrize(
    "script",
    [
        "results_tables.py",
        "reasons_sample.py",
        "scale_tables.py",
        "slices_table.py",
        "exports_table.py",
        "calibration_page.py",
        "ceiling_svg.py",
        "groups_page.py",
        "study_tables.py",
    ],
)
def test_the_tables_of_results_are_those_of_the_results_folder(script: str) -> None:
    command = [sys.executable, str(ROOT / "docs" / "generate" / script), "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}run {' '.join(command[1:-1])}"


def test_the_makefile_has_every_target_and_explains_it() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    explained = set(re.findall(r"^([a-z0-9]+):.*## \w+", text, flags=re.MULTILINE))
    assert explained == {
        "help",
        "setup",
        "demo",
        "test",
        "search",
        "mutants",
        "lint",
        "docs",
        "ml1m",
        "study",
        "slices",
        "analyses",
        "reasons",
        "faithfulness",
        "thinking",
        "untaught",
        "bench",
        "clean",
    }
    assert explained == make_targets()


def test_makefile_names_recipes_that_are_there() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    joined = text.replace("\\\n", "")
    lists = dict(
        re.findall(r"^(ML1M|WRITERS|SMOLLM2|COMPLETE|BASELINES|ABLATIONS) = *(.*)$", joined, flags=re.MULTILINE)
    )
    writers = lists["WRITERS"].split()
    # Those with SmolLM2 need its package, and hours: they have a target of their own.
    others = [name for key in ("SMOLLM2", "COMPLETE", "BASELINES", "ABLATIONS") for name in lists[key].split()]
    names = [*lists["ML1M"].replace("$(WRITERS)", lists["WRITERS"]).split(), *others]
    folder = ROOT / "recipes" / "ml1m"
    there = [path.relative_to(folder).with_suffix("") for path in folder.rglob("*.yaml") if is_recipe_file(path)]
    assert writers[0] == "thinkrec-nano"
    assert sorted(names) == sorted(map(str, there)), "the targets ml1m, ml1m-... run every recipe of that folder"


def test_the_makefile_runs_every_study_of_movielens() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    listed = re.findall(r"^STUDIES = (.*)$", text, flags=re.MULTILINE)[0].split()
    alone = re.findall(r"thinkrec study ml1m-([a-z0-9-]+) ", text)
    there = [path.name.removeprefix("ml1m-") for path in (ROOT / "recipes" / "studies").iterdir()]
    assert sorted([*listed, *alone]) == sorted(there)


def test_the_ci_script_runs_the_tests() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111, ".ci/run needs its run bit"
    assert "make test" in script.read_text(encoding="utf-8").splitlines()


def test_versions_agree() -> None:
    import thinkrec

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == thinkrec.__version__


def test_constraints_pin_every_direct_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [
        *project["dependencies"],
        *chain(*(extras[name] for name in ("teacher", "keywords", "text", "test", "docs"))),
    ]
    pins = re.findall(r"^([\w.-]+)==", (ROOT / "constraints-cpu.txt").read_text(encoding="utf-8"), flags=re.MULTILINE)
    plain = {name.lower().replace("_", "-") for name in pins}
    named = {re.split(r"[\[<>=]", line)[0].lower().replace("_", "-") for line in wanted} - {project["name"]}
    lacking = named - plain
    assert lacking == set()


NAMED_OTHERWISE = {
    "pydantic_core": "pydantic",
    "yaml": "pyyaml",
    "sklearn": "scikit-learn",
    "rouge_score": "rouge-score",
    "spellchecker": "pyspellchecker",
}
"""Package on the index, where it is not called as its module is."""


def test_every_package_that_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    declared = {re.split(r"[\[<>=;]", line)[0].lower().replace("_", "-") for line in lines}
    imported = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add((node.module or "").partition(".")[0])
    foreign = imported - set(sys.stdlib_module_names) - {"thinkrec"}
    assert {NAMED_OTHERWISE.get(name, name.replace("_", "-")) for name in foreign} - declared == set()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_a_source_file_is_without_pandas(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"^\s*(import|from) pandas\b", text, flags=re.MULTILINE)


# Not pytest's --doctest-modules: it takes every conftest.py for a module, and those of two rooms have one name.
@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_the_examples_in_docstrings_hold(path: Path) -> None:
    module = importlib.import_module(".".join(path.relative_to(ROOT / "src").with_suffix("").parts))
    failed, attempted = doctest.testmod(module)
    assert attempted > 0
    assert failed == 0


def test_no_file_names_a_place_on_the_authors_machine() -> None:
    # Put together here, so that this file does not find itself.
    here = re.compile("(?<![A-Za-z0-9_.>~-])/(" + "|".join(("work", "root", "home", "Users")) + ")/[A-Za-z]")
    found = [
        f"{name}: {match.group()}" for name, text in tracked_texts().items() for match in [here.search(text)] if match
    ]
    assert found == []


@pytest.mark.parametrize("module", ["thinkrec", "thinkrec.cli"])
def test_importing_thinkrec_is_light(module: str) -> None:
    heavy = ("torch", "transformers", "polars", "sklearn", "scipy", "numpy")
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    assert done.stdout.strip() == "[]"


def test_public_names_arrive_when_asked_for() -> None:
    code = (
        "import thinkrec; "
        "print(sorted(n for n in thinkrec.__all__ if n[0] != '_' and getattr(thinkrec, n).__name__ != n))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    assert done.stdout.strip() == "[]"


def test_there_are_recipes_and_the_clone_is_where_they_are_looked_for() -> None:
    assert RECIPES
    assert ROOT / "recipes" in list_recipe_folders()


@pytest.mark.parametrize(
    "path", RECIPES, ids=lambda path: path.relative_to(ROOT / "recipes").with_suffix("").as_posix()
)
def test_a_shipped_recipe_parses_and_says_how_to_run_it(path: Path) -> None:
    name = path.relative_to(ROOT / "recipes").with_suffix("").as_posix()
    assert load_recipe(path).name == name
    comments = [line.partition("#")[2] for line in path.read_text(encoding="utf-8").splitlines()]
    launch = "thinkrec demo" if name == "demo" else f"thinkrec run {name}"
    assert any(launch in line for line in comments), f"the comment at the top of {path.name} should say `{launch}`"
