"""The log of interactions: what was acknowledged is there again; a key counts once. One contract for all stores."""

from __future__ import annotations

import itertools
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from postgres_server import NoPostgresError, PostgresServer, serve_postgres

from thinkrec.errors import DataError
from thinkrec.serve import interaction_store
from thinkrec.serve.errors import StoreUnavailableError
from thinkrec.serve.interaction_store import InteractionStore, SqliteStore
from thinkrec.serve.open_store import open_store

Open = Callable[[], InteractionStore]
NAMES = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    pytest.importorskip("psycopg_pool", reason="thinkrec[postgres] is not installed")
    try:
        with serve_postgres() as server:
            yield server
    except NoPostgresError as error:
        pytest.skip(str(error))


@pytest.fixture(params=["sqlite", "postgres"])
def open_log(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    if request.param == "sqlite":
        return lambda: open_store(tmp_path / "a" / "log.sqlite")
    url = request.getfixturevalue("server").create_database(f"test{next(NAMES)}")
    return lambda: open_store(url)


def test_rows_are_there_again_and_a_key_counts_once(open_log: Open) -> None:
    store = open_log()
    first = store.append("u", "3", True, 5, "k")
    assert first.is_new and first.number == 1
    again = store.append("u", "4", False, None, "k")
    assert not again.is_new and again.number == first.number
    later = store.append("u", "4", False, None, None)
    assert later.is_new and later.number > first.number
    store.append("v", "4", True, None, None)
    store.check()
    store.close()
    with closing(open_log()) as opened:
        rows = opened.list_user("u")
        assert [(row.user, row.item, row.liked, row.timestamp) for row in rows] == [
            ("u", "3", True, 5),
            ("u", "4", False, None),
        ]
        assert rows[0].received <= rows[1].received and rows[1].number == later.number
        assert opened.find_users("", 10) == [("u", 2, 1), ("v", 1, 1)]
        assert opened.count_users(["u", "w"]) == {"u": (2, 1)} and opened.count_users([]) == {}
        assert opened.count() == 3
        assert opened.list_user("nobody") == []


def test_the_last_opinion_on_each_item_is_listed(open_log: Open) -> None:
    with closing(open_log()) as store:
        for item, liked in [("3", True), ("4", True), ("3", False), ("5", True), ("4", False)]:
            store.append("u", item, liked, None, None)
        store.append("v", "3", True, None, None)
        assert [(row.item, row.liked) for row in store.list_opinions("u")] == [("3", False), ("5", True), ("4", False)]
        assert len(store.list_user("u")) == 5 and store.list_opinions("nobody") == []


def test_users_are_listed_by_the_beginning_of_their_id_in_the_order_of_characters(open_log: Open) -> None:
    # The order of a language would put these elsewhere: capitals beside small letters, marks aside.
    names = ["a", "B", "a-c", "ab", "A", "b", "a%", "\u00e4", "a_"]
    with closing(open_log()) as store:
        for name in names:
            store.append(name, "3", True, None, None)
        assert [name for name, _, _ in store.find_users("", 100)] == sorted(names)
        assert [name for name, _, _ in store.find_users("a", 100)] == ["a", "a%", "a-c", "a_", "ab"]
        assert [name for name, _, _ in store.find_users("a", 2)] == ["a", "a%"]
        assert store.find_users("a%", 5) == [("a%", 1, 1)] and store.find_users("c", 5) == []


def test_of_100_000_users_those_that_are_shown_are_read_alone(open_log: Open) -> None:
    with closing(open_log()) as store:
        fill_log(store, 100_000)
        begun = time.perf_counter()
        assert [name for name, _, _ in store.find_users("9999", 3)] == ["9999", "99990", "99991"]
        assert store.count_users(["7", "99999", "x"]) == {"7": (1, 1), "99999": (1, 1)}
        assert store.list_opinions("5")[0].item == "3"
        assert time.perf_counter() - begun < 0.5
        plan = read_plan(store)
        assert "by_user" in plan and not any(word in plan for word in ("TEMP B-TREE", "Seq Scan", "Sort"))


def fill_log(store: InteractionStore, n: int) -> None:
    """One opinion of each of n users, past `append`, which waits for the disk each time."""
    if isinstance(store, SqliteStore):
        store._connection.execute(
            "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?) "
            "INSERT INTO interactions (user, item, liked, received) SELECT i, '3', 1, 0 FROM n",
            (n,),
        )
        return
    with store._use() as connection:  # type: ignore[attr-defined]
        connection.execute(
            "INSERT INTO interactions (user_id, item, liked, received) "
            "SELECT i::text, '3', true, 0 FROM generate_series(0, %s - 1) AS i",
            (n,),
        )
        connection.execute("ANALYZE interactions")


def read_plan(store: InteractionStore) -> str:
    """How the database finds users by the beginning of their id."""
    if isinstance(store, SqliteStore):
        rows = store._connection.execute(f"EXPLAIN QUERY PLAN {interaction_store._FIND_USERS}", ("9999", 3))
        return " ".join(str(row[-1]) for row in rows)
    from thinkrec.serve.postgres_store import _FIND_USERS

    with store._use() as connection:  # type: ignore[attr-defined]
        return " ".join(row[0] for row in connection.execute(f"EXPLAIN {_FIND_USERS}", ("9999", 3)))


def test_texts_and_numbers_of_any_kind_come_back(open_log: Open) -> None:
    names = ["'; DROP TABLE interactions; --", "ü\u202e\U0001f600", "%s %(a)s ?", "x" * 200]
    with closing(open_log()) as store:
        for name in names:
            store.append(name, name, True, 2**62 - 1, name)
            (row,) = store.list_user(name)
            assert (row.user, row.item, row.timestamp) == (name, name, 2**62 - 1)
        assert store.count() == len(names)


def test_many_threads_append_at_the_same_time(open_log: Open) -> None:
    with closing(open_log()) as store, ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda n: store.append("u", str(n), True, n, f"k{n % 50}"), range(100)))
        assert sum(answer.is_new for answer in answers) == 50 == store.count()
        by_key = {n % 50: answer.number for n, answer in enumerate(answers) if answer.is_new}
        assert all(answer.number == by_key[n % 50] for n, answer in enumerate(answers))


