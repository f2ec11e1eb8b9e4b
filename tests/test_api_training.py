"""What `ThinkRec` trains, and from which recipes, data and options."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from support.tiny_folder import write_backbone
from support.untrained_model import past, untrained
from support.variants import get_variant

import thinkrec
from thinkrec import Dataset, RunOptions, ThinkRec
from thinkrec.data.columns import DataWarning
from thinkrec.data.snapshot import INTERACTIONS, ITEMS, write_snapshot
from thinkrec.data.split import ByFractions
from thinkrec.errors import CheckpointError, RecipeError
from thinkrec.simulate.example_tables import write_example_tables
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue


@pytest.fixture(scope="module")
def ds() -> Dataset:
    return simulate_catalogue(SimulatorConfig(users=30, items=60, interactions_per_user=(6, 12)), 7).dataset


@pytest.fixture(scope="module")
def tiny_backbone(ds: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_backbone(tmp_path_factory.mktemp("backbone"), ds)


def test_run_options_say_how_and_only_the_seed_is_part_of_the_stages(
    ds: Dataset, tiny_backbone: Path, tmp_path: Path, monkeypatch
) -> None:
    before = torch.get_num_threads()
    text = {"model__expert_stage": None, "model__vector_stage": None}
    try:
        alone = RunOptions(device="cpu", workers=0, threads=1)
        first = untrained(tiny_backbone, tmp_path / "run", options=alone, **text).fit(ds)
        assert torch.get_num_threads() == 1
        assert first.predictor.recommender.max_workers == 0
        done = (tmp_path / "run" / "global" / "done.json").read_text()
        untrained(tiny_backbone, tmp_path / "run", options=RunOptions(threads=2), **text).fit(ds)
        assert (tmp_path / "run" / "global" / "done.json").read_text() == done, "not trained again"
        other = untrained(tiny_backbone, tmp_path / "run", options=RunOptions(seed=5), **text)
        assert other.recipe.seed == 5
        other.fit(ds)
        assert (tmp_path / "run" / "global" / "done.json").read_text() != done
        loaded = thinkrec.load(tmp_path / "run", options=RunOptions(workers=3, seed=9))
        assert loaded.recipe.seed == 5 and loaded.predictor.recommender.max_workers == 3
    finally:
        torch.set_num_threads(before)


def test_what_is_not_trained_says_so(tiny_backbone: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="not trained yet; call fit"):
        untrained(tiny_backbone).rank(1)
    with pytest.raises(CheckpointError, match=r"no recipe\.yaml"):
        thinkrec.load(tmp_path)


def test_recipes_that_cannot_serve_are_refused(ds: Dataset, tiny_backbone: Path) -> None:
    with pytest.raises(RecipeError, match="unknown key"):
        ThinkRec(model__no_such_key=1)
    with pytest.raises(RecipeError, match=r"model\.kind is thinkrec"):
        ThinkRec("demo", model={"kind": "mf"})
    with pytest.raises(RecipeError, match="overrides need a recipe"):
        ThinkRec(ThinkRec().recipe, seed=1)
    with pytest.raises(RecipeError, match=r"model\.reasons\.file"):
        untrained(tiny_backbone, model__reasons={"source": "written"}).fit(ds)


def test_without_vectors_and_experts_the_global_adapter_answers(
    ds: Dataset, tiny_backbone: Path, tmp_path: Path
) -> None:
    plain = untrained(tiny_backbone, tmp_path / "run", model__expert_stage=None, model__vector_stage=None).fit(ds)
    assert plain.explain(1, 2).gate == (("global", 1.0),)
    plain.save(tmp_path / "saved")
    ranked = plain.rank(1, [1, 2, 3])
    assert thinkrec.load(tmp_path / "saved").rank(1, [1, 2, 3]) == ranked
    assert thinkrec.load(tmp_path / "run").rank(1, [1, 2, 3]) == ranked
    assert not (tmp_path / "saved" / "global" / "state.safetensors").exists()


def test_remarks_about_the_data_are_made_once(ds: Dataset, tiny_backbone: Path, tmp_path: Path) -> None:
    write_snapshot(ds, tmp_path)
    rows = pl.read_parquet(tmp_path / INTERACTIONS).drop("order")
    with pytest.warns(UserWarning, match="repeats an earlier row"):
        doubled = Dataset.from_tables(pl.concat([rows, rows[:1]]), tmp_path / ITEMS)
    plain = untrained(tiny_backbone, model__expert_stage=None, model__vector_stage=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        plain.fit(doubled).save(tmp_path / "saved")
        thinkrec.load(tmp_path / "saved").rank(1, [2])


def test_the_quick_start_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    page = (Path(__file__).resolve().parents[1] / "docs" / "quick-start.md").read_text(encoding="utf-8")
    block = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)[0]
    users, items = ["ada", "ben", "cleo", "dan"], [f"b{i}" for i in range(1, 13)]
    wares = pl.DataFrame(
        {"item_id": items, "title": [f"Book {i}" for i in items], "keywords": ["sea", "city, dry"] * 6}
    )
    met = [(u, items[(3 * k + j) % 12], (k + j) % 5 + 1) for k, u in enumerate(users) for j in range(10)]
    rows = pl.DataFrame(met, schema=["user_id", "item_id", "rating"], orient="row")
    rows = rows.with_columns(timestamp=pl.int_range(rows.height) * 7 % 40)
    monkeypatch.chdir(tmp_path)
    wares.write_csv("items.csv")
    rows.write_csv("interactions.csv")
    data = Dataset.from_tables(rows, wares, threshold=3, split=ByFractions(valid=0.1, test=0.1))
    backbone = write_backbone(tmp_path / "backbone", data)
    made = untrained(backbone, model__reasons={"source": "none"})
    monkeypatch.setattr("thinkrec.api.load_recipe", lambda *_: made.recipe)
    exec(block, {})
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert len([line for line in lines if line.startswith("b") and line.endswith("%")]) == 2, "ada met all but two"
    assert "Ranked(item='b" in printed
    assert (tmp_path / "my-model" / "saved.json").is_file()


def test_the_readmes_python_runs_on_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    page = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
    block = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)[0]
    monkeypatch.chdir(tmp_path)
    write_example_tables(tmp_path)
    data = Dataset.from_tables("ratings.csv", "items.csv", threshold=3, split=ByFractions(valid=0.1, test=0.1))
    made = untrained(write_backbone(tmp_path / "backbone", data), model__reasons={"source": "none"})
    monkeypatch.setattr("thinkrec.api.load_recipe", lambda *_: made.recipe)
    exec(block, {})
    assert len([line for line in capsys.readouterr().out.splitlines() if line]) >= 2
    assert (tmp_path / "my-model" / "saved.json").is_file()


def test_a_model_trained_on_logit_yes_alone_answers_by_it(ds: Dataset, tiny_backbone: Path) -> None:
    rec = untrained(
        tiny_backbone,
        model__score="yes",
        model__vector_stage=None,
        model__expert_stage=None,
        model__neighbourhood_residual=False,
    ).fit(ds)
    it = ds.interactions
    # The last row of a user, asked for as it stands in the data: their history is the rows before it.
    row = int(it.start[4] - 1)
    user, item = ds.user_ids[it.user[row]], ds.items.ids[it.item[row]]
    history = past(ds, user)[:-1]
    found = rec.explain(None, item, history=history)
    run = rec._get_opened().run
    scores = {
        option: replace(run.load_predictor(get_variant("global")), option=option).score(np.array([row]))[0]
        for option in ("yes", "difference")
    }
    assert abs(scores["yes"] - scores["difference"]) > 0.01
    assert found.score == pytest.approx(scores["yes"], abs=1e-4)
    assert found.verdict == ("Yes" if scores["yes"] > 0 else "No")
    assert rec.rank(None, [item], history=history)[0].score == pytest.approx(scores["yes"], abs=1e-4)
