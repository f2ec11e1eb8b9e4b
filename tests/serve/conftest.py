"""A tiny trained run, opened as a service once for the room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.tiny_run import train_tiny_run

from thinkrec.serve.run_pair import RunPair
from thinkrec.serve.service import RecommenderService, open_service


@pytest.fixture(scope="session")
def served_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_tiny_run(tmp_path_factory.mktemp("served")).folder


@pytest.fixture
def service(served_folder: Path, tmp_path: Path) -> Iterator[RecommenderService]:
    service = open_service(served_folder, tmp_path / "interactions.sqlite")
    yield service
    service.close(10)


@pytest.fixture(scope="session")
def beside_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the same tables with another seed and a shorter history."""
    return train_tiny_run(tmp_path_factory.mktemp("beside"), seed=4, history=3).folder


@pytest.fixture
def pair(service: RecommenderService, served_folder: Path, beside_folder: Path) -> Iterator[RunPair]:
    pair = RunPair(service, served_folder, beside_folder)
    yield pair
    pair.close(10)
