"""The hash of plain values, by which answers and keywords are found again."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def content_hash(*parts: Any) -> str:
    """SHA-256 (hex) of plain values; equal values give equal hashes on every machine.

    Texts may hold lone surrogates, as careless sources do: they are hashed as they are, so that no two texts meet.
    """
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
