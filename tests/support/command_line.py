"""The command line as a user sees it: what is printed, and what is refused."""

from __future__ import annotations

import re

from typer.testing import CliRunner, Result

from thinkrec.cli import app


def call(*arguments: object) -> Result:
    """Run `thinkrec` with these arguments."""
    return CliRunner().invoke(app, [str(a) for a in arguments])


def refused(*arguments: object) -> str:
    """The message of a call that has to fail with one message and no traceback."""
    result = call(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.output
    return result.stderr


def plain(text: str) -> str:
    """A text without the codes of colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
