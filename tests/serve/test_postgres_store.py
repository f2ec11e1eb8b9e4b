"""What only PostgreSQL has: its place in words, and a server that answers before the disk has it. The contract that it
shares with SQLite is in test_interaction_store.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from postgres_server import NoPostgresError, serve_postgres

pytest.importorskip("psycopg_pool", reason="thinkrec[postgres] is not installed")

import psycopg
from serve_crash import run_crashes
from serve_process import Nursery

from thinkrec.errors import DataError
from thinkrec.serve.postgres_store import PostgresStore, describe_place


def test_the_place_has_no_password() -> None:
    assert describe_place("postgresql://me:secret@db:5/log") == "PostgreSQL, db/log"


def test_writes_wait_for_the_disk_and_a_killed_service_remembers(served_folder: Path) -> None:
    pytest.importorskip("uvicorn", reason="thinkrec[serve] is not installed")
    pytest.importorskip("prometheus_client", reason="thinkrec[serve] is not installed")
    try:
        with serve_postgres() as server:
            with psycopg.connect(server.url, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET synchronous_commit = off")
                connection.execute("SELECT pg_reload_conf()")
            store = PostgresStore(server.url)
            with store._use() as connection:
                assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
            store.close()
            with Nursery() as nursery:
                result = run_crashes(nursery, served_folder, server.url, [1, 2, 3], kills=2, seed=3, n_writers=3)
            assert result.lost == [] and result.doubled == 0 and result.acknowledged > 5
            with psycopg.connect(server.url, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
            with pytest.raises(DataError, match="fsync off"):
                PostgresStore(server.url)
    except NoPostgresError as error:
        pytest.skip(str(error))
