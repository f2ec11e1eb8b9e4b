"""The body of a chat completion, in the dialects of endpoints: pure functions, no HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from thinkrec.claims.verdict import IN_WORDS, is_refusal, split_reasoning
from thinkrec.teacher import api_error, content_parts

_CUT = ("length", "maxtokens", "modellength", "maxoutputtokens", "maxlength", "tokenlimit", "incomplete")
_BROKEN = (
    "error",
    "abort",
    "aborted",
    "cancelled",
    "canceled",
    "networkerror",
    "insufficientsystemresource",
    "malformedfunctioncall",
    "unexpectedtoolcall",
)


@dataclass(frozen=True)
class Reply:
    """One choice of a chat completion."""

    text: str
    reasoning: str
    is_truncated: bool
    """Whether it ended at the length limit."""
    prompt_tokens: int | None
    completion_tokens: int | None
    """Reasoning included; None where the endpoint does not count."""
    refusal: str | None = None
    """The code by which a filter or the model declined; the text is then empty, as whatever there is broke off."""
    refusal_text: str = ""
    """The words of the refusal."""
    finish_reason: str = ""
    """The reason to finish, as the endpoint gives it."""


class MalformedReplyError(ValueError):
    """The body is no chat completion: truncated JSON, a web page, or something else altogether."""


class ReplyError(ValueError):
    """The body of a successful answer holds an error."""

    def __init__(self, status: int, error: Any) -> None:
        """`status`: see the attribute; `error`: the error in the body."""
        super().__init__(f"the answer holds an error: {api_error.extract_error_message(error)}")
        self.status, self.error = status, error
        """The status it would have had outside; 500 where it names none."""


def parse_reply(body: str) -> Reply:
    """Read a chat completion, whole or as a stream of events.

    Raises MalformedReplyError saying what is wrong, or ReplyError where the body holds an error.
    """
    try:
        payload = content_parts.join_stream(body) if content_parts.is_stream(body) else json.loads(body)
    except ValueError as error:
        if api_error.is_html_page(body):
            raise MalformedReplyError(
                f"the answer is a web page ({api_error.extract_error_message(body)[:80]!r}) and no JSON; check "
                "base_url, which ends in /v1"
            ) from error
        raise MalformedReplyError(f"the answer is no complete JSON ({error})") from error
    if not isinstance(payload, dict):
        raise MalformedReplyError("the answer is JSON but no chat completion")
    _raise_reply_error(payload)
    blocked = _find_block_reason(payload)
    choices = payload.get("choices")
    if not choices and blocked:
        return _build_reply(payload, content_parts.MessageParts("", "", ""), "", blocked)
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        why = "it holds no choices" if choices in (None, []) else "its choices are no list of objects"
        raise MalformedReplyError(f"the answer is JSON but no chat completion: {why}")
    choice = choices[0]
    if choice.get("error"):
        raise ReplyError(_find_error_status(choice["error"]), choice["error"])
    message = choice.get("message")
    if not isinstance(message, dict):
        raise MalformedReplyError("the answer is JSON but no chat completion: its choice holds no message")
    reasons = [choice.get(name) for name in ("finish_reason", "native_finish_reason", "stop_reason")]
    reasons = [reason for reason in [*reasons, payload.get("stop_reason")] if isinstance(reason, str)]
    words = content_parts.read_message(message)
    filtered = next((reason for reason in reasons if api_error.is_content_filter(reason)), None)
    return _build_reply(
        payload, words, reasons[0] if reasons else "", filtered or ("refusal" if words.refusal else None)
    )


def _build_reply(
    payload: Mapping[str, Any], words: content_parts.MessageParts, finish: str, refusal: str | None
) -> Reply:
    counted = payload.get("usage")
    usage: Mapping[str, Any] = counted if isinstance(counted, dict) else {}
    prompt, completion = read_usage(usage)
    if refusal is not None:
        wording = " ".join((words.refusal or words.answer).split())
        return Reply("", words.reasoning.strip(), False, prompt, completion, refusal, wording, finish)
    text, reasoning = split_reasoning(words.answer, words.reasoning)
    if is_refusal(text):
        return Reply("", reasoning, False, prompt, completion, IN_WORDS, " ".join(text.split()), finish)
    known = api_error.normalise_code(finish)
    if known in _BROKEN and not text:
        raise MalformedReplyError(f"the answer broke off (finish reason {finish!r})")
    return Reply(text, reasoning, known in _CUT, prompt, completion, finish_reason=finish)


def read_usage(usage: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Prompt tokens, and completion tokens with reasoning; None where they are not counted.

    Some endpoints leave reasoning out of `completion_tokens` and have it in the total alone; it was paid for.
    """
    prompt = _read_token_count(usage, "prompt_tokens", "input_tokens")
    completion = _read_token_count(usage, "completion_tokens", "output_tokens")
    total = _read_token_count(usage, "total_tokens")
    if prompt is not None and total is not None and total - prompt > (completion or 0):
        completion = total - prompt
    return prompt, completion


def _raise_reply_error(payload: Mapping[str, Any]) -> None:
    error = payload.get("error")
    if error:
        raise ReplyError(_find_error_status(error), error)
    base = payload.get("base_resp")
    if isinstance(base, Mapping) and base.get("status_code"):
        raise ReplyError(_find_error_status(base), base)
    if "choices" not in payload and (payload.get("object") == "error" or payload.get("type") == "error"):
        raise ReplyError(_find_error_status(payload), payload)


def _find_error_status(error: Any) -> int:
    inner = api_error.unwrap_error(error)
    names = ("code", "status", "status_code", "http_code")
    values = [inner.get(name) for name in names] if isinstance(inner, Mapping) else []
    for value in values:
        text = str(value)
        if text.isdecimal() and 400 <= int(text) < 600:
            return int(text)
    # A code of a filter comes with 400 where the endpoint gives errors their status.
    return 400 if api_error.find_refusal_code(400, error) else 500


def _find_block_reason(payload: Mapping[str, Any]) -> str | None:
    """The code by which a prompt was blocked, where that stands beside (missing) choices."""
    for name in ("promptFeedback", "prompt_feedback"):
        about = payload.get(name)
        if isinstance(about, Mapping):
            reason = about.get("blockReason") or about.get("block_reason")
            if reason:
                return str(reason)
    for entry in payload.get("prompt_filter_results") or payload.get("prompt_annotations") or []:
        results = entry.get("content_filter_results") if isinstance(entry, Mapping) else None
        if isinstance(results, Mapping) and any(isinstance(r, Mapping) and r.get("filtered") for r in results.values()):
            return "content_filter"
    return None


def _read_token_count(usage: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = usage.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < float("inf"):
            return int(value)
    return None
