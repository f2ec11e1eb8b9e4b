"""What an endpoint's error amounts to: final, fatal, or gone at another try."""

from __future__ import annotations

import json

import pytest

from thinkrec.teacher.api_error import (
    extract_error_message,
    find_error_codes,
    find_fatal_cause,
    find_refusal_code,
    is_content_filter,
    is_html_page,
    is_retryable_status,
    normalise_code,
    unwrap_error,
)


@pytest.mark.parametrize("code", ["content_filter", "ContentFilter", "CONTENT-FILTER", "RECITATION", "blocklist"])
def test_filters_are_known_however_they_are_spelled(code: str) -> None:
    assert is_content_filter(code)
    assert normalise_code(code).isalpha() and normalise_code(code).islower()


def test_other_codes_and_no_codes_are_no_filters() -> None:
    assert not any(map(is_content_filter, ("stop", "length", "", None, 3)))


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "too long"}},
        [{"error": {"message": "too long"}}],
        '{"error": {"message": "too long"}}',
        {"error": "too long"},
        {"detail": "too long"},
        "too   long\n",
        "<html><head><title>too long</title></head><body>x</body></html>",
    ],
)
def test_the_message_is_found_wherever_it_stands(body) -> None:
    assert extract_error_message(body) == "too long"


def test_errors_are_unwrapped_out_of_text_and_lists() -> None:
    inner = {"code": "a", "message": "m"}
    assert unwrap_error(json.dumps([{"error": inner}])) == inner
    assert unwrap_error("plain") == "plain"


def test_codes_of_inner_errors_and_details_count() -> None:
    error = {"code": "a", "innererror": {"code": "b"}, "details": [{"reason": "c"}, {"type": "d"}], "status": 400}
    assert list(find_error_codes(error)) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, {"code": "content_filter"}, "content_filter"),
        (400, {"message": "Your prompt was flagged by our moderation"}, "content filter"),
        (403, {"message": "Your prompt was flagged by our moderation"}, None),
        (403, {"message": "x", "metadata": {"reasons": ["violence"]}}, "moderation"),
        (500, {"code": "content_filter"}, None),
        (400, {"message": "bad parameter"}, None),
    ],
)
def test_a_refusal_of_the_content_is_final(status: int, error: dict, code: str | None) -> None:
    assert find_refusal_code(status, error) == code


@pytest.mark.parametrize(
    ("status", "error", "cause"),
    [
        (401, "", "the key was refused"),
        (400, {"code": "API_KEY_INVALID"}, "the key was refused"),
        (429, {"code": "insufficient_quota"}, "the account has no money left"),
        (429, {"code": "rate_limit_exceeded"}, None),
        (404, "", "there is no such address or model"),
        (400, {"message": "The model `x` does not exist"}, "there is no such model"),
        (403, {"code": "rate_limit"}, None),
        (500, "", None),
    ],
)
def test_what_ends_the_whole_run(status: int, error, cause: str | None) -> None:
    assert find_fatal_cause(status, error) == cause


@pytest.mark.parametrize(
    ("status", "error", "retryable"),
    [
        (429, None, True),
        (500, None, True),
        (503, None, True),
        (408, None, True),
        (400, None, False),
        (404, None, False),
        (400, {"code": "throttling"}, True),
        (403, {"code": "overloaded_error"}, True),
    ],
)
def test_what_another_try_may_change(status: int, error, retryable: bool) -> None:
    assert is_retryable_status(status, error) is retryable


def test_a_web_page_is_known_by_its_beginning() -> None:
    assert is_html_page("\n <!DOCTYPE html><p>") and is_html_page("<HTML>")
    assert not is_html_page('{"a": "<html>"}')
