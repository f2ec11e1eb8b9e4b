"""The log of interactions: what was acknowledged is there again; a key counts once."""

from __future__ import annotations

from pathlib import Path

import pytest

from thinkrec.errors import DataError
from thinkrec.serve.interaction_store import SqliteStore


def test_rows_are_there_again_and_a_key_counts_once(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a" / "log.sqlite")
    assert store.append("u", "3", True, 5, "k").is_new
    assert not store.append("u", "4", False, None, "k").is_new
    store.append("u", "4", False, None, None)
    store.append("v", "4", True, None, None)
    store.close()
    again = SqliteStore(tmp_path / "a" / "log.sqlite")
    assert again.list_user("u")[0].item == "3" and again.list_user("u")[0].timestamp == 5
    assert again.list_users() == {"u": (2, 1), "v": (1, 1)}
    assert again.count() == 3
    again.close()


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"no database " * 100)
    with pytest.raises(DataError, match="cannot be opened"):
        SqliteStore(tmp_path / "x")
