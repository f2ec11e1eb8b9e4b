"""`thinkrec evaluate text` with a run and a reference model, on a tiny world."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from typer.testing import CliRunner, Result

from thinkrec.cli import app
from thinkrec.evaluate.text import wordnet
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue
from thinkrec.teacher.rule_reasons import argue_row

SIZES = {"users": 30, "items": 60, "interactions_per_user": [6, 12]}
DS = simulate_catalogue(SimulatorConfig.model_validate(SIZES), 5).dataset
ROWS = DS.interactions.get_split_rows(2)[:12]
TEXTS = [argue_row(DS, int(row), 4, np.random.default_rng(int(row))).text for row in ROWS]
ALONE = (
    "repeated_4grams",
    "unknown_words",
    "likelihood",
    "target_named",
    "support",
    "support_shown",
    "support_elsewhere",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """run/ with a recipe; written.parquet and loops.parquet about its test rows."""
    base = tmp_path_factory.mktemp("texts")
    (base / "run").mkdir()
    model = {"kind": "thinkrec", "prompt": {"history": 4}}
    content = {"name": "tiny", "data": {"kind": "simulator", "seed": 5, "simulator": SIZES}, "model": model}
    (base / "run" / "recipe.yaml").write_text(yaml.safe_dump(content))
    table = pl.DataFrame({"order": DS.interactions.order[ROWS], "reason": TEXTS})
    table.write_parquet(base / "written.parquet")
    table.with_columns(reason=pl.lit("Yes. " + "It is a sincome and " * 6)).write_parquet(base / "loops.parquet")
    return base


def call(folder: Path, *arguments: object) -> Result:
    written = ("--references", folder / "written.parquet", "--draws", 100)
    return CliRunner().invoke(
        app, [str(a) for a in ("evaluate", "text", folder / "loops.parquet", *written, *arguments)]
    )


def test_a_run_and_a_model_give_every_metric(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordnet, "_PLACES", ())
    out = tmp_path / "text-metrics.json"
    result = call(
        folder, "--run", folder / "run", "--reference-model", "nano", "--reference-dtype", "float32", "--out", out
    )
    assert result.exit_code == 0, result.output
    for words in ("The same texts by themselves", "the references", "unknown words of loops", "sincome (72)"):
        assert words in result.stdout
    content = json.loads(out.read_text())
    loops, written = (content["estimates"][name] for name in ("loops", "the references"))
    assert set(ALONE) <= set(loops) and set(ALONE) <= set(written)
    assert loops["repeated_4grams"]["value"] > 0.7 > 0.05 > written["repeated_4grams"]["value"]
    assert loops["unknown_words"]["value"] == pytest.approx(6 / 25)
    assert written["unknown_words"]["value"] == 0, "rules write English about the items"
    assert (loops["target_named"]["value"], written["target_named"]["value"]) == (0, 1)
    assert loops["support"]["value"] is None, "nothing is said of the target"
    assert written["support"]["value"] >= written["support_shown"]["value"] > written["support_elsewhere"]["value"]
    assert content["policies"]["support_shown"].endswith("title, at most 10 keywords")
    assert loops["distinct_words_share"]["value"] < 0.1
    assert set(content["not_available"]) == {"meteor", "bleurt"}
    assert content["provenance"]["reference_model"] == "nano (float32)" and content["provenance"]["run"] == "run"
    assert content["provenance"]["packages"]["pyspellchecker"]
    rows = pl.read_parquet(out.with_suffix(".parquet"))
    assert set(ALONE) <= set(rows.columns) and set(rows["system"]) == {"loops", "the references"}


def test_without_the_dictionary_the_rest_is_measured(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordnet, "_PLACES", ())
    monkeypatch.setitem(sys.modules, "spellchecker", None)
    result = call(folder, "--run", folder / "run")
    assert result.exit_code == 0, result.output
    text = " ".join(result.stdout.split())
    assert "unknown words: not available: a dictionary needs pyspellchecker" in text
    assert "give --reference-model SOURCE" in text


def test_a_model_that_is_not_there_is_refused(folder: Path, tmp_path: Path) -> None:
    result = call(folder, "--run", folder / "run", "--reference-model", tmp_path / "none")
    assert result.exit_code == 2 and "does not exist" in result.stderr
    assert "Traceback" not in result.output


def test_references_of_other_data_are_refused(folder: Path, tmp_path: Path) -> None:
    other = pl.read_parquet(folder / "written.parquet").with_columns(
        order=pl.col("order") + 10_000_000, user_id=pl.lit("a")
    )
    other.write_parquet(tmp_path / "other.parquet")
    result = CliRunner().invoke(
        app,
        [
            "evaluate",
            "text",
            str(tmp_path / "other.parquet"),
            "--references",
            str(tmp_path / "other.parquet"),
            "--run",
            str(folder / "run"),
        ],
    )  # the orders are of no row
    assert result.exit_code == 2 and "names rows that the run does not have" in " ".join(result.stderr.split())


@pytest.mark.parametrize("name", ["loops.json", "written.json", "more.json"])
def test_the_table_of_every_row_is_not_written_over_a_table_that_is_read(folder: Path, name: str) -> None:
    before = {path.name: path.read_bytes() for path in folder.glob("*.parquet")}
    against = ("--against", folder / "more.parquet")
    (folder / "more.parquet").write_bytes(before["loops.parquet"])
    result = call(folder, *against, "--partial", "--run", folder / "run", "--out", folder / name)
    assert result.exit_code == 2 and f"would write over {folder / name}".replace(".json", ".parquet") in result.output
    assert all((folder / file).read_bytes() == content for file, content in before.items())
    assert not (folder / name).exists()
