"""The night after a training: tables have grown and stand in another order, the folder has moved; what was learned
stays with the ids that it is about."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from support.tiny_run import tiny_backbone, tiny_recipe
from typer.testing import CliRunner

import thinkrec
from thinkrec.cli import app
from thinkrec.data.columns import DataWarning
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import SPLITS
from thinkrec.errors import CheckpointError
from thinkrec.run import results, saved_model
from thinkrec.run.pipeline import Run
from thinkrec.run.recipe_files import load_recipe
from thinkrec.run.stage import read_stage_result
from thinkrec.run.variants import get_final_variant
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

NEW_USER, NEW_ITEM = "aaa-new", "000-new"


def call(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output + result.stderr
    return result.output


@pytest.fixture(scope="module")
def tables() -> tuple[pl.DataFrame, pl.DataFrame]:
    """A simulated catalogue as a user's own tables, with text ids."""
    ds = simulate_catalogue(SimulatorConfig(users=30, items=60, interactions_per_user=(6, 12)), seed=5).dataset
    it = ds.interactions
    rows = (
        pl.DataFrame(
            {
                "user_id": [f"u{u:02d}" for u in it.user],
                "item_id": [f"i{i:02d}" for i in it.item],
                "label": it.label,
                "timestamp": it.timestamp,
                "split": [SPLITS[s] for s in it.split],
                "order": it.order,
            }
        )
        .sort("order")
        .drop("order")
    )
    items = pl.DataFrame(
        {
            "item_id": [f"i{i:02d}" for i in range(len(ds.items))],
            "title": ds.items.titles,
            "keywords": ["|".join(words) for words in ds.items.keywords],
        }
    )
    return rows, items


