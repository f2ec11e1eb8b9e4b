"""Marks, streams and addresses as different vendors have them, against a server that plays each."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError
from support.scripted_server import Reaction, Request, Served, fails, says, serve, streams
from support.scripted_teacher import QUICK, answered, ask, config, error, one

from thinkrec.teacher.api import ChatApiTeacher
from thinkrec.teacher.client import Answer, TeacherStoppedError
from thinkrec.teacher.config import ApiTeacherConfig
from thinkrec.teacher.endpoint import TeacherWarning

# -- where the reasoning is ------------------------------------------------------------------------------------------

THOUGHT = [{"type": "text", "text": "because"}]
REASONED = {
    "reasoning": says("Yes. Good.", reasoning="because"),
    "thinking": says("Yes. Good.", thinking="because"),
    "thinking_blocks": says("Yes. Good.", thinking_blocks=[{"type": "thinking", "thinking": "because"}]),
    "reasoning_details": says("Yes. Good.", reasoning_details=[{"type": "reasoning.text", "text": "because"}]),
    "summary": says(
        [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "because"}]},
            {"type": "output_text", "text": "Yes. Good."},
        ]
    ),  # type: ignore[arg-type]
    "thought-flag": says([{"text": "because", "thought": True}, {"text": "Yes. Good."}]),  # type: ignore[arg-type]
    "one-part": says({"type": "text", "text": "because</think>Yes. Good."}),  # type: ignore[arg-type]
    "encrypted": says(
        [{"type": "thinking", "thinking": THOUGHT}, {"type": "redacted_thinking", "data": "QUJD"}, "Yes. Good."]
    ),  # type: ignore[arg-type]
    "mistral": says("[THINK]because[/THINK]Yes. Good."),
    "harmony": says(
        "<|channel|>analysis<|message|>because<|end|><|start|>assistant<|channel|>final<|message|>Yes. Good."
    ),
    "stream": streams(
        [
            {"role": "assistant"},
            {"reasoning_content": "bec"},
            {"reasoning_content": "ause"},
            {"content": "Yes. "},
            {"content": "Good."},
        ]
    ),
    "stream-of-two-choices": Reaction(
        body=b"".join(
            b"data: " + json.dumps({"choices": [{"index": index, "delta": {"content": text}}]}).encode() + b"\n\n"
            for index, text in ((0, "because</think>"), (1, "No."), (0, "Yes. Good."), (1, " Bad."))
        )
        + b"data: [DONE]\n\n"
    ),
    "stream-unasked-in-marks": streams(
        [{"content": "<thi"}, {"content": "nk>because</think>Yes."}, {"content": " Good."}]
    ),
}


@pytest.mark.parametrize("name", REASONED)
def test_reasoning_is_kept_apart(name: str) -> None:
    answer, _ = one(REASONED[name])
    assert (answer.text, answer.reasoning, answer.failure) == ("Yes. Good.", "because", None)


def test_a_line_separator_inside_a_stream_is_no_end_of_line() -> None:
    answer, _ = one(streams([{"content": "Yes. One\u2028two\u0085three."}]))
    assert answer.text == "Yes. One\u2028two\u0085three."


def test_the_length_limit_by_its_other_names() -> None:
    for finish in ("length", "max_tokens", "MAX_TOKENS", "model_length"):
        assert one(says("Yes. Go", finish=finish))[0].is_truncated, finish
    assert not one(says("Yes. Go", finish="end_turn"))[0].is_truncated


def test_tokens_by_their_other_names_and_reasoning_outside_the_count() -> None:
    def usage(**counts: int) -> tuple[int, int]:
        body = json.loads(says("Yes. Good.").body)
        answer, _ = one(answered({**body, "usage": counts}))
        return answer.usage.prompt_tokens, answer.usage.completion_tokens

    assert usage(input_tokens=7, output_tokens=3) == (7, 3)
    assert usage(prompt_tokens=7, completion_tokens=3, total_tokens=60) == (7, 53)
    assert usage(prompt_tokens=7, completion_tokens=3, total_tokens=10) == (7, 3)


@pytest.mark.parametrize(
    ("reaction", "words"),
    [
        (answered({"choices": []}), "holds no choices"),
        (answered({"choices": [{"finish_reason": "stop"}]}), "holds no message"),
        (Reaction(body=b"<!doctype html><title>Chat</title>"), "web page ('Chat')"),
        (says("", finish="insufficient_system_resource"), "broke off (finish reason 'insufficient_system_resource')"),
        (says(None, finish="tool_calls"), "called a tool"),
        (streams([{"content": "Yes. Go"}], finish=None, done=False), "the stream broke off"),
        (answered({"choices": [{"error": {"code": 502, "message": "upstream"}}]}), "502: upstream"),
        (Reaction(status=503, body=b"<html><head><title>Busy</title></head><body>x</body></html>"), "503: Busy"),
        (fails(403, "slow down", errors=[1], code="userRateLimitExceeded"), "403: slow down"),
        (fails(400, "slow down", code="ThrottlingException"), "400: slow down"),
        (error(500, {"detail": [{"msg": "odd"}]}), '500: [{"msg": "odd"}]'),
        (error(500, [{"error": {"message": "in a list"}}]), "500: in a list"),
        (Reaction(status=500, body=b"plain words"), "500: plain words"),
    ],
)
def test_what_was_wrong_is_said(reaction: Reaction, words: str) -> None:
    answer, served = one(reaction)
    assert answer.failure is not None and words in answer.failure and "3 tries" in answer.failure
    assert len(served.requests) == 3


# -- what an endpoint takes ------------------------------------------------------------------------------------------


def adapting(react: Callable[[Request], Reaction], expected: str, n: int = 3, **changes: Any) -> tuple[Served, list]:
    """All are answered, one warning says what is different."""
    with serve(react) as served, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = ask(config(served, concurrency=1, **changes), n)
    told = [str(warning.message) for warning in caught if issubclass(warning.category, TeacherWarning)]
    assert [answer.text for answer in found] == ["Yes. Good."] * n
    assert len(told) == 1 and expected in told[0]
    assert len(served.requests) == n + 1, "found out once"
    assert sum(answer.usage.requests for answer in found) == n + 1, "and counted"
    return served, found


def test_the_other_name_of_the_bound() -> None:
    def react(request: Request) -> Reaction:
        if "max_tokens" in request.body:
            message = "Unsupported parameter: 'max_tokens' is not supported here. Use 'max_completion_tokens' instead."
            return fails(400, message, code="unsupported_parameter", param="max_tokens")
        return says("Yes. Good.")

    served, _ = adapting(react, "max_completion_tokens", max_tokens=33)
    assert served.requests[-1].body["max_completion_tokens"] == 33

    def older(request: Request) -> Reaction:
        if "max_completion_tokens" in request.body:
            return error(422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "max_completion_tokens"]}]})
        return says("Yes. Good.")

    adapting(older, "max_tokens", max_tokens_name="max_completion_tokens")


def test_finding_out_is_no_try() -> None:
    def react(request: Request) -> Reaction:
        if "max_tokens" in request.body:
            return fails(400, "Unsupported parameter: 'max_tokens'", code="unsupported_parameter", param="max_tokens")
        return says("Yes. Good.") if len(served.requests) == 3 else fails(500)

    with serve(react) as served, pytest.warns(TeacherWarning):
        (answer,) = ask(config(served, retries=QUICK.model_copy(update={"max_retries": 1})))
    assert (answer.text, answer.usage.requests) == ("Yes. Good.", 3)


def test_an_endpoint_that_refuses_every_way_is_not_asked_for_ever() -> None:
    def react(request: Request) -> Reaction:
        name = next(name for name in request.body if name.startswith("max_"))
        return fails(400, f"Unsupported parameter: '{name}'", code="unsupported_parameter", param=name)

    with serve(react) as served, pytest.warns(TeacherWarning):
        found = ask(config(served, concurrency=1), 2)
        assert len(served.requests) == 3
    assert all(answer.failure is not None and "Unsupported parameter" in answer.failure for answer in found)


@pytest.mark.parametrize(
    "message",
    [
        "System role not supported",
        "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
        "Developer instruction is not enabled for models/gemma",
        "Conversation roles must alternate user/assistant/user/assistant/...",
    ],
)
def test_no_role_for_instructions(message: str) -> None:
    from thinkrec.teacher.client import Message, make_question

    def react(request: Request) -> Reaction:
        return fails(400, message) if request.messages[0]["role"] == "system" else says("Yes. Good.")

    questions = [
        make_question(n, (Message("system", "Judge."), Message("user", f"It {n} |")), "t", "drop") for n in range(2)
    ]
    with serve(react) as served, pytest.warns(TeacherWarning, match="takes no system message"):
        found: list[Answer] = []
        ChatApiTeacher(config(served, concurrency=1)).ask(questions, lambda _, answer: found.append(answer))
    assert [answer.text for answer in found] == ["Yes. Good."] * 2
    assert [request.messages for request in served.requests[1:]] == [
        [{"role": "user", "content": f"Judge.\n\nIt {n} |"}] for n in range(2)
    ]


@pytest.mark.parametrize(
    "message", ["This model only support stream mode, please enable the stream parameter", "stream must be set to true"]
)
def test_answers_in_a_stream_only(message: str) -> None:
    def react(request: Request) -> Reaction:
        if not request.body.get("stream"):
            return fails(400, message)
        return streams([{"content": "Yes. "}, {"content": "Good."}])

    _, found = adapting(react, "in a stream only")
    assert found[-1].usage.prompt_tokens == 100


def test_an_address_without_v1_and_the_whole_address_of_the_questions() -> None:
    def react(request: Request) -> Reaction:
        return says("Yes. Good.") if request.path.split("?")[0] == "/v1/chat/completions" else fails(404, "no route")

    for page in (fails(404, "no route"), fails(405, "POST"), Reaction(body=b"<html><body>Hello</body></html>")):
        with serve(lambda request, page=page: says("Yes. Good.") if "/v1/" in request.path else page) as served:
            root = served.url.removesuffix("/v1")
            with pytest.warns(TeacherWarning, match="needs /v1 at the end"):
                assert ask(config(served, base_url=root))[0].text == "Yes. Good."
    with serve(react) as served:
        for url in (served.url + "/", served.url + "/chat/completions", served.url + "?api-version=2"):
            assert ask(config(served, base_url=url))[0].text == "Yes. Good."
        assert served.requests[-1].path == "/v1/chat/completions?api-version=2"


def test_a_setting_that_the_endpoint_does_not_take_stops_the_run_by_its_name() -> None:
    troubles = [
        (
            fails(
                400,
                "Unsupported value: 'temperature' does not support 0.2 with this model.",
                param="temperature",
                code="unsupported_value",
            ),
            {"temperature": 0.2},
            "teacher.temperature",
        ),
        (
            fails(400, "Unrecognized request argument supplied: top_k"),
            {"extra_body": {"top_k": 3}},
            "teacher.extra_body.top_k",
        ),
        (
            error(
                422,
                {
                    "detail": [
                        {"type": "extra_forbidden", "loc": ["body", "top_k"], "msg": "Extra inputs are not permitted"}
                    ]
                },
            ),
            {"extra_body": {"top_k": 3}},
            "teacher.extra_body.top_k",
        ),
    ]
    for reaction, changes, words in troubles:
        with serve(lambda request, reaction=reaction: reaction) as served:
            with pytest.raises(TeacherStoppedError, match=words):
                ask(config(served, concurrency=1, **changes), 5)
            assert len(served.requests) == 1


@pytest.mark.parametrize(
    ("reaction", "words"),
    [
        (fails(404, "The model `m` does not exist", code="model_not_found"), "'m-large'"),
        (fails(400, "m is not a valid model ID"), "no such model.*'m-large'"),
        (fails(400, "API key not valid. Please pass a valid API key.", code="INVALID_ARGUMENT"), "key was refused"),
        (fails(400, "Your credit balance is too low to access the API"), "no money left"),
        (answered({"error": {"code": 402, "message": "Insufficient credits"}}), "402"),
        (fails(405, "Method Not Allowed"), "takes no chat questions"),
        (fails(429, "slow down", headers={"x-ratelimit-reset-requests": "2h0m0s"}), "wait 7200 s"),
        (fails(503, "later", headers={"retry-after-ms": "7200000"}), "wait 7200 s"),
    ],
)
def test_some_errors_stop_the_run_in_every_dialect(reaction: Reaction, words: str) -> None:
    with serve(lambda request: reaction, models=("m-large", "other")) as served:
        with pytest.raises(TeacherStoppedError, match=words) as stopped:
            ask(config(served, concurrency=1), 5)
        assert len(served.requests) == 1 and "start the same command" in str(stopped.value)


def test_extra_does_not_go_around_the_settings() -> None:
    for key in ("model", "messages", "temperature", "max_tokens", "max_completion_tokens", "n"):
        with pytest.raises(ValidationError, match=f"'{key}' is not for `extra_body`"):
            ApiTeacherConfig(extra_body={key: 1})
