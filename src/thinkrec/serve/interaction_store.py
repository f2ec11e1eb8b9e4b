"""Interactions that came after the training, kept on disk: an acknowledged one is there after a crash.

SQLite in WAL mode with full synchronisation: `append` returns when the row is on the disk.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from thinkrec.errors import DataError
from thinkrec.serve.errors import StoreUnavailableError
from thinkrec.serve.values import Appended

LOGGER = logging.getLogger("thinkrec.serve")


@dataclass(frozen=True)
class StoredInteraction:
    """One opinion in the log."""

    number: int
    """From 1 on, in the order of arrival; some may be missing."""
    user: str
    item: str
    liked: bool
    timestamp: int | None
    """In the data's time, where the request gave one."""
    received: float
    """Unix seconds."""


def keep_beginning(rows: Sequence[tuple[str, int, int]], begin: str) -> list[tuple[str, int, int]]:
    """The users of (id, rows, likes) whose id begins with a text; `rows` in order, from that text on."""
    return [(user, int(n), int(likes)) for user, n, likes in rows if user.startswith(begin)]


class InteractionStore(Protocol):
    """A log of interactions that survives a restart; several threads may use it.

    All but `close` raise StoreUnavailableError where the log cannot be reached or written now.
    """

    def append(self, user: str, item: str, liked: bool, timestamp: int | None, key: str | None) -> Appended:
        """Store one; returns when it is safe. `key`: of the request, a second one of which writes nothing."""
        ...

    def list_user(self, user: str) -> Sequence[StoredInteraction]:
        """All of the user's, in the order of arrival."""
        ...

    def list_opinions(self, user: str) -> Sequence[StoredInteraction]:
        """The user's last one on each item, in the order of arrival: no more than the catalogue has items."""
        ...

    def find_users(self, begin: str, most: int) -> list[tuple[str, int, int]]:
        """(id, rows, likes) of the first so many users whose id begins with a text, in the order of their characters.

        The rows of these users are read, and no others.
        """
        ...

    def count_users(self, users: Sequence[str]) -> dict[str, tuple[int, int]]:
        """User -> (rows, likes), of those of some users who have any."""
        ...

    def count(self) -> int:
        """How many there are."""
        ...

    def check(self) -> None:
        """See that it can be read, at little cost."""
        ...

    def close(self) -> None:
        """Let go of the files or connections."""
        ...


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
_INDEX = """
DROP INDEX IF EXISTS by_user;
CREATE INDEX IF NOT EXISTS by_user_and_item ON interactions (user, item, number, liked)
"""
"""The second takes the place of the first, which logs of earlier versions have."""
_FIND_USERS = """
SELECT user, COUNT(*), SUM(liked) FROM interactions WHERE user >= ? GROUP BY user ORDER BY user LIMIT ?
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
            self._connection.executescript(_INDEX)
        except (sqlite3.Error, OSError) as error:
            raise DataError(
                f"the interactions in {path} cannot be opened ({error}); give another file with --interactions, or "
                "restore this one from its backup"
            ) from error

    def append(self, user: str, item: str, liked: bool, timestamp: int | None, key: str | None) -> Appended:
        """See `InteractionStore`."""
        with self._use() as connection:
            cursor = connection.execute(
                "INSERT INTO interactions (user, item, liked, timestamp, received, key) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (key) DO NOTHING",
                (user, item, int(liked), timestamp, time.time(), key),
            )
            if cursor.rowcount == 1:
                return Appended(int(cursor.lastrowid or 0), True)
            row = connection.execute("SELECT number FROM interactions WHERE key = ?", (key,)).fetchone()
        return Appended(int(row[0]), False)

    def list_user(self, user: str) -> list[StoredInteraction]:
        """See `InteractionStore`."""
        with self._use() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM interactions WHERE user = ? ORDER BY number", (user,)
            ).fetchall()
        return [StoredInteraction(n, u, i, bool(liked), t, r) for n, u, i, liked, t, r in rows]

    def list_opinions(self, user: str) -> list[StoredInteraction]:
        """See `InteractionStore`."""
        with self._use() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM interactions WHERE number IN "
                "(SELECT MAX(number) FROM interactions WHERE user = ? GROUP BY item) ORDER BY number",
                (user,),
            ).fetchall()
        return [StoredInteraction(n, u, i, bool(liked), t, r) for n, u, i, liked, t, r in rows]

    def find_users(self, begin: str, most: int) -> list[tuple[str, int, int]]:
        """See `InteractionStore`."""
        with self._use() as connection:
            rows = connection.execute(_FIND_USERS, (begin, most)).fetchall()
        return keep_beginning(rows, begin)

    def count_users(self, users: Sequence[str]) -> dict[str, tuple[int, int]]:
        """See `InteractionStore`."""
        marks = ", ".join("?" * len(users))
        with self._use() as connection:
            rows = connection.execute(
                f"SELECT user, COUNT(*), SUM(liked) FROM interactions WHERE user IN ({marks}) GROUP BY user",
                tuple(users),
            ).fetchall()
        return {user: (int(n), int(likes)) for user, n, likes in rows}

    def count(self) -> int:
        """See `InteractionStore`."""
        with self._use() as connection:
            return int(connection.execute("SELECT COUNT(*) FROM interactions").fetchone()[0])

    def check(self) -> None:
        """See `InteractionStore`."""
        with self._use() as connection:
            connection.execute("SELECT number FROM interactions LIMIT 1").fetchone()

    def close(self) -> None:
        """See `InteractionStore`."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _use(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._connection
            except sqlite3.Error as error:
                LOGGER.error("the interactions in %s cannot be used: %s", self.path, error)
                raise StoreUnavailableError("the interactions cannot be read or written now; try again", 1.0) from error
