"""What a run says of its data before it trains: as `check` would, by the recipe's own stages, and soon."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support.command_line import call, refused
from support.tiny_run import tiny_backbone, tiny_recipe

from thinkrec.data.dataset import Dataset
from thinkrec.data.inspect.training_time import TrainingPlan, estimate_training_time
from thinkrec.data.split import ByFractions
from thinkrec.run.pipeline import Run
from thinkrec.run.preview import build_training_plan, describe_preview
from thinkrec.run.recipe import parse_recipe
from thinkrec.train.model_config import ThinkRecConfig


def make_tables(n: int, users: int, items: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    rng = np.random.default_rng(0)
    rows = {"user_id": rng.integers(0, users, n), "item_id": rng.integers(0, items, n), "rating": rng.integers(1, 6, n)}
    table = pl.DataFrame(rows | {"timestamp": 10**9 + np.arange(n)})
    names = {"item_id": np.arange(items), "title": [f"Film {i}" for i in range(items)]}
    return table, pl.DataFrame(names | {"keywords": [["a", f"b{i % 40}"] for i in range(items)]})


def make_run(folder: Path, ds: Dataset | None = None, **changes: object) -> Run:
    rows, items = make_tables(200, 20, 15)
    rows.write_csv(folder / "r.csv")
    items.with_columns(keywords=pl.col("keywords").list.join("|")).write_csv(folder / "i.csv")
    data = {"kind": "tables", "interactions": str(folder / "r.csv"), "items": str(folder / "i.csv"), "threshold": 3}
    backbone = tiny_backbone(folder / "lm")
    recipe = tiny_recipe(backbone, **{"data": {**data, "split": {"by": "fractions"}}, **changes})
    return Run(parse_recipe(recipe, "tiny"), folder / "run", preloaded_dataset=ds)


def test_rows_cold_rows_and_training(tmp_path: Path) -> None:
    lines = describe_preview(make_run(tmp_path))
    liked = make_tables(200, 20, 15)[0]["rating"] > 3
    train, valid, test = (f"{part.mean():.0%}" for part in (liked[:160], liked[160:180], liked[180:]))
    assert lines[0] == (
        f"20 users, 15 items; rows: train 160 ({train} liked), valid 20 ({valid} liked), test 20 ({test} liked); "
        "without a train row: user of 0%, item of 0% of the test rows"
    )
    assert lines[-1].startswith("training reads about ") and "roughly" not in lines[-1]
    assert "of the test's users have likes or dislikes alone there" in lines[1]


def test_the_plan_is_that_of_the_recipe(tmp_path: Path) -> None:
    """Three stages of two epochs over every second row; a stage that is off, or takes weights, reads none."""
    model = make_run(tmp_path).recipe.model
    assert isinstance(model, ThinkRecConfig)
    assert build_training_plan(model) == TrainingPlan(history=5, keywords=3, passes=3.0)
    short = model.model_copy(update={"vector_stage": None})
    assert build_training_plan(short).passes == 2.0
    ds = make_run(tmp_path).ds
    whole, half = (estimate_training_time(ds, TrainingPlan(5, 3, passes)).tokens for passes in (2.0, 1.0))
    assert abs(whole - 2 * half) <= 1 and estimate_training_time(ds, TrainingPlan(0, 3, 1.0)).tokens < half


def test_simulated_data_say_nothing_and_classical_models_no_time(tmp_path: Path) -> None:
    simulated = parse_recipe(tiny_recipe(tiny_backbone(tmp_path / "lm")), "tiny")
    assert describe_preview(Run(simulated, tmp_path / "a")) == []
    run = make_run(tmp_path, model={"kind": "mf"})
    assert not any("training" in line for line in describe_preview(run))


def test_a_hundred_thousand_rows_cost_less_than_a_second(tmp_path: Path) -> None:
    """Of processor time, so that a busy machine does not matter; it takes a tenth of that. `check` has five."""
    rows, items = make_tables(100_000, 6_000, 3_000)
    ds = Dataset.from_tables(rows, items, threshold=3, split=ByFractions(), duplicates="keep")
    run, start = make_run(tmp_path, ds), time.process_time()
    assert describe_preview(run)[0].startswith("6,000 users, 3,000 items; rows: train 80,000")
    assert time.process_time() - start < 1
    rows.write_csv(tmp_path / "big.csv")
    items.with_columns(keywords=pl.col("keywords").list.join("|")).write_csv(tmp_path / "items.csv")
    start = time.process_time()
    assert call("check", tmp_path / "big.csv", tmp_path / "items.csv").exit_code == 0
    assert time.process_time() - start < 5


def test_a_run_of_wrong_tables_names_the_command_that_lists_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows, items = make_tables(200, 20, 15)
    rows.with_columns(rating=pl.lit("good")).write_csv("r.csv")
    items.select("item_id", "title").write_csv("i.csv")
    Path("mine.yaml").write_text(
        "extends: demo\nname: mine\ndata: {kind: tables, interactions: r.csv, items: i.csv, threshold: 3, split: {by: "
        "fractions}}\n"
    )
    message = refused("run", "mine.yaml")
    assert (
        "(line 2: 'good'; line 3: 'good'; line 4: 'good'; line 5: 'good'; line 6: 'good' and 195 more). Correct"
        in message
    )
    assert message.endswith("`thinkrec check mine.yaml` lists everything that is wrong at once.\n")
