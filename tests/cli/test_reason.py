"""`thinkrec reason`, from a recipe to a table, with every kind of teacher."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
import yaml
from support.asking import DS, PROSE, SEED, WORLD
from support.scripted_server import Request, fails, says, serve
from support.tiny_folder import write_backbone
from typer.testing import CliRunner, Result

from thinkrec.cli import app
from thinkrec.commands.teaching import read_config
from thinkrec.errors import RecipeError
from thinkrec.reasons.written import read_written_reasons
from thinkrec.run.recipe_files import load_recipe


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    content = {
        "name": "mine",
        "data": {"kind": "simulator", "seed": SEED, "simulator": WORLD.model_dump()},
        "model": {"kind": "thinkrec"},
    }
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["reason", *map(str, arguments)])


def test_rules_need_nothing(recipe: Path) -> None:
    result = call(recipe, "--teacher", "rules", "--rows", 30)
    assert result.exit_code == 0, result.output
    table = pl.read_parquet("reasons/mine/reasons.parquet")
    report = json.loads(Path("reasons/mine/reasons.report.json").read_text())
    assert report["kept"] == table.height > 10 and report["kept"] + report["wrong"] == report["rows"] == 30
    assert table.height == len(read_written_reasons(DS, Path("reasons/mine/reasons.parquet")))
    assert len(Path("reasons/mine/attempts.jsonl").read_text().splitlines()) == 30
    # A recipe can train on it.
    more = ["model.reasons.source=written", "model.reasons.file=reasons/mine/reasons.parquet"]
    chosen = load_recipe(recipe, [*more, "model.reasons.exclude_hinted=true"]).model
    assert chosen.reasons.exclude_hinted  # type: ignore[union-attr]


def test_a_local_model(recipe: Path, tmp_path: Path) -> None:
    model = write_backbone(tmp_path / "lm", DS)
    options = ("--teacher", "local", "--model", model, "--rows", 4, "--max-tokens", 5, "--policy", "discard")
    result = call(recipe, *options, "--out", "r.jsonl", "--store", "s.jsonl")
    assert result.exit_code == 0, result.output
    assert json.loads(Path("r.report.json").read_text())["requests"] == 4
    assert Path("r.jsonl").exists() and len(Path("s.jsonl").read_text().splitlines()) == 4


def test_an_endpoint_with_a_config_and_a_key_that_is_kept_nowhere(
    recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-never-write-me-down")
    asked: list[Request] = []

    def react(request: Request):
        asked.append(request)
        return says(f"Yes. {PROSE}")

    with serve(react) as served:
        content = {"n_rows": 99, "policy": "discard", "teacher": {"kind": "api", "model": "m", "base_url": served.url}}
        Path("teach.yaml").write_text(yaml.safe_dump(content))
        result = call(recipe, "--config", "teach.yaml", "--rows", 6, "--key-env", "MY_KEY", "--out", "r.csv")
        assert result.exit_code == 0, result.output
    assert len(asked) == 6 and asked[0].headers["authorization"] == "Bearer sk-never-write-me-down"
    for path in (p for p in recipe.parent.rglob("*") if p.is_file()):
        assert b"never-write" not in path.read_bytes(), path
    assert "never-write" not in result.output


def test_a_dry_run_asks_nothing_and_needs_no_key(recipe: Path) -> None:
    options = (recipe, "--teacher", "api", "--model", "m", "--base-url", "https://example.invalid/v1", "--rows", 10)
    result = call(*options, "--dry-run", "--price-in", 2, "--price-out", 8, "--max-tokens", 1000, "--attempts", 2)
    assert result.exit_code == 0, result.output
    text = " ".join(result.output.split())
    assert "10, of which 0 need no more asking" in text and "10 requests" in text and "20 requests" in text
    assert "4,000 answer tokens" in text and "20,000 answer tokens" in text and "in money" in text
    assert not Path("reasons").exists()
    assert "money unknown" in call(*options, "--dry-run").output


def test_a_dry_run_goes_by_what_was_measured(recipe: Path) -> None:
    with serve(lambda request: says(f"Yes. {PROSE}")) as served:
        options = (recipe, "--teacher", "api", "--model", "m", "--base-url", served.url, "--policy", "discard")
        assert call(*options, "--rows", 5).exit_code == 0
        text = " ".join(call(*options, "--rows", 8, "--dry-run").output.split())
        assert len(served.requests) == 5
    assert "8, of which 5 need no more asking" in text and "20 (measured on 5 answers in the store)" in text


def test_a_refusal_is_an_error_and_a_spent_budget_is_not(recipe: Path) -> None:
    def react(request: Request):
        return says(f"Yes. {PROSE}") if len(served.requests) <= 3 else fails(402, "no credit")

    with serve(react) as served:
        options = (
            recipe,
            "--teacher",
            "api",
            "--model",
            "m",
            "--base-url",
            served.url,
            "--rows",
            9,
            "--policy",
            "discard",
        )
        result = call(*options, "--budget-requests", 2)
        assert result.exit_code == 0 and "budget is spent" in " ".join(result.output.split())
        result = call(*options)
        assert result.exit_code == 2 and "402" in result.stderr and "no credit" in result.stderr
    report = json.loads(Path("reasons/mine/reasons.report.json").read_text())
    assert report["first_answers"] == 3 and report["not_asked"] == 6 and "402" in report["stopped"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "who shall teach"),
        (("--teacher", "oracle"), "oracle"),
        (("--teacher", "api"), "which model"),
        (("--teacher", "api", "--model", "m"), "where is the teacher"),
        (("--teacher", "api", "--model", "m", "--base-url", "https://a.b/v1"), "OPENAI_API_KEY"),
        (("--teacher", "rules", "--out", "a.docx"), ".parquet"),
        (("--teacher", "rules", "--rows", "0"), "rows"),
        (("--teacher", "rules", "--model", "m"), "teacher.model: unknown key"),
        (("--teacher", "rules", "--choose", "wrong"), "predictions"),
        (("--teacher", "api", "--model", "m", "--budget-money", "1"), "prices"),
        (("--config", "none.yaml"), "none.yaml"),
        (("--config", "json.yaml"), "take response_format out of teacher.extra"),
        (("--config", "twice.yaml"), "'max_tokens' is not for `extra`; set teacher.max_tokens"),
        (("--teacher", "rules", "--store", "mine.yaml/a.jsonl"), "choose another --store"),
    ],
)
def test_mistakes_are_told_in_one_message(recipe: Path, options: tuple[str, ...], words: str) -> None:
    for name, extra in (("json", {"response_format": {"type": "json_object"}}), ("twice", {"max_tokens": 9})):
        Path(f"{name}.yaml").write_text(yaml.safe_dump({"teacher": {"kind": "api", "model": "m", "extra_body": extra}}))
    result = call(recipe, *options)
    assert result.exit_code == 2 and words in result.stderr and "Traceback" not in result.output


def test_options_go_before_the_file() -> None:
    path = Path("teach.yaml")
    given = {"teacher.kind": "rules", "rows": 3, "seed": None}
    assert read_config(None, given).n_rows == 3
    with pytest.raises(RecipeError, match="cannot be read"):
        read_config(path, given)
