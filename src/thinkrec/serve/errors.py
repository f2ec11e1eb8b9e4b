"""What a request may be refused for, apart from what is wrong with the data it sends (`DataError`)."""

from __future__ import annotations

from thinkrec.errors import DataError, ThinkRecError


class UnknownIdError(DataError):
    """A user or an item that the service does not know; over HTTP 404."""


class OverloadedError(ThinkRecError):
    """The service does not take the request now; over HTTP 503 with Retry-After."""

    def __init__(self, message: str, retry_after: float) -> None:
        """`retry_after`: seconds after which a new try is worth it."""
        super().__init__(message)
        self.retry_after = retry_after


class QueueFullError(OverloadedError):
    """As many candidates wait as may wait."""


class DeadlineError(OverloadedError):
    """The request's deadline passed before its scores were there."""


class StoppingError(OverloadedError):
    """The service is about to end and takes nothing new."""


class StoreUnavailableError(OverloadedError):
    """The log of interactions cannot be reached or written now; whether the last write was stored is not known."""


class CancelledRequestError(ThinkRecError):
    """Whoever asked is gone; nobody reads the answer."""
