"""A mixture as one adapter adds what the mixed adapters add."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from thinkrec import ThinkRec
from thinkrec.errors import DataError
from thinkrec.export.mixtures import build_mixture, build_peft_files, get_mixture_rank


@pytest.mark.parametrize("gate", [[1, 0, 0], [0, 1, 0], [0, 0.25, 0.75], [0.2, 0.3, 0.5]])
def test_ranks_side_by_side_are_the_weighted_sum(exported_model: ThinkRec, gate: list[float]) -> None:
    adapters = exported_model.predictor.recommender.adapters
    tensors, config = build_peft_files(adapters, np.array(gate), "base")
    scale = config["lora_alpha"] / config["r"]
    for name, (a, b) in build_mixture(adapters, np.array(gate)).items():
        assert a.shape[0] == b.shape[1] == config["r"] == 4 * np.count_nonzero(gate)
        wanted = adapters.compute_fused_delta(name, torch.tensor(gate))
        torch.testing.assert_close(scale * (b @ a), wanted.detach(), atol=1e-6, rtol=1e-5)
        assert torch.equal(tensors[f"base_model.model.{name}.lora_A.weight"], a)


def test_a_mixture_of_another_width_is_refused(exported_model: ThinkRec) -> None:
    adapters = exported_model.predictor.recommender.adapters
    assert get_mixture_rank(adapters, np.array([0, 1, 1])) == 8
    for wrong in ([1.0], [0.0, 0.0, 0.0]):
        with pytest.raises(DataError, match="one weight for each"):
            build_mixture(adapters, np.array(wrong))
