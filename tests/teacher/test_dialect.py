"""What an endpoint refuses tells how it wants to be asked."""

from __future__ import annotations

import pytest

from thinkrec.teacher.client import Message
from thinkrec.teacher.dialect import Dialect, adapt_dialect, find_rejected_parameters

PLAIN = Dialect("max_tokens")
URL = "http://host/v1"


def test_the_body_bears_the_name_of_the_bound_and_the_stream() -> None:
    assert PLAIN.build_body(7) == {"max_tokens": 7}
    assert Dialect("max_completion_tokens", stream=True).build_body(7) == {
        "max_completion_tokens": 7,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_without_a_system_role_instructions_open_the_first_words() -> None:
    messages = [
        Message("system", "Be brief."),
        Message("user", "Why?"),
        Message("assistant", "So."),
        Message("user", "?"),
    ]
    assert [turn["role"] for turn in PLAIN.format_messages(messages)] == ["system", "user", "assistant", "user"]
    turns = Dialect("max_tokens", system=False).format_messages(messages)
    assert turns[0] == {"role": "user", "content": "Be brief.\n\nWhy?"}
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]


@pytest.mark.parametrize(
    ("url", "status", "error", "change"),
    [
        (
            URL,
            400,
            {"message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."},
            {"length_name": "max_completion_tokens"},
        ),
        (URL, 400, {"message": "max_tokens is too large: 9000. This model supports at most 4096"}, None),
        (URL, 400, {"message": "System role not supported"}, {"system": False}),
        (URL, 400, {"message": "This model only supports stream mode"}, {"stream": True}),
        ("http://host", 404, "", {"version": True}),
        (URL, 404, "", None),
        (URL, 401, {"message": "System role not supported"}, None),
    ],
)
def test_an_error_asks_for_another_dialect(url: str, status: int, error, change: dict | None) -> None:
    adapted = adapt_dialect(PLAIN, url, status, error)
    if change is None:
        assert adapted is None
        return
    assert adapted is not None
    dialect, words = adapted
    assert dialect == Dialect(**{"length_name": "max_tokens", **change})
    assert words
    assert adapt_dialect(dialect, url, status, error) is None or change.get("length_name"), "asked for once"


def test_rejected_parameters_are_those_that_are_named() -> None:
    names = ("temperature", "top_p", "seed")
    error = {"message": "Unrecognized request arguments: top_p, seeds"}
    assert find_rejected_parameters(error, names) == ["top_p"]
    assert find_rejected_parameters({"message": "Unsupported value", "param": "seed"}, names) == ["seed"]
    assert find_rejected_parameters({"message": "temperature must be below 2"}, names) == []
