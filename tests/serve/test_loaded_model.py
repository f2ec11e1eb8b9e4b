"""How many lanes a model has, with how many cores each, and how large its batches are."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from thinkrec.data.query import Query
from thinkrec.serve.histories import build_past
from thinkrec.serve.loaded_model import BATCH, LoadedModel, ServiceLimits
from thinkrec.serve.service import RecommenderService


@pytest.fixture
def two_cores() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("limits", "cores"), [(ServiceLimits(), [1, 1]), (ServiceLimits(lanes=1), [2])])
def test_lanes_share_the_cores_and_others_keep_theirs(
    service: RecommenderService, two_cores: None, limits: ServiceLimits, cores: list[int]
) -> None:
    seen, together = list[int](), threading.Barrier(len(cores))

    def score(queries: Sequence[Query]) -> list[np.ndarray]:
        seen.append(torch.get_num_threads())
        together.wait(10)  # each lane waits for the other one
        return [np.zeros(len(query.candidates)) for query in queries]

    loaded = LoadedModel(service.loaded.model, limits, score)
    query = replace(build_past(loaded.model, 1, ()).query, candidates=np.arange(20))
    for job in loaded.queue.submit([query] * len(cores)):
        assert len(job.future.result(10)) == 20
    assert loaded.queue.close(10)
    assert seen == cores and torch.get_num_threads() == 2


def test_a_usual_ranking_is_one_batch_on_a_cpu(service: RecommenderService) -> None:
    sizes: list[list[int]] = []

    def score(queries: Sequence[Query]) -> list[np.ndarray]:
        sizes.append([len(query.candidates) for query in queries])
        return [np.zeros(len(query.candidates)) for query in queries]

    loaded = LoadedModel(service.loaded.model, ServiceLimits(), score)
    query = build_past(loaded.model, 1, ()).query
    for n in (50, 60):
        (job,) = loaded.queue.submit([replace(query, candidates=np.arange(n))])
        job.future.result(10)
    assert loaded.queue.close(10)
    assert BATCH["cpu"] == 64 and sizes == [[50], [30], [30]]
