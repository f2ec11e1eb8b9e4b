"""Saving for others: the card, the hub, and scores that are compared when the folder is opened."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from sklearn.base import clone
from support.tiny_folder import write_backbone
from support.untrained_model import untrained

from thinkrec import Dataset, ThinkRec
from thinkrec.errors import CheckpointError, DataWarning
from thinkrec.export import hub
from thinkrec.export.saved_pairs import check_saved_pairs
from thinkrec.export.scored_pairs import PAIRS
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue


@pytest.fixture(scope="module")
def model(export_data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> ThinkRec:
    return untrained(write_backbone(tmp_path_factory.mktemp("backbone"), export_data)).fit(export_data)


def test_what_was_saved_opens_and_a_changed_score_is_noticed(model: ThinkRec, folder: Path) -> None:
    model.save_pretrained(folder, licence="mit")
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "license: mit" in card and "30 viewers, 60 films" in card and "None were measured" in card
    again = ThinkRec.from_pretrained(folder)
    users, items = [model.ds.user_ids[0]] * 3, list(model.ds.items.ids[:3])
    assert again.score(users, items) == pytest.approx(model.score(users, items), abs=1e-5)
    difference = check_saved_pairs(again.predictor, folder)
    assert difference is not None and difference < 1e-4
    stored = json.loads((folder / PAIRS).read_text())
    stored["pairs"][4]["score"] += 1
    (folder / PAIRS).write_text(json.dumps(stored))
    with pytest.raises(CheckpointError, match="most of all pair 4"):
        ThinkRec.from_pretrained(folder)


def test_the_hub_gets_no_tables_unless_asked(model: ThinkRec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = tmp_path / "hub"

    class FakeApi:
        def __init__(self, token: str | None) -> None: ...

        def create_repo(self, repo_id: str, *, private: bool, exist_ok: bool) -> None:
            assert private and exist_ok

        def upload_folder(self, *, folder_path: Path, repo_id: str, commit_message: str) -> SimpleNamespace:
            shutil.copytree(folder_path, sent)
            return SimpleNamespace(commit_url=f"https://hub/{repo_id}/commit/1")

    monkeypatch.setattr(hub, "HfApi", FakeApi)
    monkeypatch.setattr(hub, "snapshot_download", lambda source, revision, token: str(sent))
    assert model.push_to_hub("me/model", include_data=False) == "https://hub/me/model/commit/1"
    assert not list(sent.rglob("interactions.parquet")) and (sent / "README.md").is_file()
    with pytest.raises(CheckpointError, match="written without its data"):
        ThinkRec.from_pretrained("me/model")
    assert ThinkRec.from_pretrained("me/model", data=model.ds).ds is model.ds
    other = simulate_catalogue(SimulatorConfig(users=30, items=60, interactions_per_user=(6, 12)), 8).dataset
    with pytest.warns(DataWarning, match="not compared"):
        ThinkRec.from_pretrained("me/model", data=other)


def test_settings_are_read_and_changed_as_in_scikit_learn() -> None:
    made = ThinkRec("demo", progress=False, seed=3)
    assert made.get_params()["seed"] == 3 and made.get_params()["recipe"] == "demo"
    copied = clone(made)
    assert copied is not made and copied.recipe == made.recipe and copied.progress is False
    assert made.set_params(model__groups__n_groups=2) is made
    assert made.recipe.seed == 3 and made.recipe.model.groups.n_groups == 2
