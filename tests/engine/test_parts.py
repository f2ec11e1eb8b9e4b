"""What trains is a table of parts: a further one is a module and an entry, and everything else follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from support.tiny_lm import make_backbone, make_prompts, make_recommender
from torch import nn

from thinkrec.engine import checkpoint
from thinkrec.engine.batch import collate_prompts
from thinkrec.engine.frozen_cache import find_first_trainable_layer
from thinkrec.engine.parts import MODULE_PARTS, TRAINABLE_PARTS, ModulePart, PartState
from thinkrec.errors import CheckpointError, RecipeError
from thinkrec.model.adapters import attach_adapters
from thinkrec.model.lora import MultiLoRAConfig
from thinkrec.model.soft_prompt import create_soft_prompt
from thinkrec.prompts.types import Prompt
from thinkrec.train.config import StageConfig
from thinkrec.train.loop import fit_stage, set_trainable_parameters

SOFT = {(0, 1): 2, (0, 2): 0, (3, 5): 1}
"""Soft vectors of the batch of `make_soft_prompts`: (row, position) -> index."""


def make_soft_prompts() -> list[Prompt]:
    """Those of `make_prompts` with soft vectors at the places of `SOFT`."""
    prompts = []
    for row, prompt in enumerate(make_prompts()):
        at = [position for (r, position) in SOFT if r == row]
        index = [SOFT[row, position] for position in at]
        prompts.append(replace(prompt, soft_at=np.array(at, np.int32), soft_index=np.array(index, np.int32)))
    return prompts


def make_rising_check() -> Callable[[], dict[str, float]]:
    """A check that finds every state better than those before it."""
    values = iter(range(100))
    return lambda: {"auc": 0.5, "uauc": 0.5, "value": next(values)}


def test_soft_vectors_stand_at_their_positions_and_nowhere_else() -> None:
    rec = make_recommender()
    batch = collate_prompts(make_soft_prompts(), 0)
    with pytest.raises(RecipeError, match="places for soft vectors, but this recommender has no soft prompt; add one"):
        rec.embed(batch)
    plain = rec.embed(collate_prompts(make_prompts(), 0))
    rec.soft_prompt = create_soft_prompt(rec.backbone, 3, " w1 w2 w3")
    embeds = rec.embed(batch)
    for (row, position), index in SOFT.items():
        assert torch.equal(embeds[row, position], rec.soft_prompt.weight[index])
    changed = (embeds != plain).any(-1).nonzero().tolist()
    assert sorted(changed) == sorted(list(place) for place in SOFT)


def test_a_soft_prompt_is_trained_saved_and_loaded(tmp_path: Path) -> None:
    rec = make_recommender(dim=6)
    rec.soft_prompt = create_soft_prompt(rec.backbone, 4)
    before = {name: [p.detach().clone() for p in part.list_parameters(rec)] for name, part in TRAINABLE_PARTS.items()}
    config = StageConfig(train=("soft_prompt",), epochs=8, lr=0.05, warmup_steps=1, evals_per_epoch=1, weight_decay=0.0)
    log = fit_stage(
        rec,
        lambda _: make_soft_prompts(),
        make_rising_check(),
        config,
        tmp_path,
        seed=0,
        accelerator=Accelerator(cpu=True),
        title="soft prompt",
    )
    assert log[-1]["loss"] < log[0]["loss"]
    for name, part in TRAINABLE_PARTS.items():
        same = [torch.equal(a, b) for a, b in zip(before[name], part.list_parameters(rec), strict=True)]
        assert same and all(same) is (name != "soft_prompt"), name
    moved = (rec.soft_prompt.weight != before["soft_prompt"][0]).any(-1)
    assert moved.tolist() == [True, True, True, False], "a vector that no prompt names does not change"
    checkpoint.save_recommender(tmp_path / "saved", rec)
    back = checkpoint.load_recommender(tmp_path / "saved", make_backbone())
    assert back.soft_prompt is not None and torch.equal(back.soft_prompt.weight, rec.soft_prompt.weight)
    batch = collate_prompts(make_soft_prompts(), 0)
    assert torch.equal(back.score(batch), rec.score(batch))


def test_a_soft_prompt_learns_below_the_first_layer_and_has_a_mode() -> None:
    rec = make_recommender()
    set_trainable_parameters(rec, StageConfig(train=("experts",)))
    assert find_first_trainable_layer(rec) == 2
    rec.soft_prompt = create_soft_prompt(rec.backbone, 2)
    set_trainable_parameters(rec, StageConfig(train=("experts", "soft_prompt")))
    assert find_first_trainable_layer(rec) == 0
    rec.train()
    assert rec.soft_prompt.training
    rec.eval()
    assert not rec.soft_prompt.training


def test_a_stage_trains_parameters_of_adapters_and_then_of_modules() -> None:
    rec = make_recommender()
    chosen = set_trainable_parameters(rec, StageConfig(train=("projector", "experts", "global")))
    order = [id(p) for name in ("experts", "global", "projector") for p in TRAINABLE_PARTS[name].list_parameters(rec)]
    assert [id(p) for p in chosen] == order
    with pytest.raises(RecipeError, match="a stage trains soft_prompt, and the model has global, experts, projector;"):
        set_trainable_parameters(rec, StageConfig(train=("soft_prompt",)))


def test_an_unknown_part_is_refused_in_a_recipe() -> None:
    with pytest.raises(ValueError, match="no part `slots`; parts that train are global, experts, projector, soft_"):
        StageConfig(train=("slots",))


class TokenBias(nn.Module):
    """A part of somebody else's: one vector, added nowhere but at its own positions."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.bias = nn.Parameter(torch.ones(hidden))

    def get_config(self) -> dict[str, int]:
        return {"hidden": self.hidden}

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        return self.bias * index[:, None]


