"""Users by the beginning of an id: in order, bounded, with what the log adds; quick among 100,000."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from thinkrec.serve.service import RecommenderService
from thinkrec.serve.user_search import UserIndex


class CountingLog:
    """Notes what is read of it."""

    def __init__(self, users: Sequence[tuple[str, int, int]] = ()) -> None:
        self.users, self.asked = sorted(users), list[tuple[str, int]]()

    def find_users(self, begin: str, most: int) -> list[tuple[str, int, int]]:
        self.asked.append((begin, most))
        return [user for user in self.users if user[0].startswith(begin)][:most]

    def count_users(self, users: Sequence[str]) -> dict[str, tuple[int, int]]:
        assert len(users) <= 100
        return {name: (n, likes) for name, n, likes in self.users if name in users}


def build_index(n: int, step: int = 1) -> UserIndex:
    """Of users 1 to n with two ratings each, the first of which is a like; `step` -1: the last one is first."""
    ids = list(range(1, n + 1))[::step]
    table = SimpleNamespace(start=np.arange(n + 1) * 2, label=np.tile(np.array([1, 0], dtype=np.int8), n))
    data: Any = SimpleNamespace(user_ids=ids, interactions=table)
    model: Any = SimpleNamespace(ds=data, user_codes={str(id_): code for code, id_ in enumerate(ids)})
    return UserIndex(model)


def test_those_of_the_tables_come_in_their_order_the_exact_one_first_then_those_of_the_log() -> None:
    index = build_index(120)
    log: Any = CountingLog([("1", 3, 2), ("1x", 1, 0), ("10", 5, 5), ("2x", 1, 1)])
    cards = index.search("1", 40, log)
    names = [1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, *range(100, 121), "1x"]
    assert [card.user for card in cards] == names
    assert (cards[0].n_ratings, cards[0].n_liked, cards[0].is_known) == (5, 3, True)
    assert (cards[-1].n_ratings, cards[-1].n_liked, cards[-1].is_known) == (1, 0, False)
    assert [card.user for card in index.search("12", 1, log)] == [12]
    assert index.search("120", 5, log)[0].user == 120 and index.search("nobody", 5, log) == ()
    assert [card.user for card in index.search("", 3, log)] == [1, 2, 3]
    turned = build_index(120, -1)
    assert [card.user for card in turned.search("1", 4, log)] == [1, 120, 119, 118]


def test_the_log_is_not_searched_where_the_tables_fill_the_list() -> None:
    log: Any = CountingLog()
    build_index(120).search("1", 32, log)
    assert log.asked == []
    build_index(120).search("1", 33, log)
    assert log.asked == [("1", 33 + 32)]


def test_among_100_000_users_a_search_takes_milliseconds() -> None:
    index, log = build_index(100_000), CountingLog()
    begun = time.perf_counter()
    for text in ("", "1", "99999", "x"):
        assert len(index.search(text, 100, log)) <= 100  # type: ignore[arg-type]
    assert time.perf_counter() - begun < 0.5


def test_a_new_user_is_listed_after_an_opinion(service: RecommenderService) -> None:
    service.append_interaction("newcomer", 3, True)
    service.append_interaction(1, 3, True)
    (card,) = service.search_users("newc")
    assert (card.user, card.n_ratings, card.n_liked, card.is_known) == ("newcomer", 1, 1, False)
    before = len(service.get_history(1))
    assert len(service.get_history(1, 2)) == 2 < before
    assert service.search_users("1", 1)[0].user == 1


@pytest.mark.parametrize("most", [0, 1001])
def test_histories_over_http_are_bounded(service: RecommenderService, most: int) -> None:
    pytest.importorskip("fastapi", reason="thinkrec[serve] is not installed")
    pytest.importorskip("prometheus_client", reason="thinkrec[serve] is not installed")
    pytest.importorskip("httpx", reason="FastAPI's test client needs httpx")
    from fastapi.testclient import TestClient

    from thinkrec.serve.app import create_app

    client = TestClient(create_app(service))
    assert client.get(f"/v1/users/1/history?most={most}").status_code == 422
    assert len(client.get("/v1/users/1/history?most=3").json()) == 3
