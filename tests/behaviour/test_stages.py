"""What each stage trains, from what it starts, and what its prompts carry."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.opposite_tastes import ITEMS, data_set, group_of, model, personal, reason, stage, teaching

from thinkrec.collab.features.slot_encoder import SlotEncoder
from thinkrec.data.interactions import TEST, TRAIN
from thinkrec.engine import checkpoint
from thinkrec.evaluate.metrics.ranking import compute_auc
from thinkrec.personal.gate import FUSE, GLOBAL, SINGLE, EntropyGateConfig
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.types import Prompt
from thinkrec.score.predictor import AdapterRouter, Predictor
from thinkrec.train import stages
from thinkrec.train.mixture import select_strided_rows
from thinkrec.train.model_config import ThinkRecConfig

DS = data_set()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Every stage that begins: its prompts of pass 0, its recommender's weights, and a check; nothing is trained."""
    found: list[dict[str, Any]] = []

    def fit_stage(recommender, epoch_prompts, check, config, folder, **options) -> list[dict[str, Any]]:
        weights = {name: tensor.clone() for name, tensor in recommender.adapters.state_dict().items()}
        adapters = recommender.adapters
        found.append({"prompts": epoch_prompts(0), "weights": weights, "config": config, "layers": adapters})
        return [{"step": 1, "loss": 1.0, "lr": 1.0, "auc": 0.5, "uauc": 0.5, "value": 0.5}]

    monkeypatch.setattr(stages, "fit_stage", fit_stage)
    return found


