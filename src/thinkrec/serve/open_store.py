"""The log of interactions by what `--interactions` says."""

from __future__ import annotations

from pathlib import Path

from thinkrec.errors import DataError
from thinkrec.serve.interaction_store import InteractionStore, SqliteStore

POSTGRES_SCHEMES = ("postgresql://", "postgres://")
"""How the URL of a PostgreSQL database begins."""


def open_store(interactions: str | Path) -> InteractionStore:
    """The log in PostgreSQL for a URL (postgresql://USER@HOST/DATABASE), else in a SQLite file.

    Raises DataError where it cannot be opened, or where thinkrec[postgres] is not installed.
    """
    if not str(interactions).startswith(POSTGRES_SCHEMES):
        return SqliteStore(Path(interactions))
    try:
        from thinkrec.serve.postgres_store import PostgresStore
    except ModuleNotFoundError as error:
        raise DataError(
            f"interactions in PostgreSQL need {error.name}; install it: pip install 'thinkrec[postgres]'"
        ) from error
    return PostgresStore(str(interactions))
