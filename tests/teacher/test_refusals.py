"""Refusals as different vendors have them: final, named, and no failure of the endpoint."""

from __future__ import annotations

import pytest
from support.scripted_server import Reaction, Request, fails, says, serve, streams
from support.scripted_teacher import QUICK, answered, ask, config, error, one

REFUSALS = {
    "finish": (says("", finish="content_filter"), "content_filter"),
    "finish-with-half-a-text": (says("Yes. This viewer", finish="content_filter"), "content_filter"),
    "message.refusal": (says(None, refusal="I can't help with that."), "refusal"),
    "refusal-part": (says([{"type": "refusal", "refusal": "No way."}]), "refusal"),  # type: ignore[arg-type]
    "safety": (says(None, finish="SAFETY"), "SAFETY"),
    "recitation": (says("", finish="RECITATION"), "RECITATION"),
    "blocklist": (says("", finish="blocklist"), "blocklist"),
    "prohibited": (says(None, finish="PROHIBITED_CONTENT"), "PROHIBITED_CONTENT"),
    "stop_reason": (
        answered({"choices": [{"message": {"content": ""}, "finish_reason": "stop", "stop_reason": "refusal"}]}),
        "refusal",
    ),
    "native": (
        answered(
            {"choices": [{"message": {"content": ""}, "finish_reason": "stop", "native_finish_reason": "SAFETY"}]}
        ),
        "SAFETY",
    ),
    "guardrail": (says("Sorry.", finish="guardrail_intervened"), "guardrail_intervened"),
    "sensitive": (says("", finish="sensitive"), "sensitive"),
    "400": (fails(400, "filtered", code="content_filter"), "content_filter"),
    "400-policy": (fails(400, "x", code="content_policy_violation"), "content_policy_violation"),
    "400-inner": (
        fails(400, "x", code="BadRequest", innererror={"code": "ResponsibleAIPolicyViolation"}),
        "ResponsibleAIPolicyViolation",
    ),
    "400-type": (error(400, {"error": {"type": "content_filter", "message": "high risk"}}), "content_filter"),
    "400-words": (
        error(400, {"error": {"message": "Content Exists Risk", "code": "invalid_request_error"}}),
        "content filter",
    ),
    "400-string": (error(400, {"error": "The prompt was blocked by our content management policy"}), "content filter"),
    "400-inspection": (
        fails(400, "Input data may contain inappropriate content.", code="DataInspectionFailed"),
        "DataInspectionFailed",
    ),
    "403-moderation": (
        fails(403, "requires moderation", metadata={"reasons": ["violence"], "flagged_input": "x"}),
        "moderation",
    ),
    "200-with-error": (answered({"error": {"code": "content_filter", "message": "no"}}), "content_filter"),
    "no-choices": (answered({"choices": [], "promptFeedback": {"blockReason": "SAFETY"}}), "SAFETY"),
    "prompt-filter": (
        answered(
            {
                "choices": [],
                "prompt_filter_results": [
                    {"content_filter_results": {"hate": {"filtered": False}, "sexual": {"filtered": True}}}
                ],
            }
        ),
        "content_filter",
    ),
    "stream": (streams([{"content": "Yes. Th"}], finish="content_filter"), "content_filter"),
    "words": (says("<think>no</think>I'm sorry, but I can't assist with that request."), "in words"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_final_and_named(name: str) -> None:
    reaction, by = REFUSALS[name]
    answer, served = one(reaction)
    assert len(served.requests) == answer.usage.requests == 1, "asked once"
    assert (answer.refusal, answer.text) == (by, "")
    assert answer.failure is not None and answer.failure.startswith("the content was refused")


def test_refusals_do_not_count_as_failures_of_the_endpoint() -> None:
    with serve(lambda request: fails(400, "no", code="content_filter")) as served:
        settings = config(served, concurrency=1, retries=QUICK.model_copy(update={"max_consecutive_failures": 2}))
        found = ask(settings, 7)
    assert [answer.refusal for answer in found] == ["content_filter"] * 7


def test_a_refusal_between_two_failures_ends_the_row_of_failures() -> None:
    def react(request: Request) -> Reaction:
        number = int(request.asked.split()[-2])
        return fails(400, "no", code="content_filter") if number % 2 else fails(400, "too long")

    with serve(react) as served:
        settings = config(served, concurrency=1, retries=QUICK.model_copy(update={"max_consecutive_failures": 2}))
        assert len(ask(settings, 6)) == 6


def test_other_errors_are_no_refusals() -> None:
    for reaction in (
        fails(400, "maximum context length is 4096 tokens", code="context_length_exceeded"),
        fails(422, "messages: too short"),
    ):
        answer, _ = one(reaction)
        assert answer.failure is not None and answer.refusal is None


def test_the_words_of_a_refusal_and_what_it_took_are_kept() -> None:
    answer, _ = one(says(None, refusal="I can't help  with that."))
    assert answer.failure == "the content was refused (refusal): I can't help with that."
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (100, 20)