def test_a_further_part_is_a_module_and_an_entry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    part = ModulePart("token_bias", TokenBias, "soft_at", "soft_index", "no token bias")
    monkeypatch.setitem(MODULE_PARTS, "token_bias", part)
    monkeypatch.delitem(MODULE_PARTS, "soft_prompt")
    monkeypatch.setitem(TRAINABLE_PARTS, "token_bias", part)
    rec = make_recommender()
    module = TokenBias(rec.backbone.hidden_size)
    setattr(rec, "token_bias", module)  # noqa: B010
    fit_stage(
        rec,
        lambda _: make_soft_prompts(),
        make_rising_check(),
        StageConfig(train=("token_bias",), epochs=2),
        tmp_path,
        seed=0,
        accelerator=Accelerator(cpu=True),
        title="token bias",
    )
    assert not torch.equal(module.bias, torch.ones(rec.backbone.hidden_size))
    checkpoint.save_recommender(tmp_path / "saved", rec)
    back = checkpoint.load_recommender(tmp_path / "saved", make_backbone())
    assert torch.equal(getattr(back, "token_bias").bias, module.bias)  # noqa: B009
    monkeypatch.delitem(TRAINABLE_PARTS, "token_bias")
    with pytest.raises(CheckpointError, match="names the part token_bias, which this version does not know"):
        checkpoint.load_recommender(tmp_path / "saved", make_backbone())


def test_values_that_do_not_fit_are_refused() -> None:
    rec = make_recommender()
    state = TRAINABLE_PARTS["experts"].get_state(rec)
    assert state.config == {"layers": [2, 3]}
    file = "adapters/expert_2/adapter_model.safetensors"
    with pytest.raises(CheckpointError, match=f"names no {file}"):
        TRAINABLE_PARTS["experts"].load_state(rec, PartState({k: v for k, v in state.tensors.items() if k != file}))
    with pytest.raises(CheckpointError, match="do not fit this model"):
        TRAINABLE_PARTS["experts"].load_state(make_recommender(num_hidden_layers=3), state)
    bare = make_backbone(hidden_size=64)
    other = attach_adapters(bare.model, MultiLoRAConfig(n_experts=0))
    assert not TRAINABLE_PARTS["experts"].has_part(type(rec)(bare, other))
    with pytest.raises(CheckpointError, match="the saved projector makes vectors of 32 numbers, the backbone llama"):
        TRAINABLE_PARTS["projector"].load_state(type(rec)(bare, other), TRAINABLE_PARTS["projector"].get_state(rec))
