"""What is looked up in a loaded model: items, users' places, pasts; and the deadline of its scores."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from thinkrec.serve import histories
from thinkrec.serve.catalogue_search import order_by_like_rate
from thinkrec.serve.errors import DeadlineError, UnknownIdError
from thinkrec.serve.histories import build_past, change_past, list_entries
from thinkrec.serve.interaction_store import StoredInteraction
from thinkrec.serve.loaded_model import LoadedModel, QueuedScorer, ServiceLimits
from thinkrec.serve.profiles import describe_mixture
from thinkrec.serve.service import RecommenderService
from thinkrec.serve.values import Change


def test_an_item_is_among_those_that_its_title_finds(service: RecommenderService) -> None:
    items, index = service.loaded.model.ds.items, service.loaded.index
    assert index.search(items.titles[7], 60)[0].title == items.titles[7]
    assert index.search(str(items.ids[7]), 60)[0].item == items.ids[7]
    assert index.search("no such words anywhere", 5) == ()
    counts = [card.n_ratings for card in index.search("", 60)]
    assert counts == sorted(counts, reverse=True)


def test_like_rates_order_what_is_ranked(service: RecommenderService) -> None:
    model = service.loaded.model
    ratings, likes = model.item_counts
    order = order_by_like_rate(model, np.arange(len(ratings)))
    sure = [code for code in order if ratings[code] >= 5]
    assert likes[sure[0]] / ratings[sure[0]] > likes[sure[-1]] / ratings[sure[-1]]


def test_nobody_is_similar_to_themselves_and_weights_sum_to_one(service: RecommenderService) -> None:
    model, space = service.loaded.model, service.loaded.space
    past = build_past(model, 1, ())
    profile = space.describe_user(past, 4)
    assert len(profile.similar) == 4 and 1 not in [one.user for one in profile.similar]
    assert sum(weight for _, weight in describe_mixture(model, past)[0]) == pytest.approx(1)
    assert len(space.list_points()) == len(space.users)


def test_rows_of_items_that_are_gone_are_left_out_and_changes_add_up(service: RecommenderService) -> None:
    model = service.loaded.model
    rows = [StoredInteraction(n, "new", item, True, None, 0.0) for n, item in enumerate(("3", "gone", "4"))]
    past = change_past(model, build_past(model, "new", rows), [Change(3, None), Change(4, False), Change(5, True)])
    assert [(entry.item, entry.liked) for entry in list_entries(model, past)] == [(4, False), (5, True)]


def test_a_thousand_appended_opinions_are_one_step(service: RecommenderService) -> None:
    model, ids = service.loaded.model, service.loaded.model.ds.items.ids
    start = build_past(model, 1, ()).query.time
    rows = [
        StoredInteraction(n, "1", str(ids[n % len(ids)]), n % 3 == 0, start + n if n % 2 else None, 0.0)
        for n in range(2000)
    ]
    begun = time.perf_counter()
    past = build_past(model, 1, rows)
    assert time.perf_counter() - begun < 0.5
    assert past.query.items.tolist() == [n % len(ids) for n in range(2000 - len(ids), 2000)]
    assert past.query.labels.tolist() == [int(n % 3 == 0) for n in range(2000 - len(ids), 2000)]
    assert past.query.time == start + 1999 and past.query.timestamps[-2] == start + 1997
    assert set(past.sources) == {"added"}


def test_of_a_large_catalogue_an_unknown_id_is_not_compared_with_all_titles(
    service: RecommenderService, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnknownIdError, match=r"closest|ids look like"):
        service.rank(1, candidates=["nowhere"])
    monkeypatch.setattr(histories, "MOST_COMPARED", 10)
    with pytest.raises(UnknownIdError, match="/v1/items finds"):
        service.rank(1, candidates=["nowhere"])


def test_scores_that_come_too_late_are_refused(service: RecommenderService) -> None:
    def score_late(queries: object) -> list[np.ndarray]:
        time.sleep(0.5)
        return [np.zeros(1)]

    loaded = LoadedModel(service.loaded.model, ServiceLimits(), score_late)
    query = replace(build_past(loaded.model, 1, ()).query, candidates=np.array([0]))
    with pytest.raises(DeadlineError):
        QueuedScorer(loaded, time.monotonic() + 0.1).score_queries([query])
    assert loaded.queue.close(5)
