"""docs/teach.md does what it says, as far as that needs no network."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from thinkrec.cli import app
from thinkrec.reasons.config_files import read_synthesis_config
from thinkrec.run.recipe import parse_recipe

DOCS = Path(__file__).resolve().parents[2] / "docs"


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tables of own-data.md and the files of teach.md, in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    for name, content in zip(("interactions.csv", "items.csv"), blocks("own-data.md", "csv"), strict=True):
        (tmp_path / name).write_text(content)
    recipe, teach, *_ = blocks("teach.md", "yaml")
    (tmp_path / "books.yaml").write_text(recipe)
    (tmp_path / "teach.yaml").write_text(teach)
    return tmp_path


def test_every_command_is_understood_and_those_without_a_network_run(example: Path) -> None:
    lines = [line for block in blocks("teach.md", "sh") for line in block.splitlines()]
    commands = [shlex.split(line) for line in lines if line.startswith("thinkrec ")]
    needs_run = ("predict", "sample", "choose", "run", "evaluate")
    commands = [command for command in commands if not {*command[1:3]} & {*needs_run}]
    assert len(commands) == 6
    for command in commands:
        asks = command[command.index("--teacher") + 1] != "rules" and "--dry-run" not in command
        result = CliRunner().invoke(app, [*command[1:], *(["--dry-run"] if asks else [])])
        assert result.exit_code == 0, (command, result.output)
    assert (example / "reasons" / "books" / "reasons.parquet").is_file()


def test_the_files_are_read(example: Path) -> None:
    settings = read_synthesis_config(Path("teach.yaml"), {})
    assert settings.selection == "mixed" and settings.teacher.kind == "api"
    recipe, _, training, *_ = (yaml.safe_load(block) for block in blocks("teach.md", "yaml"))
    found = parse_recipe({**recipe, **training}, "teach.md")
    assert found.model.kind == "thinkrec" and found.model.reasons.exclude_hinted
    result = CliRunner().invoke(
        app, ["reasons", "synthesize", "books.yaml", "--config", "teach.yaml", "--selection", "random", "--dry-run"]
    )
    assert result.exit_code == 0, result.output
