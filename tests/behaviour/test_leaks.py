"""Nothing of a test row, and no reason of a validation or test row, reaches any weight of any stage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import torch
import yaml
from safetensors.torch import load_file
from support.opposite_tastes import model_values, reason, stage, tables

from thinkrec.run.pipeline import Run
from thinkrec.run.recipe_files import load_recipe

STAGES = ("global", "experts", "vectors", "groups", "scorers/encoder")
Flip = Callable[[str, int], bool]


def nothing(split: str, user: int) -> bool:
    return False


def red(split: str) -> str:
    return "red"


def weights_of(
    folder: Path, backbone: Path, *, flip: Flip = nothing, colour: Callable[[str], str] = red, with_reasons: bool = True
) -> dict[str, dict[str, torch.Tensor]]:
    """Run all stages on the data with some labels flipped and the reasons of some splits changed; the weights."""
    folder.mkdir()
    interactions, items = tables(flip)
    interactions.write_parquet(folder / "interactions.parquet")
    items.write_parquet(folder / "items.parquet")
    rows = zip(interactions["label"], interactions["split"], strict=True)
    reasons = [reason(bool(label), colour(split)) for label, split in rows]
    pl.DataFrame({"order": range(len(reasons)), "reason": reasons}).write_parquet(folder / "reasons.parquet")
    several = {"epochs": 4, "batch_tokens": 2000, "history_loss": 0.5}
    source = {"source": "written", "file": str(folder / "reasons.parquet"), "share": 0.2}
    recipe = {
        "name": "leaks",
        "seed": 1,
        "data": {
            "kind": "tables",
            "interactions": str(folder / "interactions.parquet"),
            "items": str(folder / "items.parquet"),
        },
        "model": {
            **model_values(backbone),
            "reasons": source if with_reasons else {"source": "none"},
            "global_stage": stage("global", **several),
            "expert_stage": stage("experts", **several),
            "vector_stage": stage("projector", **several),
        },
    }
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    Run(load_recipe(folder / "recipe.yaml"), folder / "run").train_variants()
    found = {}
    for name in STAGES:
        place = folder / "run" / name
        paths = [path for path in place.rglob("*.safetensors") if "train" not in path.stem]
        learned = [path for path in paths if name.startswith("scorers") or path.name != "state.safetensors"]
        assert learned, name
        # Adapters lie in files of one name each, in folders of their own.
        found[name] = {f"{path.relative_to(place)} {key}": t for path in learned for key, t in load_file(path).items()}
    return found


def differing(one: dict[str, dict[str, torch.Tensor]], other: dict[str, dict[str, torch.Tensor]]) -> set[str]:
    """Stages of which any tensor differs."""
    assert one.keys() == other.keys()
    return {
        name
        for name in one
        if one[name].keys() != other[name].keys()
        or any(not torch.equal(one[name][key], other[name][key]) for key in one[name])
    }


@pytest.fixture(scope="module")
def plain(backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, torch.Tensor]]:
    """The weights without any change."""
    return weights_of(tmp_path_factory.mktemp("plain") / "run", backbone)


def test_all_test_labels_flipped_leave_every_weight_of_every_stage(plain, backbone: Path, tmp_path: Path) -> None:
    flipped = weights_of(tmp_path / "test", backbone, flip=lambda split, user: split == "test")
    assert differing(plain, flipped) == set()


def test_labels_of_train_rows_change_the_weights_of_every_stage(plain, backbone: Path, tmp_path: Path) -> None:
    flipped = weights_of(tmp_path / "train", backbone, flip=lambda split, user: split == "train" and user < 3)
    assert differing(plain, flipped) == set(STAGES)


def test_reasons_of_validation_and_test_rows_leave_every_weight(plain, backbone: Path, tmp_path: Path) -> None:
    changed = weights_of(tmp_path / "rest", backbone, colour=lambda split: "red" if split == "train" else "not blue")
    assert differing(plain, changed) == set()


def test_reasons_of_train_rows_change_what_language_model_stages_learn(plain, backbone: Path, tmp_path: Path) -> None:
    changed = weights_of(tmp_path / "train", backbone, colour=lambda split: "not blue" if split == "train" else "red")
    assert differing(plain, changed) == {"global", "experts", "vectors"}
    without = weights_of(tmp_path / "none", backbone, with_reasons=False)
    assert differing(plain, without) == {"global", "experts", "vectors"}
