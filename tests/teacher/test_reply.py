"""The body of a chat completion: an answer, an error, a refusal, or no completion at all."""

from __future__ import annotations

import json

import pytest

from thinkrec.teacher.reply import MalformedReplyError, ReplyError, parse_reply, read_usage


def make_body(content="Yes. It fits.", finish: str = "stop", **more) -> str:
    message = {"role": "assistant", "content": content}
    return json.dumps({"choices": [{"message": message, "finish_reason": finish}], **more})


def test_an_answer_with_its_counts() -> None:
    reply = parse_reply(make_body(usage={"prompt_tokens": 10, "completion_tokens": 4}))
    assert (reply.text, reply.reasoning, reply.is_truncated) == ("Yes. It fits.", "", False)
    assert (reply.prompt_tokens, reply.completion_tokens, reply.refusal, reply.finish_reason) == (10, 4, None, "stop")
    thought = parse_reply(make_body("<think>They like it.</think>Yes."))
    assert (thought.text, thought.reasoning) == ("Yes.", "They like it.")
    assert (thought.prompt_tokens, thought.completion_tokens) == (None, None)


@pytest.mark.parametrize("finish", ["length", "MAX_TOKENS", "max_output_tokens"])
def test_an_answer_at_the_limit_is_truncated(finish: str) -> None:
    assert parse_reply(make_body(finish=finish)).is_truncated


def test_a_filter_takes_the_text_away() -> None:
    reply = parse_reply(make_body("Yes. It", "content_filter"))
    assert (reply.text, reply.refusal, reply.refusal_text) == ("", "content_filter", "Yes. It")
    blocked = parse_reply(json.dumps({"promptFeedback": {"blockReason": "SAFETY"}}))
    assert (blocked.text, blocked.refusal) == ("", "SAFETY")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{", "no complete JSON"),
        ("<!doctype html><title>Not here</title>", "is a web page .'Not here'.*check base_url"),
        ("[]", "JSON but no chat completion"),
        ("{}", "it holds no choices"),
        ('{"choices": 3}', "its choices are no list of objects"),
        ('{"choices": [{}]}', "its choice holds no message"),
        (make_body("", "error"), "broke off .finish reason 'error'"),
    ],
)
def test_what_is_no_completion_says_why(body: str, words: str) -> None:
    with pytest.raises(MalformedReplyError, match=words):
        parse_reply(body)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"error": {"message": "busy", "code": 429}}, 429),
        ({"error": {"message": "busy"}}, 500),
        ({"error": {"message": "no", "code": "content_filter"}}, 400),
        ({"object": "error", "message": "busy", "code": 503}, 503),
        ({"base_resp": {"status_code": 1004, "status_msg": "busy"}}, 500),
        ({"choices": [{"error": {"message": "busy", "status": "502"}}]}, 502),
    ],
)
def test_an_error_inside_a_good_answer_keeps_its_status(body: dict, status: int) -> None:
    with pytest.raises(ReplyError, match="the answer holds an error") as caught:
        parse_reply(json.dumps(body))
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 4}, (10, 4)),
        ({"input_tokens": 10, "output_tokens": 4}, (10, 4)),
        ({"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 30}, (10, 20)),
        ({"prompt_tokens": 10, "total_tokens": 14, "completion_tokens": 6}, (10, 6)),
        ({"prompt_tokens": True, "completion_tokens": -1}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_reasoning_that_only_the_total_counts_was_paid_for(usage: dict, counts: tuple) -> None:
    assert read_usage(usage) == counts
