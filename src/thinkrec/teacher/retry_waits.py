"""Waiting time that a server asks for, in headers of several vendors or in the body of the error."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from thinkrec.teacher.api_error import extract_error_message, unwrap_error
from thinkrec.teacher.limits import parse_duration, parse_retry_after

_RESET = re.compile(r"^(?:x-|anthropic-)?rate-?limit-(?:(.*)-)?reset(?:-(.*))?$")
_IN_WORDS = re.compile(
    r"(?:try|retry)(?:ing)?(?: again)?(?: in| after)\s*((?:\d+(?:\.\d+)?\s*[a-z]*[\s,]*)+)", re.IGNORECASE
)
_BARE = re.compile(r"\d+(?:\.\d+)?")


def find_retry_delay(status: int, headers: Mapping[str, str], error: Any) -> float | None:
    """Seconds until another try, or None where the server names none.

    In this order: retry-after-ms and the like, Retry-After, the error's body, and after 429 when the exhausted rate
    limit is reset. Dates are compared with the server's own clock, its header Date, if there is one.
    """
    named = {name.lower(): value for name, value in headers.items()}
    now = _parse_server_time(named.get("date"))
    for name in ("retry-after-ms", "x-ms-retry-after-ms", "x-retry-after-ms"):
        delay = _parse_milliseconds(named.get(name), now)
        if delay is not None:
            return delay
    for name in ("retry-after", "x-retry-after", "x-ratelimit-retry-after", "x-ratelimit-reset-after"):
        delay = parse_retry_after(named.get(name), now)
        if delay is not None:
            return delay
    delay = _find_body_delay(error, now)
    if delay is None and status == 429:
        delay = _find_reset_delay(named, now)
    return delay


def _parse_milliseconds(value: str | None, now: datetime | None) -> float | None:
    if value is None or not _BARE.fullmatch(value.strip()):
        return parse_retry_after(value, now)
    number = float(value)
    return parse_retry_after(value, now) if number >= 1e11 else number / 1000


def _parse_server_time(date: str | None) -> datetime | None:
    if not date:
        return None
    try:
        seconds = parse_retry_after(date, datetime.fromtimestamp(0).astimezone())
        return None if not seconds else datetime.fromtimestamp(seconds).astimezone()
    except (OverflowError, OSError, ValueError):
        return None


def _find_reset_delay(headers: Mapping[str, str], now: datetime | None) -> float | None:
    """The longest wait among limits of which nothing remains; where none is named as exhausted, the shortest."""
    exhausted, others = [], []
    for name, value in headers.items():
        form = _RESET.match(name)
        wait = parse_retry_after(value, now) if form else None
        if form and wait is not None:
            remaining = headers.get(name.replace("reset", "remaining"))
            (exhausted if remaining is not None and remaining.strip() in ("0", "0.0") else others).append(wait)
    return max(exhausted) if exhausted else min(others, default=None)


def _find_body_delay(error: Any, now: datetime | None) -> float | None:
    inner = unwrap_error(error)
    if isinstance(inner, Mapping):
        for key, value in _walk_values(inner):
            known = key.lower().replace("-", "").replace("_", "")
            if known in ("retryafterms", "retrydelayms"):
                delay = _parse_milliseconds(str(value), now)
            elif known in ("retryafter", "retrydelay", "retryafterseconds", "xratelimitreset"):
                delay = parse_retry_after(str(value), now)
            else:
                continue
            if delay is not None:
                return delay
    words = _IN_WORDS.search(extract_error_message(error))
    if words is None:
        return None
    text = words.group(1).strip(" .,")
    return float(text) if _BARE.fullmatch(text) else _parse_leading_duration(text)


def _parse_leading_duration(text: str) -> float | None:
    """The longest beginning of a text that is a span: the words behind it belong to the sentence."""
    pieces = text.split(" ")
    return next(filter(None, (parse_duration(" ".join(pieces[:n])) for n in range(len(pieces), 0, -1))), None)


def _walk_values(value: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    if depth > 4:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if isinstance(inner, (str, int, float)) and not isinstance(inner, bool):
                yield str(key), inner
            yield from _walk_values(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk_values(inner, depth + 1)
