"""What a visitor of the page reads of an error."""

from __future__ import annotations

import logging
import math

from thinkrec.errors import ThinkRecError
from thinkrec.serve.errors import OverloadedError

LOGGER = logging.getLogger("thinkrec.serve")


def describe_refusal(error: Exception) -> str:
    """What a visitor reads of an error; of one that is no refusal only the log says what it was."""
    if isinstance(error, OverloadedError):
        return f"The service is busy: {error}. Try again in {max(1, math.ceil(error.retry_after))} s."
    if isinstance(error, ThinkRecError):
        text = str(error).encode("utf-8", "backslashreplace").decode()
        return f"{text[:500]}..." if len(text) > 500 else text
    LOGGER.error("a question of the page failed", exc_info=error)
    return "Something failed that should not; the operator of the service finds what in the log."
