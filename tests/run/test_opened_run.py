"""A trained run is opened once, by whichever thread asks first, and answers by the variant that was chosen."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from support.tiny_run import train_tiny_run

from thinkrec.errors import DataError
from thinkrec.run.opened_run import OpenedRun
from thinkrec.run.pipeline import Run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train_tiny_run(tmp_path_factory.mktemp("opened"))


def test_threads_that_ask_at_the_same_time_share_one_predictor(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, load, loads = OpenedRun(trained, progress=False), trained.load_predictor, []
    monkeypatch.setattr(trained, "load_predictor", lambda variant: loads.append(variant) or load(variant))
    with ThreadPoolExecutor(4) as pool:
        services = list(pool.map(lambda _: opened.get_service(), range(8)))
    assert len({id(service) for service in services}) == 1 and loads == [opened.variant]


def test_a_chosen_stage_answers_and_the_final_one_is_still_what_is_saved(trained: Run) -> None:
    opened, rows = OpenedRun(trained, progress=False), trained.ds.interactions.get_split_rows(2)[:6]
    final = opened.load_final_predictor()
    assert final is opened.get_service().predictor
    opened.choose_stage("global")
    assert opened.variant.stage == "global"
    by_text = opened.get_service().predictor.score(rows)
    again = opened.load_final_predictor()
    assert np.abs(by_text - again.score(rows)).max() > 1e-4
    np.testing.assert_allclose(again.score(rows), final.score(rows), atol=1e-6)
    with pytest.raises(DataError, match="nonsense"):
        opened.choose_stage("nonsense")
    assert opened.variant.stage == "global"


def test_fewer_candidates_than_places_are_refused_before_anything_is_opened(trained: Run) -> None:
    opened = OpenedRun(trained, progress=False)
    with pytest.raises(DataError, match="3"):
        opened.recommend_queries([], 5, 3, False, None)
    assert opened._service is None and opened._search is None
