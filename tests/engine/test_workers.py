"""Batches side by side: results in order, errors passed on, threads put back, and only where it is safe."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest
import torch
from support.tiny_lm import make_recommender

from thinkrec.engine.workers import MAX_WORKERS, count_workers, map_batches


@pytest.fixture
def two():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two")
def test_items_meet_and_results_keep_their_order() -> None:
    meeting, taken = threading.Barrier(2, timeout=20), []

    def coming():
        for i in range(30):
            taken.append(i)
            yield i

    def work(i: int) -> tuple[int, int, bool]:
        meeting.wait()
        return i, torch.get_num_threads(), torch.is_grad_enabled()

    found = []
    for result in map_batches(work, coming(), 2):
        found.append(result)
        assert len(taken) <= len(found) + 6, "only a few are taken ahead"
    assert found == [(i, 1, False) for i in range(30)]
    assert torch.get_num_threads() == 2
    new = []
    thread = threading.Thread(target=lambda: new.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert new == [2], "threads to come have all cores again"


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("n", [0, 1])
def test_a_single_item_has_all_cores(n: int) -> None:
    main = threading.get_ident()
    found = list(map_batches(lambda _: (threading.get_ident(), torch.get_num_threads()), range(n), 2))
    assert found == [(main, 2)] * n


@pytest.mark.usefixtures("two")
def test_one_worker_goes_ahead_of_the_thread_that_prepares() -> None:
    main, prepared = threading.get_ident(), threading.Event()

    def coming():
        yield 0
        yield 1
        prepared.set()
        yield 2

    def work(i: int) -> tuple[int, bool]:
        if i == 0:
            assert prepared.wait(20), "the third item is prepared while the first is worked on"
        return i, threading.get_ident() != main

    assert list(map_batches(work, coming(), 1)) == [(0, True), (1, True), (2, True)]
    assert list(map_batches(lambda i: threading.get_ident() == main, range(3), 0)) == [True] * 3


@pytest.mark.usefixtures("two")
def test_an_error_comes_through_and_leaves_the_threads_as_they_were() -> None:
    def work(i: int) -> int:
        if i == 3:
            raise ValueError("the fourth")
        return i

    found = []
    with pytest.raises(ValueError, match="the fourth"):
        found.extend(map_batches(work, range(1000), 2))
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two")
def test_a_core_each_one_for_a_gpu_and_none_where_the_rotary_embedding_changes() -> None:
    rec = make_recommender()
    assert count_workers(rec) == 2
    gpu = SimpleNamespace(device=torch.device("cuda"), model=rec.model, max_workers=None)
    assert count_workers(gpu) == 1  # type: ignore[arg-type]
    rec.model.config.rope_parameters = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}
    assert count_workers(rec) == 0
    gpu.model = rec.model
    assert count_workers(gpu) == 0  # type: ignore[arg-type]
    torch.set_num_threads(1)
    assert count_workers(rec) == 0
    torch.set_num_threads(40)
    rec.model.config.rope_parameters = {"rope_type": "default", "rope_theta": 1e4}
    for most in (0, 3):
        rec.max_workers = most
        assert count_workers(rec) == most
    rec.max_workers = None
    torch.set_num_threads(40)
    rec.model.config.rope_parameters = {"rope_type": "default", "rope_theta": 1e4}
    assert count_workers(rec) == MAX_WORKERS


@pytest.mark.usefixtures("two")
def test_callers_at_the_same_time_share_a_pool_and_leave_the_threads_as_they_are() -> None:
    seen, results = [], {}

    def call(name: int) -> None:
        before = torch.get_num_threads()
        results[name] = list(map_batches(lambda i: (name, i, torch.get_num_threads()), range(40), 2))
        seen.append((before, torch.get_num_threads()))

    callers = [threading.Thread(target=call, args=(name,)) for name in range(6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert seen == [(2, 2)] * 6
    assert results == {name: [(name, i, 1) for i in range(40)] for name in range(6)}


@pytest.mark.usefixtures("two")
def test_after_an_error_nothing_is_still_at_work() -> None:
    running = []

    def work(i: int) -> int:
        if i == 1:
            raise ValueError("the second")
        running.append(i)
        time.sleep(0.05)
        running.remove(i)
        return i

    with pytest.raises(ValueError, match="the second"):
        list(map_batches(work, range(100), 2))
    assert running == []
