"""One more group behind those of before."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from support.tiny_lm import make_recommender
from support.tiny_run import tiny_backbone

from thinkrec.engine import checkpoint
from thinkrec.engine.recommender import Recommender
from thinkrec.errors import DataError
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
        """A recommender on the folder's backbone, each of whose adapters differs from the others."""
        recommender = make_recommender(n=n, dim=0, initializer_range=0.1)
        recommender.backbone.config = recommender.backbone.config.model_copy(update={"source": str(folder)})
        return recommender

    class Context:
        build_recommender = staticmethod(build)

    for name, n in (("old", 2), ("new", 1)):
        one = build(n)
        with torch.no_grad():
            for parameter in one.adapters.get_parameters("experts"):
                parameter.add_(n)
        checkpoint.save_recommender(tmp_path / name, one)
    grown = append_expert(tmp_path / "old", tmp_path / "new", cast(Any, Context()))
    old, new = (checkpoint.load_recommender(tmp_path / name).adapters for name in ("old", "new"))
    wanted = [*(old.get_peft_tensors(k) for k in range(3)), new.get_peft_tensors(1)]
    for k, tensors in enumerate(wanted):
        mine = grown.adapters.get_peft_tensors(k)
        assert all(torch.equal(mine[name], tensor) for name, tensor in tensors.items()), k
    assert not all(torch.equal(a, b) for a, b in zip(wanted[3].values(), wanted[2].values(), strict=True))