@pytest.fixture(scope="module")
def after_global(backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a global adapter that does something, though nothing useful."""
    folder = tmp_path_factory.mktemp("global")
    recommender = teaching(DS, model(backbone)).build_recommender(0)
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in recommender.adapters.get_parameters("global"):
            parameter.normal_(std=0.02)
    checkpoint.save_recommender(folder, recommender)
    return folder


def test_experts_begin_as_copies_of_the_global_adapter(
    backbone: Path, after_global: Path, tmp_path: Path, started: list
) -> None:
    stages.train_experts(teaching(DS, model(backbone)), after_global, personal(DS), tmp_path)
    trained = checkpoint.load_recommender(after_global).adapters.state_dict()
    assert any(tensor.any() for name, tensor in trained.items() if name.endswith("global_b"))
    for name, layer in started[0]["layers"].layers.items():
        for slot in range(3):
            a, b = layer.get_adapter(slot)
            assert torch.equal(a, trained[f"{name}.global_a"]), (name, slot)
            assert torch.equal(b, trained[f"{name}.global_b"]), (name, slot)
    assert started[0]["config"].train == ("experts",)


def test_each_expert_is_trained_on_the_rows_of_its_own_group(
    backbone: Path, after_global: Path, tmp_path: Path, started: list
) -> None:
    stages.train_experts(teaching(DS, model(backbone)), after_global, personal(DS), tmp_path)
    rows = select_strided_rows(DS, 1, 0, 0)
    gates = np.stack([prompt.gate for prompt in started[0]["prompts"]])
    np.testing.assert_array_equal(gates, np.eye(3)[1 + group_of(DS, rows)])


def test_users_are_grouped_by_their_last_train_row() -> None:
    users, rows = stages.find_last_train_rows(DS)
    it = DS.interactions
    np.testing.assert_array_equal(users, np.arange(it.n_users))
    np.testing.assert_array_equal(rows, it.start[:-1] + 7)  # eight train rows each, then two and two
    assert set(it.split[rows]) == {TRAIN}
    np.testing.assert_array_equal(stages.find_user_groups(DS, personal(DS)), group_of(DS, rows))


def test_two_groups_with_opposite_labels_each_expert_learns_its_own(
    backbone: Path, after_global: Path, tmp_path: Path
) -> None:
    blind = model(backbone, prompt={"history": 0}, expert_stage=stage("experts", epochs=25))
    stages.train_experts(teaching(DS, blind), after_global, personal(DS), tmp_path)
    rows = DS.interactions.get_split_rows(TEST)
    label, group = DS.interactions.label[rows], group_of(DS, rows)
    trained = checkpoint.load_recommender(tmp_path)
    scores = Predictor(DS, trained, blind.prompt, personal(DS)).score(rows)
    swapped = Predictor(DS, trained, blind.prompt, Swapped(personal(DS))).score(rows)  # pyright: ignore
    for k in (0, 1):
        assert compute_auc(label[group == k], scores[group == k]) == 1.0
        assert compute_auc(label[group == k], swapped[group == k]) == 0.0
    # The global adapter knows the items and not the groups.
    assert compute_auc(
        label, Predictor(DS, checkpoint.load_recommender(after_global), blind.prompt).score(rows)
    ) == pytest.approx(0.5, abs=0.1)


class Swapped:
    """The gate that gives every row the other group's expert."""

    def __init__(self, right: AdapterRouter) -> None:
        self.right = right

    def route(self, ds, rows: np.ndarray):
        found = self.right.route(ds, rows)
        return type(found)(found.weights[:, [0, 2, 1]], found.region)


class Between:
    """An encoder that places users between both centres, some nearer to one: every region of the gate occurs."""

    dim = 2
    near = np.array([[1, 0], [1, 1], [1, 0.95], [0, 1], [0.8, 1]], dtype=np.float32)

    def encode_users(self, ds, rows: np.ndarray) -> np.ndarray:
        return self.near[np.asarray(rows) % len(self.near)]

    def encode_items(self, ds) -> np.ndarray:
        return np.zeros((ITEMS, 2), dtype=np.float32)


def test_the_vector_stage_trains_with_the_gate_that_rows_are_scored_with(
    backbone: Path, after_global: Path, tmp_path: Path, started: list
) -> None:
    for folder in ("experts", "vectors"):
        (tmp_path / folder).mkdir()
    stages.train_experts(teaching(DS, model(backbone)), after_global, personal(DS), tmp_path / "experts")
    config = EntropyGateConfig(single_base=0.6, single_share=0.0, entropy_threshold=0.99)
    gate = AdapterRouter(Between(), personal(DS).groups, config)  # pyright: ignore
    slots = SlotEncoder.from_dataset(DS, None, statistics=True, votes=False, seed=0)
    system = Predictor(DS, checkpoint.load_recommender(tmp_path / "experts"), PromptConfig(history=3), gate, slots)
    stages.train_projector(teaching(DS, model(backbone)), system, tmp_path / "vectors")
    rows = select_strided_rows(DS, 1, 0, 0)
    scored = gate.route(DS, rows)
    assert set(scored.region) == {SINGLE, GLOBAL, FUSE}
    prompts: Sequence[Prompt] = started[-1]["prompts"]
    np.testing.assert_array_equal(np.stack([prompt.gate for prompt in prompts]), scored.weights)
    np.testing.assert_array_equal(np.stack([p.gate for p in system.render_prompts(rows)]), scored.weights)
    # And the vectors are in them: of every shown earlier item, of the user, of the target.
    assert system.vectors is not None
    for row, prompt in zip(rows, prompts, strict=True):
        assert len(prompt.placeholder_at) == min(3, row - DS.interactions.start[DS.interactions.user[row]]) + 2
        np.testing.assert_array_equal(prompt.placeholder_vectors[-1], system.vectors.item[row])
        np.testing.assert_array_equal(prompt.placeholder_vectors[-2], system.vectors.user[row])


def test_the_projector_is_standardised_on_vectors_of_train_rows(
    backbone: Path, after_global: Path, tmp_path: Path, started: list, monkeypatch
) -> None:
    seen: list[np.ndarray] = []
    calibrate = stages.Projector.calibrate

    def watched(projector, vectors, *rest, **options):
        seen.append(vectors.numpy())
        return calibrate(projector, vectors, *rest, **options)

    monkeypatch.setattr(stages.Projector, "calibrate", watched)
    slots = SlotEncoder.from_dataset(DS, None, statistics=True, votes=False, seed=0)
    system = Predictor(DS, checkpoint.load_recommender(after_global), PromptConfig(history=3), None, slots)
    stages.train_projector(teaching(DS, model(backbone)), system, tmp_path)
    train = DS.interactions.split == TRAIN
    assert system.vectors is not None
    known = {vector.tobytes() for part in (system.vectors.user, system.vectors.item) for vector in part[train]}
    assert len(seen) == 1
    assert len(seen[0]) >= 20
    assert {vector.tobytes() for vector in seen[0]} <= known


def rendered(
    backbone: Path, started: list, chosen: ThinkRecConfig, reasons: dict[int, str], folder: Path
) -> list[Prompt]:
    stages.train_global_adapter(teaching(DS, chosen, reasons), folder)
    return list(started[-1]["prompts"])


@pytest.mark.parametrize("weight", [0.0, 0.5, 2.0])
def test_history_loss_shares_the_rating_loss_of_a_row(
    weight: float, backbone: Path, tmp_path: Path, started: list
) -> None:
    chosen = model(backbone, global_stage=stage("global", history_loss=weight))
    prompts, rows, it = (
        rendered(backbone, started, chosen, {}, tmp_path),
        select_strided_rows(DS, 1, 0, 0),
        DS.interactions,
    )
    for row, prompt in zip(rows, prompts, strict=True):
        shown = min(3, int(row - it.start[it.user[row]]))
        labels = it.label[row - shown : row + 1]
        np.testing.assert_array_equal(prompt.answer_label, labels)
        wanted = 0.9 * np.append(np.full(shown, weight), 1.0) / (shown * weight + 1)
        np.testing.assert_allclose(prompt.answer_weight, wanted, rtol=1e-6)


def test_reasons_of_train_rows_make_up_their_share_of_a_pass(backbone: Path, tmp_path: Path, started: list) -> None:
    it = DS.interactions
    reasons = {row: reason(bool(it.label[row]), "red") for row in range(len(it))}
    chosen = model(backbone, reasons={"share": 0.2})
    prompts, train = rendered(backbone, started, chosen, reasons, tmp_path), np.flatnonzero(it.split == TRAIN)
    taught = [prompt for prompt in prompts if len(prompt.token_at) > 1]
    assert len(prompts) == len(train) + len(taught)
    assert len(taught) / len(prompts) == pytest.approx(0.2, abs=0.01)
    for prompt in taught:
        assert prompt.answer_weight.sum() == pytest.approx(0.1)
        assert prompt.token_weight.sum() == pytest.approx(0.9)
        assert prompt.token_target[-1] == 2, "a reason ends with the end-of-sequence token"
        np.testing.assert_array_equal(prompt.token_target[:-1], prompt.ids[prompt.token_at[1:]])
    for prompt in prompts[: len(train)]:
        assert prompt.answer_weight.sum() == pytest.approx(0.9)
        assert prompt.token_weight.sum() == pytest.approx(0.1)


def test_tokens_that_decide_on_sides_weigh_more_in_training(backbone: Path, tmp_path: Path, started: list) -> None:
    reasons = {row: f"{'Yes' if label else 'No'}. They liked 'it'." for row, label in enumerate(DS.interactions.label)}
    chosen = model(backbone, reasons={"share": 0.2, "side_weight": 4.0})
    prompts = rendered(backbone, started, chosen, reasons, tmp_path)
    taught = [prompt for prompt in prompts if len(prompt.token_at) > 1]
    assert taught
    for prompt in taught:
        assert prompt.token_weight.max() == pytest.approx(4 * prompt.token_weight.min())
        assert prompt.token_weight.sum() == pytest.approx(0.9)


def test_a_stage_is_trained_for_the_score_that_is_asked_for(backbone: Path, tmp_path: Path) -> None:
    found = []
    for option in ("difference", "yes"):
        (tmp_path / option).mkdir()
        stages.train_global_adapter(teaching(DS, model(backbone, score=option)), tmp_path / option)
        found.append(checkpoint.load_recommender(tmp_path / option).adapters.state_dict())
    assert any(not torch.equal(found[0][name], tensor) for name, tensor in found[1].items())
