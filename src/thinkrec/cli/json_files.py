"""What `--out` says where results are written as JSON."""

from __future__ import annotations

from pathlib import Path

from thinkrec.errors import DataError


def check_json_name(out: Path | None, example: str) -> None:
    """Raise DataError for a name that does not end with .json; `example` is one that does."""
    if out is not None and out.suffix != ".json":
        raise DataError(f"{out}: --out writes JSON; give a name such as {example}")
