"""A small trained recommender with experts and vectors, exported once for each program."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.tiny_folder import write_backbone
from support.untrained_model import untrained

from thinkrec import Dataset, ThinkRec
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue


@pytest.fixture(scope="session")
def export_data() -> Dataset:
    return simulate_catalogue(SimulatorConfig(users=30, items=60, interactions_per_user=(6, 12)), 7).dataset


@pytest.fixture(scope="session")
def exported_model(export_data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> ThinkRec:
    """Its experts are spread apart, so that mixtures differ by more than rounding."""
    backbone = write_backbone(tmp_path_factory.mktemp("export-backbone"), export_data)
    model = untrained(backbone, model__gate={"kind": "entropy", "entropy_threshold": 2, "single_base": 0.7}).fit(
        export_data
    )
    torch.manual_seed(0)
    recommender = model.predictor.recommender
    with torch.no_grad():
        for layer in recommender.adapters.layers.values():
            layer.global_b += 0.3 * torch.randn_like(layer.global_b)
            if layer.expert_b is not None:
                layer.expert_b += 0.3 * torch.randn_like(layer.expert_b)
    recommender.train()
    recommender.freeze_for_inference()
    return model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "export"
