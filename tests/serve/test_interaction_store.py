"""The log of interactions: what was acknowledged is there again; a key counts once. One contract for all stores."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from postgres_server import NoPostgresError, PostgresServer, serve_postgres

from thinkrec.errors import DataError
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
        assert opened.list_users() == {"u": (2, 1), "v": (1, 1)}
        assert opened.count() == 3
        assert opened.list_user("nobody") == []


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
