"""A check that something is refused, without a test framework."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def expect_error(kind: type[BaseException], match: str = "") -> Iterator[list[BaseException]]:
    """Within, `kind` has to be raised with a message in which the pattern `match` is found.

    Yields a list that holds the error afterwards. Raises AssertionError where nothing, or something else, is raised.
    """
    caught: list[BaseException] = []
    try:
        yield caught
    except kind as error:
        assert re.search(match, str(error)), f"the message {str(error)!r} does not say {match!r}"
        caught.append(error)
    else:
        raise AssertionError(f"{kind.__name__} was not raised")