@pytest.fixture(scope="module")
def trained(tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on tables in files, named by paths relative to its folder of work."""
    home = tmp_path_factory.mktemp("nightly")
    for table, name in zip(tables, ("interactions.csv", "items.csv"), strict=True):
        table.write_csv(home / name)
    recipe = tiny_recipe(
        tiny_backbone(home / "lm"), data={"kind": "tables", "interactions": "interactions.csv", "items": "items.csv"}
    )
    recipe["baselines"] |= {
        "sasrec": {"kind": "sasrec", "dim": 8, "history": "labelled", "training": {"epochs": 2}},
        "lightgcn": {"kind": "lightgcn", "dim": 8, "training": {"epochs": 2}},
        "boosting": {"kind": "boosting", "trees": 8, "n_seeds": 1, "min_leaf_rows": 5},
    }
    (home / "nightly.yaml").write_text(yaml.safe_dump(recipe))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        Run(load_recipe("nightly.yaml"), Path("run")).run_all_stages(results.finish_run)
    return home / "run"


def grow(tables) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tonight's tables: a user, an item and rows more, both tables in another order."""
    rows, items = tables
    late = int(rows["timestamp"].max()) + 1000
    more = pl.DataFrame(
        {
            "user_id": [NEW_USER] * 3 + ["u07"],
            "item_id": ["i00", NEW_ITEM, "i05", NEW_ITEM],
            "label": [1, 0, 1, 1],
            "timestamp": [late, late + 1, late + 2, late + 3],
            "split": ["train", "train", "test", "test"],
        },
        schema=rows.schema,
    )
    thing = pl.DataFrame({"item_id": [NEW_ITEM], "title": ["Brand New Thing"], "keywords": [items["keywords"][0]]})
    grown = pl.concat([rows, more]).sample(fraction=1.0, shuffle=True, seed=4)
    return grown, pl.concat([thing, items.reverse()])


@pytest.fixture
def night(trained: Path, tables, tmp_path: Path) -> Path:
    """The run in a folder elsewhere, its tables as of tonight."""
    for table, name in zip(grow(tables), ("interactions.csv", "items.csv"), strict=True):
        table.write_csv(tmp_path / name)
    moved = tmp_path / "elsewhere" / "run"
    shutil.copytree(trained, moved)
    recipe = yaml.safe_load((moved / "recipe.yaml").read_text())
    assert Path(recipe["data"]["interactions"]).is_absolute()
    recipe["data"] |= {"interactions": str(tmp_path / "interactions.csv"), "items": str(tmp_path / "items.csv")}
    (moved / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    return moved


OLD = ["u01", "u12", "u29"]
ASKED = ["i00", "i17", "i42", "i59"]


def test_old_answers_are_equal_to_the_digit_and_new_users_and_items_have_some(trained: Path, night: Path) -> None:
    before = thinkrec.load(trained)
    with pytest.warns(DataWarning, match="1 user new; 1 item new; 4 ratings new") as said:
        after = thinkrec.load(night)
    assert len(said) == 1
    pairs = [(u, i) for u in OLD for i in ASKED]
    users, items = [u for u, _ in pairs], [i for _, i in pairs]
    np.testing.assert_array_equal(after.score(users, items), before.score(users, items))
    for user in OLD:
        assert after.rank(user, ASKED) == before.rank(user, ASKED)
        assert after.explain(user, "i17") == before.explain(user, "i17")
    # Everybody's list now also holds the new item; the new user's past is read, and changes the answer.
    assert NEW_ITEM in {place.item for place in after.rank("u01")}
    known = {place.item: place.score for place in after.rank(NEW_USER, ["i17", NEW_ITEM, "i42"])}
    assert np.isfinite(list(known.values())).all()
    bare = {place.item: place.score for place in after.rank(None, ["i17", "i42"], history=[])}
    assert known["i17"] != bare["i17"]
    assert after.explain(NEW_USER, NEW_ITEM).history[-1].title == after.ds.items.titles[after.ds.items.ids.index("i05")]
    # A longer past is a longer past.
    assert after.explain("u07", "i17").history[-1].title == "Brand New Thing"


def test_what_belongs_to_the_training_is_judged_on_the_training(trained: Path, night: Path, tmp_path: Path) -> None:
    predictions = trained / "scores" / "full" / "predictions.parquet"
    assert pl.read_parquet(predictions).columns == ["order", "user_id", "item_id", "score"]
    assert call("evaluate", "ranking", predictions, "--run", night) == call(
        "evaluate", "ranking", predictions, "--run", trained
    )
    metrics = (night / "metrics.json").read_text()
    call("report", night)
    a, b = (yaml.safe_load(text)["rows"] for text in (metrics, (night / "metrics.json").read_text()))
    assert a == b


def test_every_scorer_maps_by_id(trained: Path, night: Path) -> None:
    run = saved_model.open_run(trained)
    with pytest.warns(DataWarning):
        now = thinkrec.load(night).ds
    it, then = now.interactions, run.ds.interactions
    known = {
        (run.ds.user_ids[u], run.ds.items.ids[i], t): row
        for row, (u, i, t) in enumerate(zip(then.user, then.item, then.timestamp, strict=True))
    }
    here = [
        (row, known[key])
        for row, (u, i, t) in enumerate(zip(it.user, it.item, it.timestamp, strict=True))
        if (key := (now.user_ids[u], now.items.ids[i], t)) in known
    ]
    rows, was = np.array(here).T
    assert len(rows) == len(then)
    for name in ("MF", "sasrec", "lightgcn", "boosting", "item mean", "keyword prior"):
        from thinkrec.collab import KINDS

        kind = yaml.safe_load((trained / "recipe.yaml").read_text())["baselines"].get(name, {"kind": "item_baseline"})
        scorer = KINDS[kind["kind"]].load(trained / "scorers" / name)
        np.testing.assert_allclose(
            scorer.score(now, rows), scorer.score(run.ds, was), rtol=1e-5, atol=1e-6, err_msg=name
        )
        assert np.isfinite(scorer.score(now, np.arange(len(it)))).all()


def test_a_run_answers_from_any_current_folder_and_without_its_tables(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = thinkrec.load(trained).rank("u01", ASKED)
    moved = tmp_path / "moved"
    shutil.copytree(trained.parent, moved)
    recipe = yaml.safe_load((moved / "run" / "recipe.yaml").read_text())
    recipe["data"]["items"] = str(tmp_path / "nowhere.csv")
    (moved / "run" / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    with pytest.warns(DataWarning, match=r"nowhere\.csv: not there any more"):
        assert thinkrec.load(moved / "run").rank("u01", ASKED) == before


def test_a_copy_of_the_data_that_was_changed_is_refused(trained: Path, tmp_path: Path) -> None:
    moved = tmp_path / "run"
    shutil.copytree(trained, moved)
    rows = pl.read_parquet(moved / "data" / "interactions.parquet")
    rows.with_columns(label=1 - pl.col("label")).write_parquet(moved / "data" / "interactions.parquet")
    with pytest.raises(CheckpointError, match="were changed afterwards"):
        thinkrec.load(moved)


def test_a_stage_of_other_tables_is_not_asked(trained: Path, tables, tmp_path: Path) -> None:
    """A run that was started on other tables and stopped: its copy of the data is new, its stages are old."""
    moved = tmp_path / "run"
    shutil.copytree(trained, moved)
    rows, items = grow(tables)
    rows.write_csv(tmp_path / "interactions.csv")
    items.write_csv(tmp_path / "items.csv")
    recipe = load_recipe(
        moved / "recipe.yaml",
        [f"data.interactions={tmp_path / 'interactions.csv'}", f"data.items={tmp_path / 'items.csv'}"],
    )
    Run(recipe, moved).prepare_folder()
    with pytest.raises(CheckpointError, match="trained on other tables"):
        thinkrec.load(moved)


@pytest.mark.parametrize("stage", ["scorers/MF", "groups", "experts"])
def test_stages_of_two_trainings_do_not_answer_together(stage: str, trained: Path, tmp_path: Path) -> None:
    moved = tmp_path / "run"
    shutil.copytree(trained, moved)
    done = json.loads((moved / stage / "done.json").read_text())
    (moved / stage / "done.json").write_text(json.dumps({**done, "key": "0" * 16}))
    with pytest.raises(CheckpointError, match=f"was made from another {stage} than is there"):
        thinkrec.load(moved)


def test_data_can_be_handed_over(trained: Path, tables) -> None:
    now = Dataset.from_tables(*grow(tables))
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        model = thinkrec.load(trained, data=now)
    before = thinkrec.load(trained)
    assert model.rank("u12", ASKED) == before.rank("u12", ASKED)
    assert model.rank(NEW_USER, [NEW_ITEM])


def test_the_same_run_in_another_process_and_folder_gives_the_same(trained: Path, tmp_path: Path) -> None:
    script = f"import thinkrec; print(thinkrec.load({str(trained)!r}).score(['u01'], ['i17'])[0])"
    told = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert float(told.stdout) == pytest.approx(thinkrec.load(trained).score(["u01"], ["i17"])[0], abs=1e-6)


def test_one_stage_serves_a_baseline_and_the_encoder_of_the_same_settings(trained: Path) -> None:
    assert not (trained / "scorers" / "encoder").exists()
    assert read_stage_result(trained / "scorers" / "MF")["config"]["dim"] == 8
    assert get_final_variant(saved_model.open_run(trained).model).key == "full"
