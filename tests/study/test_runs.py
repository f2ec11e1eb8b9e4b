"""What a run is made from: files by their contents, wherever they lie."""

from __future__ import annotations

import shutil
from pathlib import Path

from support.tiny_study import MF, write_recipe

from thinkrec.run.recipe_files import load_recipe
from thinkrec.study.runs import RECORD, describe_inputs, write_record


def test_tables_count_by_their_contents(tmp_path: Path) -> None:
    tables = {"interactions": str(tmp_path / "a" / "i.csv"), "items": str(tmp_path / "a" / "items.csv")}
    (tmp_path / "a").mkdir()
    for path in tables.values():
        Path(path).write_text("one\n")
    recipe = load_recipe(write_recipe(tmp_path, "tables", data={"kind": "tables", **tables}, model=MF))
    before = describe_inputs(recipe)
    assert set(before["files"]) == {"a/i.csv", "a/items.csv"}
    shutil.copy(tables["items"], tmp_path / "a" / "unrelated.csv")
    assert describe_inputs(recipe) == before
    Path(tables["items"]).write_text("two\n")
    after = describe_inputs(recipe)
    changed = [key for key in before["files"] if before["files"][key] != after["files"][key]]
    assert changed == ["a/items.csv"]


def test_reasons_and_a_backbone_in_a_folder_count_too(tmp_path: Path) -> None:
    backbone, reasons = tmp_path / "lm", tmp_path / "reasons.parquet"
    backbone.mkdir()
    (backbone / "config.json").write_text("{}")
    (backbone / "README.md").write_text("notes")
    reasons.write_text("table")
    model = {
        "kind": "thinkrec",
        "backbone": {"source": str(backbone)},
        "reasons": {"source": "written", "file": str(reasons)},
    }
    inputs = describe_inputs(load_recipe(write_recipe(tmp_path / "r", "lm", model=model)))
    assert set(inputs["files"]) == {"lm/config.json", f"{tmp_path.name}/reasons.parquet"}
    gone = {**model, "backbone": {"source": str(tmp_path / "gone")}}
    assert set(describe_inputs(load_recipe(write_recipe(tmp_path / "r", "gone", model=gone)))["files"]) == {
        f"{tmp_path.name}/reasons.parquet"
    }
    nano = describe_inputs(load_recipe(write_recipe(tmp_path / "r", "nano", model={"kind": "thinkrec"})))
    assert any(name.startswith("nano/") for name in nano["files"]), "the embedded backbone counts by its contents"
    plain = describe_inputs(load_recipe(write_recipe(tmp_path / "r", "mf")))
    assert plain["code"] != inputs["code"], "a language model is made by more rooms than MF"


def test_a_record_is_of_a_run_that_is_not_finished_until_it_says_so(tmp_path: Path) -> None:
    write_record(tmp_path, "MF", {"recipe": 1})
    assert '"finished": false' in (tmp_path / RECORD).read_text()
