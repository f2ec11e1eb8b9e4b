"""What Linux says of the machine in the files of /proc."""

from __future__ import annotations

from pathlib import Path


def read_proc_fields(path: str) -> dict[str, str]:
    """The "name: value" lines of a /proc file, the first of each name; empty on other systems."""
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in reversed(lines))
    return {name.strip(): value.strip() for name, _, value in pairs}
