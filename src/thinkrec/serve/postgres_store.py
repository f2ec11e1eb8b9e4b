"""Interactions in PostgreSQL: several processes may share them, and they are backed up with the database."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool, PoolTimeout

from thinkrec.errors import DataError
from thinkrec.serve.errors import StoreUnavailableError
from thinkrec.serve.interaction_store import StoredInteraction, keep_beginning
from thinkrec.serve.values import Appended

LOGGER = logging.getLogger("thinkrec.serve")
CONNECTIONS = 8
"""At most; whoever finds all in use waits for one."""
WAIT = 5.0
"""Seconds for a connection."""
_TABLE = """
CREATE TABLE IF NOT EXISTS interactions (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id TEXT NOT NULL,
    item TEXT NOT NULL,
    liked BOOLEAN NOT NULL,
    timestamp BIGINT,
    received DOUBLE PRECISION NOT NULL,
    key TEXT UNIQUE
);
DROP INDEX IF EXISTS interactions_by_user;
CREATE INDEX IF NOT EXISTS interactions_by_user_and_item ON interactions (user_id, item, number);
CREATE INDEX IF NOT EXISTS interactions_by_user_text ON interactions (user_id COLLATE "C", liked)
"""
_FIND_USERS = """
SELECT user_id COLLATE "C" AS id, COUNT(*), COUNT(*) FILTER (WHERE liked) FROM interactions
WHERE user_id COLLATE "C" >= %s GROUP BY id ORDER BY id LIMIT %s
"""
"""By characters, whatever the database's own order: in a language's order ids with one beginning may stand apart."""
_COLUMNS = "number, user_id, item, liked, timestamp, received"
_LOCK = 0x7468696E6B726563
"""Advisory lock of whoever makes the table: two processes that start together must not both do it."""


class PostgresStore:
    """The log in one table of a database."""

    def __init__(self, url: str) -> None:
        """Connect and make the table where it is missing.

        Raises DataError where that fails, and for a server that does not write to the disk before it answers.
        """
        self.place = describe_place(url)
        try:
            # Tried by itself first: a pool would try for long and say nothing of the cause.
            with psycopg.connect(url, connect_timeout=10, autocommit=True) as connection:
                _create_table(connection, self.place)
            self._pool = ConnectionPool(
                url,
                min_size=1,
                max_size=CONNECTIONS,
                timeout=WAIT,
                kwargs={"autocommit": True, "connect_timeout": 5},
                configure=_require_disk,
                check=ConnectionPool.check_connection,
                open=True,
            )
        except (psycopg.Error, UnicodeError) as error:
            raise DataError(
                f"the interactions in {self.place} cannot be opened ({_shorten_message(error)}); see that the server"
                " runs, that the database is there and that its user may make a table (PGPASSWORD holds the password)"
            ) from error

    def append(self, user: str, item: str, liked: bool, timestamp: int | None, key: str | None) -> Appended:
        """See `InteractionStore`."""
        with self._use() as connection:
            row = connection.execute(
                "INSERT INTO interactions (user_id, item, liked, timestamp, received, key) "
                "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (key) DO NOTHING RETURNING number",
                (user, item, liked, timestamp, time.time(), key),
            ).fetchone()
            if row is not None:
                return Appended(int(row[0]), True)
            row = connection.execute("SELECT number FROM interactions WHERE key = %s", (key,)).fetchone()
        assert row is not None, "a key that conflicts is there"
        return Appended(int(row[0]), False)

    def list_user(self, user: str) -> list[StoredInteraction]:
        """See `InteractionStore`."""
        with self._use() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM interactions WHERE user_id = %s ORDER BY number", (user,)
            ).fetchall()
        return [StoredInteraction(*row) for row in rows]

    def list_opinions(self, user: str) -> list[StoredInteraction]:
        """See `InteractionStore`."""
        with self._use() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM interactions WHERE number IN "
                "(SELECT MAX(number) FROM interactions WHERE user_id = %s GROUP BY item) ORDER BY number",
                (user,),
            ).fetchall()
        return [StoredInteraction(*row) for row in rows]

    def find_users(self, begin: str, most: int) -> list[tuple[str, int, int]]:
        """See `InteractionStore`."""
        with self._use() as connection:
            rows = connection.execute(_FIND_USERS, (begin, most)).fetchall()
        return keep_beginning(rows, begin)

    def count_users(self, users: Sequence[str]) -> dict[str, tuple[int, int]]:
        """See `InteractionStore`."""
        with self._use() as connection:
            rows = connection.execute(
                "SELECT user_id, COUNT(*), COUNT(*) FILTER (WHERE liked) FROM interactions "
                "WHERE user_id = ANY(%s) GROUP BY user_id",
                (list(users),),
            ).fetchall()
        return {user: (int(n), int(likes)) for user, n, likes in rows}

    def count(self) -> int:
        """See `InteractionStore`."""
        with self._use() as connection:
            (n,) = connection.execute("SELECT COUNT(*) FROM interactions").fetchone() or (0,)
        return int(n)

    def check(self) -> None:
        """See `InteractionStore`."""
        with self._use() as connection:
            connection.execute("SELECT number FROM interactions LIMIT 1").fetchone()

    def close(self) -> None:
        """See `InteractionStore`."""
        self._pool.close()

    @contextmanager
    def _use(self) -> Iterator[psycopg.Connection[Any]]:
        try:
            with self._pool.connection() as connection:
                yield connection
        except psycopg.DataError as error:
            raise DataError(f"PostgreSQL cannot store this ({_shorten_message(error)})") from error
        except (psycopg.Error, PoolTimeout) as error:
            LOGGER.error("the interactions in %s cannot be used: %s", self.place, error)
            raise StoreUnavailableError("the interactions cannot be read or written now; try again", 1.0) from error


def describe_place(url: str) -> str:
    """Host and database of a URL, without its password. Raises DataError where it is none."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error as error:
        raise DataError("--interactions is no URL of a database; give postgresql://USER@HOST:PORT/DATABASE") from error
    return f"PostgreSQL, {parts.get('host', 'local socket')}/{parts.get('dbname', parts.get('user', ''))}"


def _create_table(connection: psycopg.Connection[Any], place: str) -> None:
    (fsync,) = connection.execute("SHOW fsync").fetchone() or ("off",)
    if fsync != "on":
        raise DataError(
            f"{place} runs with fsync off, so that what is acknowledged is lost in a crash; turn it on, or use a file"
        )
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute(_TABLE)


def _require_disk(connection: psycopg.Connection[Any]) -> None:
    """An answer means that the row is on the disk, whatever the server's default; a stronger one stays."""
    (level,) = connection.execute("SHOW synchronous_commit").fetchone() or ("off",)
    if level == "off":
        connection.execute("SET synchronous_commit = on")


def _shorten_message(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
