"""The service in the process: the same scores as the library, histories that grow and are tried out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import thinkrec
from thinkrec.errors import DataError
from thinkrec.serve.errors import UnknownIdError
from thinkrec.serve.service import RecommenderService, open_service
from thinkrec.serve.values import Change


def test_many_threads_get_the_scores_of_the_library(service: RecommenderService, served_folder: Path) -> None:
    model = thinkrec.load(served_folder)
    users = model.ds.user_ids[:12]
    wanted = {user: [(one.item, one.score) for one in model.rank(user, top=5)] for user in users}
    with ThreadPoolExecutor(12) as pool:
        rankings = list(pool.map(lambda user: service.rank(user, top=5), users))
    for user, ranking in zip(users, rankings, strict=True):
        assert [one.item for one in ranking.items] == [item for item, _ in wanted[user]]
        np.testing.assert_allclose([one.score for one in ranking.items], [s for _, s in wanted[user]], atol=1e-5)


def test_effects_are_the_score_less_that_without_the_line(service: RecommenderService) -> None:
    answer = service.explain(1, 3, reason="none")
    line = answer.history[-1]
    assert line.effect is not None
    # A changed history shows no older line in the place of the one that is gone, so both measure the same.
    turned = service.compare_what_if(1, changes=[Change(line.item, None)], candidates=[3], item=3, reason="none")
    assert turned.before is not None and turned.after is not None
    assert turned.before.score - turned.after.score == pytest.approx(line.effect, abs=1e-4)


def test_a_flipped_like_is_found_from_the_whole_changed_history(service: RecommenderService) -> None:
    history = [(entry.item, entry.liked) for entry in service.get_history(2)]
    changed = [*history[:-1], (history[-1][0], not history[-1][1])]
    result = service.compare_what_if(2, changed=changed, top=3)
    assert result.changes == (Change(history[-1][0], not history[-1][1]),)
    assert [entry.liked for entry in result.history] == [liked for _, liked in changed]
    assert any(one.score_before != one.score_after for one in result.ranking)


def test_an_appended_opinion_survives_and_takes_the_place_of_the_earlier_one(
    service: RecommenderService, served_folder: Path
) -> None:
    first = service.append_interaction("new", 3, True, key="a")
    assert service.append_interaction("new", 3, True, key="a").number == first.number
    service.append_interaction("new", 3, False)
    path = service.store.path  # type: ignore[attr-defined]
    service.store.close()
    again = open_service(served_folder, path)
    assert [(entry.item, entry.liked, entry.source) for entry in again.get_history("new")] == [(3, False, "added")]
    assert 3 not in [one.item for one in again.rank("new", top=100).items]
    again.close(10)


def test_unknown_ids_and_unclear_requests_are_refused(service: RecommenderService) -> None:
    with pytest.raises(UnknownIdError, match="nobody"):
        service.rank("nobody")
    with pytest.raises(UnknownIdError, match="no "):
        service.rank(1, candidates=["../../etc/passwd"])
    with pytest.raises(DataError, match="either"):
        service.compare_what_if(1)


def test_a_swap_answers_by_the_run_that_stands_there_now(service: RecommenderService, served_folder: Path) -> None:
    before, old = service.rank(1, top=3), service.loaded
    info = service.swap_run(served_folder)
    assert service.loaded is not old
    assert info == before.model
    assert service.rank(1, top=3) == before
