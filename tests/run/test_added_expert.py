"""One more group behind those of before."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from support.tiny_run import tiny_backbone

from thinkrec.engine import checkpoint
from thinkrec.engine.recommender import Recommender
from thinkrec.errors import DataError
from thinkrec.model.adapters import attach_adapters
from thinkrec.model.backbone import load_backbone
from thinkrec.model.backbone_config import BackboneConfig
from thinkrec.model.lora import MultiLoRAConfig
from thinkrec.personal.groups import GroupConfig, fit_groups
from thinkrec.run.added_expert import append_expert, append_group


def test_the_groups_of_before_stay_as_they_were() -> None:
    rng = np.random.default_rng(0)
    groups = fit_groups(rng.normal(size=(20, 3)).astype(np.float32), GroupConfig(n_groups=2), users=list(range(20)))
    vectors = np.array([[9, 9, 9], [11, 9, 7]], dtype=np.float32)
    more = append_group(groups, ["x", "y"], vectors)
    assert more.centres.tolist() == [*groups.centres.tolist(), [10, 9, 8]]
    assert more.labels.tolist() == [*groups.labels.tolist(), 2, 2] and more.users == [*range(20), "x", "y"]
    assert np.array_equal(more.mean, groups.mean) and np.array_equal(more.std, groups.std)


def test_users_that_the_encoder_cannot_tell_apart_are_refused() -> None:
    groups = fit_groups(np.eye(4, dtype=np.float32), GroupConfig(n_groups=2))
    with pytest.raises(DataError, match="the same vector"):
        append_group(groups, ["x", "y"], np.ones((2, 4), dtype=np.float32))


def test_all_adapters_stand_behind_one_another_as_they_are(tmp_path: Path) -> None:
    folder = tiny_backbone(tmp_path / "backbone")

    def build(n: int) -> Recommender:
        """A recommender on the folder's backbone: one global adapter for all, and experts that differ."""
        backbone = load_backbone(BackboneConfig(source=str(folder)))
        adapters = attach_adapters(backbone.model, MultiLoRAConfig(rank=4, alpha=8, n_experts=n, expert_layers=0.5))
        with torch.no_grad():
            for seed, group in ((0, "global"), (n, "experts")):
                torch.manual_seed(seed)
                for parameter in adapters.get_parameters(group):
                    parameter.normal_()
        return Recommender(backbone, adapters)

    class Context:
        build_recommender = staticmethod(build)

    for name, n in (("old", 2), ("new", 1)):
        checkpoint.save_recommender(tmp_path / name, build(n))
    grown = append_expert(tmp_path / "old", tmp_path / "new", cast(Any, Context()))
    old, new = (checkpoint.load_recommender(tmp_path / name).adapters for name in ("old", "new"))
    wanted = [*(old.get_peft_tensors(k) for k in range(3)), new.get_peft_tensors(1)]
    for k, tensors in enumerate(wanted):
        mine = grown.adapters.get_peft_tensors(k)
        assert all(torch.equal(mine[name], tensor) for name, tensor in tensors.items()), k
    assert not all(torch.equal(a, b) for a, b in zip(wanted[3].values(), wanted[2].values(), strict=True))
