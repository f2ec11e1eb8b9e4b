"""API keys: who may ask."""

from __future__ import annotations

import hmac
import ipaddress
from pathlib import Path

from thinkrec.errors import DataError

VARIABLE = "THINKREC_API_KEYS"
"""Environment variable with keys, separated by commas."""


def read_keys(text: str | None, file: Path | None) -> tuple[bytes, ...]:
    """Keys of a text with commas and of a file with one a line. Raises DataError for a short key or no such file."""
    lines = [] if text is None else text.split(",")
    if file is not None:
        try:
            lines += file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(
                f"the API keys in {file} cannot be read ({error}); give a text file, one key a line"
            ) from error
    keys = [line.strip() for line in lines if line.strip()]
    if any(len(key) < 16 for key in keys):
        raise DataError("an API key has fewer than 16 characters; make one with: openssl rand -hex 16")
    return tuple(key.encode() for key in keys)


def check_exposure(host: str, keys: tuple[bytes, ...]) -> None:
    """Raises DataError for a host that others can reach while there are no keys."""
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = host == "localhost"
    if not keys and not is_loopback:
        raise DataError(
            f"{host} can be reached by others and there are no API keys; set {VARIABLE}, or --host 127.0.0.1"
        )


def is_allowed(header: str | None, keys: tuple[bytes, ...]) -> bool:
    """Whether an Authorization header bears one of the keys; every key is compared, in constant time."""
    if not keys:
        return True
    given = (header or "").removeprefix("Bearer ").encode("utf-8", "replace")
    return bool(sum([hmac.compare_digest(given, key) for key in keys]))
