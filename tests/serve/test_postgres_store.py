"""What only PostgreSQL has: its place in words, and a server that answers before the disk has it. The contract that it
shares with SQLite is in test_interaction_store.py."""

from __future__ import annotations

import pytest
from postgres_server import NoPostgresError, serve_postgres

pytest.importorskip("psycopg_pool", reason="thinkrec[postgres] is not installed")

import psycopg

from thinkrec.errors import DataError
from thinkrec.serve.postgres_store import PostgresStore, describe_place


def test_the_place_has_no_password() -> None:
    assert describe_place("postgresql://me:secret@db:5/log") == "PostgreSQL, db/log"


def test_writes_wait_for_the_disk() -> None:
    try:
        with serve_postgres() as server:
            with psycopg.connect(server.url, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET synchronous_commit = off")
                connection.execute("SELECT pg_reload_conf()")
            store = PostgresStore(server.url)
            with store._use() as connection:
                assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
            store.close()
            with psycopg.connect(server.url, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
            with pytest.raises(DataError, match="fsync off"):
                PostgresStore(server.url)
    except NoPostgresError as error:
        pytest.skip(str(error))
