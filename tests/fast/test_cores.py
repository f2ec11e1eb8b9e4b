"""Batches side by side: results in order, errors passed on, threads put back, and only where it is safe."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from thinkrec.fast.cores import MOST, at_once, each

sys.path.append(str(Path(__file__).parents[1] / "model"))
from tiny_lm import make_recommender


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
    for result in each(work, coming(), 2):
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
    found = list(each(lambda _: (threading.get_ident(), torch.get_num_threads()), range(n), 2))
    assert found == [(main, 2)] * n


@pytest.mark.usefixtures("two")
def test_an_error_comes_through_and_leaves_the_threads_as_they_were() -> None:
    def work(i: int) -> int:
        if i == 3:
            raise ValueError("the fourth")
        return i

    found = []
    with pytest.raises(ValueError, match="the fourth"):
        found.extend(each(work, range(1000), 2))
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two")
def test_only_on_a_cpu_and_not_where_the_rotary_embedding_changes() -> None:
    rec = make_recommender()
    assert at_once(rec) == 2
    assert at_once(SimpleNamespace(device=torch.device("cuda"), model=rec.model)) == 1  # type: ignore[arg-type]
    rec.model.config.rope_parameters = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}
    assert at_once(rec) == 1
    torch.set_num_threads(40)
    rec.model.config.rope_parameters = {"rope_type": "default", "rope_theta": 1e4}
    assert at_once(rec) == MOST
