"""What `--interactions` may say. The stores themselves are in test_interaction_store.py."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from thinkrec.errors import DataError
from thinkrec.serve.interaction_store import SqliteStore
from thinkrec.serve.open_store import open_store


def test_a_path_is_a_sqlite_file(tmp_path: Path) -> None:
    for place in (tmp_path / "a.sqlite", str(tmp_path / "b.sqlite")):
        store = open_store(place)
        assert isinstance(store, SqliteStore) and Path(place).exists()
        store.close()


def test_a_url_says_what_has_to_be_installed(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "thinkrec.serve.postgres_store", raising=False)
    with pytest.raises(DataError, match=r"pip install 'thinkrec\[postgres\]'"):
        open_store("postgresql://me@127.0.0.1/log")