def test_a_second_service_reads_what_the_first_wrote(server: PostgresServer) -> None:
    url = server.create_database(f"test{next(NAMES)}")
    with closing(open_store(url)) as first, closing(open_store(url)) as second:
        first.append("u", "3", True, None, "k")
        assert not second.append("u", "3", True, None, "k").is_new


def test_a_server_that_goes_is_a_refusal_and_one_that_comes_back_is_used_again(server: PostgresServer) -> None:
    with closing(open_store(server.create_database(f"test{next(NAMES)}"))) as store:
        store.append("u", "3", True, None, None)
        server.stop()
        with pytest.raises(StoreUnavailableError):
            store.append("u", "4", True, None, None)
        server.start()
        store.append("u", "5", True, None, None)
        assert [row.item for row in store.list_user("u")] == ["3", "5"]


def test_what_is_no_database_is_refused_without_its_password(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"no database " * 100)
    with pytest.raises(DataError, match="cannot be opened"):
        SqliteStore(tmp_path / "x")
    pytest.importorskip("psycopg_pool", reason="thinkrec[postgres] is not installed")
    with pytest.raises(DataError, match=r"127\.0\.0\.1/none cannot be opened") as caught:
        open_store("postgresql://me:secret-word@127.0.0.1:1/none")
    assert "secret-word" not in str(caught.value)
    with pytest.raises(DataError, match="no URL"):
        open_store("postgresql://[")


def test_a_file_that_cannot_be_written_is_a_refusal(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "log.sqlite")) as store:
        store._connection.execute("PRAGMA query_only=ON")
        with pytest.raises(StoreUnavailableError) as caught:
            store.append("u", "3", True, None, None)
        assert isinstance(caught.value.__cause__, sqlite3.Error)
