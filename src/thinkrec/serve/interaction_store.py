"""Interactions that came after the training, kept on disk: an acknowledged one is there after a crash.

SQLite in WAL mode with full synchronisation: `append` returns when the row is on the disk.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from thinkrec.errors import DataError
from thinkrec.serve.values import Appended


@dataclass(frozen=True)
class StoredInteraction:
    """One opinion in the log."""

    number: int
    """From 1 on, in the order of arrival."""
    user: str
    item: str
    liked: bool
    timestamp: int | None
    """In the data's time, where the request gave one."""
    received: float
    """Unix seconds."""


class InteractionStore(Protocol):
    """A log of interactions that survives a restart; several threads may use it."""

    def append(self, user: str, item: str, liked: bool, timestamp: int | None, key: str | None) -> Appended:
        """Store one; returns when it is safe. `key`: of the request, a second one of which writes nothing."""
        ...

    def list_user(self, user: str) -> Sequence[StoredInteraction]:
        """The user's, in the order of arrival."""
        ...

    def list_users(self) -> dict[str, tuple[int, int]]:
        """User -> (rows, likes)."""
        ...

    def count(self) -> int:
        """How many there are."""
        ...

    def close(self) -> None:
        """Let go of the files or connections."""
        ...


def open_store(interactions: str | Path) -> InteractionStore:
    """The log in a SQLite file. Raises DataError where it cannot be opened."""
    return SqliteStore(Path(interactions))


_TABLE = """
CREATE TABLE IF NOT EXISTS interactions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    user TEXT NOT NULL,
    item TEXT NOT NULL,
    liked INTEGER NOT NULL CHECK (liked IN (0, 1)),
    timestamp INTEGER,
    received REAL NOT NULL,
    key TEXT UNIQUE
)
"""
_COLUMNS = "number, user, item, liked, timestamp, received"


class SqliteStore:
    """The log in one SQLite file."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it. Raises DataError where it is no such log."""
        self.path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, check_same_thread=False, timeout=10, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.execute(_TABLE)
            self._connection.execute("CREATE INDEX IF NOT EXISTS by_user ON interactions (user, number)")
        except (sqlite3.Error, OSError) as error:
            raise DataError(
                f"the interactions in {path} cannot be opened ({error}); give another file with --interactions, or "
                "restore this one from its backup"
            ) from error

    def append(self, user: str, item: str, liked: bool, timestamp: int | None, key: str | None) -> Appended:
        """See `InteractionStore`."""
        with self._lock:
            cursor = self._connection.execute(
                "INSERT INTO interactions (user, item, liked, timestamp, received, key) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (key) DO NOTHING",
                (user, item, int(liked), timestamp, time.time(), key),
            )
            if cursor.rowcount == 1:
                return Appended(int(cursor.lastrowid or 0), True)
            row = self._connection.execute("SELECT number FROM interactions WHERE key = ?", (key,)).fetchone()
        return Appended(int(row[0]), False)

    def list_user(self, user: str) -> list[StoredInteraction]:
        """See `InteractionStore`."""
        with self._lock:
            rows = self._connection.execute(
                f"SELECT {_COLUMNS} FROM interactions WHERE user = ? ORDER BY number", (user,)
            ).fetchall()
        return [StoredInteraction(n, u, i, bool(liked), t, r) for n, u, i, liked, t, r in rows]

    def list_users(self) -> dict[str, tuple[int, int]]:
        """See `InteractionStore`."""
        with self._lock:
            rows = self._connection.execute("SELECT user, COUNT(*), SUM(liked) FROM interactions GROUP BY user")
            return {user: (int(n), int(likes)) for user, n, likes in rows.fetchall()}

    def count(self) -> int:
        """See `InteractionStore`."""
        with self._lock:
            return int(self._connection.execute("SELECT COUNT(*) FROM interactions").fetchone()[0])

    def close(self) -> None:
        """See `InteractionStore`."""
        with self._lock:
            self._connection.close()
