"""What a projector's inputs are measured in does not matter."""

from __future__ import annotations

import torch
from support.tiny_lm import make_model

from thinkrec.model.projector import Projector


def test_inputs_on_another_scale_give_the_same_outputs() -> None:
    embedding = make_model().get_input_embeddings().weight.detach()
    vectors = torch.randn(80, 6, generator=torch.manual_seed(0), dtype=torch.float32)
    shift, stretch = torch.tensor([0.0, 5, -30, 100, 1, 2]), torch.tensor([1.0, 10, 0.1, 50, 3, 1])
    found = []
    for given in (vectors, vectors * stretch + shift):
        torch.manual_seed(1)
        found.append(Projector(6, 32).calibrate(given, embedding, (3, 4))(given[:10]))
    assert found[0].std(0).max() > 1e-3
    torch.testing.assert_close(found[0], found[1], atol=1e-4, rtol=1e-3)
