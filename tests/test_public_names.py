"""What can be imported from `thinkrec`: each name, from one place, known to editors, and fetched when asked for."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import thinkrec

SOURCE = Path(thinkrec.__file__).resolve()
NAMES = {
    "thinkrec.api": {"ThinkRec", "load"},
    "thinkrec.collab.encoder": {"Encoder", "Scorer"},
    "thinkrec.data.dataset": {"Dataset", "Domain"},
    "thinkrec.data.split": {"ByColumn", "ByDates", "ByFractions", "ByLast", "ByMonths", "ByRandom"},
    "thinkrec.errors": {"CheckpointError", "DataError", "DataWarning", "RecipeError", "ThinkRecError"},
    "thinkrec.evaluate.metrics.bootstrap": {"bootstrap_metrics", "compute_interval", "compute_paired_difference"},
    "thinkrec.evaluate.metrics.calibration": {"compute_expected_calibration_error"},
    "thinkrec.evaluate.metrics.ranking": {"compute_auc", "compute_map", "compute_ndcg", "compute_uauc"},
    "thinkrec.run.options": {"RunOptions"},
    "thinkrec.run.recipe": {"Recipe"},
    "thinkrec.run.recipe_files": {"load_recipe"},
    "thinkrec.score.answers": {"Explanation", "HistoryItem", "Ranked"},
}
"""Module -> the names that come from it."""


def run_python(code: str) -> str:
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(SOURCE.parents[1])}
    )
    return done.stdout.strip()


def test_the_list_is_complete_and_every_name_is_the_one_of_its_module() -> None:
    public = {name for names in NAMES.values() for name in names}
    assert set(thinkrec.__all__) == public | {"__version__"}
    assert thinkrec.__all__ == sorted(thinkrec.__all__) and set(thinkrec.__all__) <= set(dir(thinkrec))
    for module, names in NAMES.items():
        for name in names:
            assert getattr(thinkrec, name) is getattr(importlib.import_module(module), name)


def test_editors_are_told_the_same_names() -> None:
    (block,) = [
        node
        for node in ast.parse(SOURCE.read_text(encoding="utf-8")).body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    ]
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    assert {node.module: {alias.name for alias in node.names} for node in imports} == NAMES


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'thinkrec' has no attribute 'Thinkrec'"):
        _ = thinkrec.Thinkrec  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ImportError):
        exec("from thinkrec import nothing", {})


@pytest.mark.parametrize(
    ("names", "absent"),
    [
        ("", "torch polars numpy pydantic scipy"),
        ("__version__", "torch polars numpy pydantic importlib.metadata"),
        ("ThinkRecError, DataWarning", "torch polars numpy pydantic"),
        ("compute_auc, bootstrap_metrics", "torch transformers polars"),
        ("Dataset, ByDates", "torch transformers"),
    ],
)
def test_a_name_brings_no_more_than_it_needs(names: str, absent: str) -> None:
    line = f"from thinkrec import {names}" if names else "import thinkrec"
    code = f"import sys; {line}; print([name for name in {absent.split()} if name in sys.modules])"
    assert run_python(code) == "[]"
