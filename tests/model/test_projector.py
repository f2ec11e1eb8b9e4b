from __future__ import annotations

import pytest
import torch
from support.tiny_lm import make_model

from thinkrec.model.projector import VARIATION, Projector


def test_shape_is_linear_relu_linear() -> None:
    projector = Projector(6, 32)
    assert [tuple(p.shape) for p in projector.layers.parameters()] == [(60, 6), (60,), (32, 60), (32,)]
    assert projector(torch.randn(5, 6)).shape == (5, 32)
    assert Projector(**projector.get_config()).get_config() == {"dim": 6, "hidden": 32, "widen": 10}


@pytest.mark.parametrize("spread", [1e-3, 1.0, 50.0])
def test_a_fresh_projector_is_nearly_an_open_verdict(spread: float) -> None:
    embedding = make_model().get_input_embeddings().weight.detach()
    norm = embedding.norm(dim=1).mean().item()
    vectors = torch.randn(200, 6, generator=torch.manual_seed(0)) * spread + 4 * spread
    projector = Projector(6, 32).calibrate(vectors, embedding, (3, 4))
    lengths = (projector(vectors) - embedding[3:5].mean(0)).norm(dim=1)
    assert lengths.mean().item() == pytest.approx(VARIATION * norm, rel=1e-3)
    assert lengths.std() < 0.5 * VARIATION * norm
    torch.testing.assert_close(((vectors - projector.mean) / projector.std).std(0, unbiased=False), torch.ones(6))


def test_a_constant_dimension_is_only_centred_and_the_buffers_are_saved() -> None:
    vectors = torch.randn(50, 6)
    vectors[:, 2] = 3.0
    projector = Projector(6, 32).calibrate(vectors, torch.randn(9, 32), (0, 1))
    assert projector.std[2] == 1 and projector.mean[2] == 3
    assert torch.isfinite(projector(vectors)).all()
    other = Projector(6, 32)
    other.load_state_dict(projector.state_dict())
    assert torch.equal(other(vectors), projector(vectors))
    assert {n for n, _ in projector.named_parameters()} == {
        "scale",
        "layers.0.weight",
        "layers.0.bias",
        "layers.2.weight",
        "layers.2.bias",
    }


def test_all_vectors_zero_is_no_division_by_zero() -> None:
    projector = Projector(6, 32).calibrate(torch.zeros(4, 6), torch.randn(9, 32), (0, 1))
    assert torch.isfinite(projector(torch.zeros(1, 6))).all()


def test_calibration_projects_a_part_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, plain = [], Projector.forward

    def forward(self: Projector, vectors: torch.Tensor) -> torch.Tensor:
        sizes.append(len(vectors))
        return plain(self, vectors)

    vectors, embedding = torch.randn(5000, 6), torch.randn(3000, 32)
    torch.manual_seed(0)
    whole = Projector(6, 32)
    torch.manual_seed(0)
    apart = Projector(6, 32)
    monkeypatch.setattr("thinkrec.model.projector.PART", 10**6)
    whole.calibrate(vectors, embedding, (0, 1))
    monkeypatch.undo()
    monkeypatch.setattr(Projector, "forward", forward)
    apart.calibrate(vectors, embedding, (0, 1))
    assert max(sizes) <= 1024 and sum(sizes) == 5000
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(apart.state_dict()[name], value, rtol=1e-6, atol=1e-7)
