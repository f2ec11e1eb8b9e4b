"""Every shipped recipe, made small, from data to report; the last training loss of each of its stages is stored.

After a change that is meant to change losses: PYTHONPATH=src:tests python tests/run/test_smoke_recipes.py [NAME ...]
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.tiny_folder import write_backbone
from support.tiny_ml1m import write_tiny_ml1m

from thinkrec.data.loaders.movielens import load_ml1m_slice
from thinkrec.evaluate.results import read_metrics
from thinkrec.run import results
from thinkrec.run.layout import map_rows_to_stages
from thinkrec.run.pipeline import Run
from thinkrec.run.recipe import Recipe, parse_recipe
from thinkrec.run.recipe_files import list_recipes, load_recipe

STORED = Path(__file__).with_name("smoke_losses.json")
TOLERANCE = 2e-3
"""All is computed in float32, also where a CPU has bfloat16; other kernels and other orders of sums differ by less."""
STAGE = {
    "epochs": 1,
    "subsample_stride": 3,
    "warmup_steps": 1,
    "batch_tokens": 1024,
    "evals_per_epoch": 1,
    "max_valid_rows": 40,
}
TRAINING = {"epochs": 2, "batch_size": 64}
RECIPES = [name for name in list_recipes() if load_recipe(name).data.kind not in ("source", "tables")]
"""Those whose data are made here or have a stand-in. Files of published data are not at hand, and recipes for files of
one's own are run in tests/cli/test_new_user_path.py."""


def make_small(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe with few rows, few steps and a tiny backbone; whatever else it says stays."""
    values = recipe.model_dump(mode="json")
    if values["data"]["kind"] == "simulator":
        values["data"]["simulator"] |= {"users": 14, "items": 40, "interactions_per_user": [9, 13]}
    else:
        values["data"]["folder"] = str(folder / "ml1m")
    for config in (values["model"], *values["baselines"].values()):
        shrink_scorer(config)
    if values["model"]["kind"] == "thinkrec":
        shrink_model(values["model"], folder)
    values["evaluation"]["bootstrap_draws"] = 100
    return parse_recipe({**values, "n_explained": 0}, "small")


def shrink_scorer(config: dict[str, Any]) -> None:
    """Few epochs of a collaborative model, few trees."""
    if "training" in config:
        config["training"] |= TRAINING
    config |= {key: value for key, value in {"trees": 3, "n_seeds": 1}.items() if key in config}


def shrink_model(model: dict[str, Any], folder: Path) -> None:
    """Few steps of a language model of two layers."""
    model["backbone"] |= {"source": str(folder / "lm"), "dtype": "float32"}
    shrink_scorer(model["encoder"])
    if model["composition"] is not None and model["composition"]["scorer"] is not None:
        shrink_scorer(model["composition"]["scorer"])
    if "tau" in model["gate"]:
        # Of few users the vectors differ much: at the paper's tau every user's group would answer alone.
        model["gate"]["tau"] *= 5
    if model["reasons"]["source"] in ("written", "grounded"):
        model["reasons"]["file"] = str(folder / "ml1m" / "reasons.parquet")
    for stage in ("global_stage", "expert_stage", "vector_stage"):
        if model[stage] is not None:
            model[stage] |= STAGE


def write_inputs(folder: Path) -> Path:
    """The stand-in for MovieLens and the backbone, in `folder`."""
    write_tiny_ml1m(folder / "ml1m")
    write_backbone(folder / "lm", load_ml1m_slice(folder / "ml1m", keywords="both"))
    return folder


def run_small(name: str, inputs: Path, folder: Path) -> tuple[Run, dict[str, float]]:
    """A finished small run, and stage -> its last training loss that is known; of test rows the cross-entropy."""
    run = Run(make_small(load_recipe(name), inputs), folder)
    run.run_all_stages(results.finish_run)
    losses = {}
    for path in sorted(folder.rglob("done.json")):
        log = json.loads(path.read_text(encoding="utf-8")).get("log") or []
        known = [entry["loss"] for entry in log if isinstance(entry, dict) and entry.get("loss") is not None]
        if known:
            losses[path.parent.relative_to(folder).as_posix()] = round(float(known[-1]), 5)
    scores = run.read_scores(folder / list(map_rows_to_stages(run.recipe).values())[-1])
    labels = run.ds.interactions.label[run.test_rows]
    losses["test"] = round(float(np.mean(np.logaddexp(0.0, scores) - labels * scores)), 5)
    return run, losses


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_inputs(tmp_path_factory.mktemp("smoke"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_runs_to_its_report_with_the_stored_losses(name: str, inputs: Path, tmp_path: Path) -> None:
    run, losses = run_small(name, inputs, tmp_path / "run")
    assert losses == pytest.approx(json.loads(STORED.read_text(encoding="utf-8"))[name], abs=TOLERANCE)
    rows = read_metrics(tmp_path / "run" / "metrics.json").rows
    expected = [*map_rows_to_stages(run.recipe), *(["Bayes-optimal"] if run.simulation is not None else [])]
    assert sorted(row.name for row in rows) == sorted(expected) and not run.failures
    if run.recipe.label is not None:
        assert run.recipe.label in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
        own = [row.name for row in rows if row.kind == "model" and row.name not in run.recipe.baselines]
        assert all(row.startswith(run.recipe.label) for row in own), "a row of another name"


def test_every_recipe_has_stored_losses_and_no_other() -> None:
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    assert sorted(stored) == RECIPES
    assert {name for name, losses in stored.items() if len(losses) < 2} <= {"ml1m/boosting", "ml1m/boosting-keywords"}


def test_a_small_recipe_keeps_what_tells_it_from_others(inputs: Path) -> None:
    recipes = [name for name in list_recipes() if name.startswith("ml1m/")]
    small = [make_small(load_recipe(name), inputs).model_dump(mode="json") for name in recipes]
    kept = [json.dumps({**values, "name": "", "label": ""}, sort_keys=True) for values in small]
    alike = {frozenset(recipes[i] for i, own in enumerate(kept) if own == other) for other in kept}
    same = sorted(sorted(names) for names in alike if len(names) > 1)
    assert same == [["ml1m/ablations/without-experts", "ml1m/thinkrec-nano-short"]]


def store_losses(names: list[str]) -> None:
    """Run these recipes, by default all, and write their losses into the file; those of recipes that are gone go."""
    stored = json.loads(STORED.read_text(encoding="utf-8")) if STORED.is_file() else {}
    with tempfile.TemporaryDirectory() as place:
        inputs = write_inputs(Path(place))
        found = {name: losses for name, losses in stored.items() if name in RECIPES}
        for name in names or RECIPES:
            print(name, flush=True)
            found[name] = run_small(name, inputs, Path(place) / "runs" / name)[1]
        STORED.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    store_losses(sys.argv[1:])
