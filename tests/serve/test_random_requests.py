"""Random histories, candidates and changes, in the process: an answer that holds together, or a refusal in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thinkrec.errors import DataError
from thinkrec.serve.service import RecommenderService, open_service
from thinkrec.serve.values import Change

ITEMS = st.integers(1, 60)
HISTORIES = st.lists(st.tuples(ITEMS, st.booleans()), max_size=14)
ASKERS = st.one_of(
    st.builds(lambda history: {"history": history}, HISTORIES),
    st.builds(lambda user: {"user": user}, st.integers(1, 30)),
    st.builds(lambda user, history: {"user": user, "history": history}, st.integers(1, 32), HISTORIES),
)
CANDIDATES = st.lists(ITEMS, min_size=1, max_size=20)
CHANGES = st.lists(st.builds(Change, ITEMS, st.sampled_from([True, False, None])), min_size=1, max_size=5)


@pytest.fixture(scope="module")
def asked(served_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecommenderService]:
    service = open_service(served_folder, tmp_path_factory.mktemp("random") / "log.sqlite")
    yield service
    assert service.close(10)


@settings(max_examples=60, deadline=None)
@given(asker=ASKERS, candidates=CANDIDATES, top=st.integers(1, 25))
def test_a_ranking_is_of_the_candidates_and_in_order(asked, asker: dict, candidates: list[int], top: int) -> None:
    try:
        ranking = asked.rank(**asker, candidates=candidates, top=top)
    except DataError as error:
        assert "history" in asker and str(error)
        return
    once = list(dict.fromkeys(candidates))
    assert (ranking.scored, ranking.dropped) == (len(once), len(candidates) - len(once))
    shown = [one.item for one in ranking.items]
    assert len(shown) == min(top, len(once)) == len(set(shown)) and set(shown) <= set(once)
    scores = [one.score for one in ranking.items]
    assert np.isfinite(scores).all() and scores == sorted(scores, reverse=True)
    assert [one.rank for one in ranking.items] == list(range(1, len(shown) + 1))
    assert all(0 <= one.probability <= 1 for one in ranking.items)
    # A third request finds what the two before left of the prefix, and scores the same.
    for _ in range(2):
        again = asked.rank(**asker, candidates=candidates, top=len(once))
    by_item = {one.item: one.score for one in again.items}
    np.testing.assert_allclose([by_item[item] for item in shown], scores, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(asker=ASKERS, changes=CHANGES, candidates=CANDIDATES)
def test_what_is_tried_out_is_the_changed_history(asked, asker: dict, changes: list[Change], candidates) -> None:
    try:
        result = asked.compare_what_if(**asker, changes=changes, candidates=candidates, top=100)
    except DataError as error:
        assert str(error)
        return
    last = {change.item: change.liked for change in changes}
    entries = {entry.item: entry.liked for entry in result.history}
    assert all(entries.get(item) is liked for item, liked in last.items())
    n = len(set(candidates))
    assert sorted(one.rank_before for one in result.ranking) == list(range(1, n + 1))
    assert [one.rank_after for one in result.ranking] == list(range(1, n + 1))
    after = asked.rank(history=[(entry.item, entry.liked) for entry in result.history], candidates=candidates, top=n)
    if "user" not in asker and result.history and len(result.history) <= asked.describe().history_lines:
        by_item = {one.item: one.score for one in after.items}
        np.testing.assert_allclose(
            [one.score_after for one in result.ranking], [by_item[one.item] for one in result.ranking], atol=1e-4
        )


@settings(max_examples=25, deadline=None)
@given(asker=ASKERS, item=ITEMS, choice=st.sampled_from(["none", "rules"]))
def test_an_explanation_shows_the_end_of_the_history(asked, asker: dict, item: int, choice: str) -> None:
    try:
        answer = asked.explain(**asker, item=item, reason=choice)
    except DataError as error:
        assert str(error)
        return
    assert answer.verdict == ("Yes" if answer.score > 0 else "No")
    assert (answer.reason is None) == (choice == "none")
    assert len(answer.history) <= asked.describe().history_lines
    assert all(line.effect is not None and np.isfinite(line.effect) for line in answer.history)
    assert sum(weight for _, weight in answer.gate) == pytest.approx(1, abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=80), most=st.integers(1, 100))
def test_any_text_can_be_searched_for(asked, text: str, most: int) -> None:
    assert len(asked.search_items(text, most)) <= most
    assert len(asked.search_users(text, most)) <= most
    with pytest.raises(DataError):
        asked.rank(history=[(f"no such {text}", True)], candidates=[1])
