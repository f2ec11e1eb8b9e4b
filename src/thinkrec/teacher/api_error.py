"""Classification of an endpoint's errors by status, codes and message: pure functions, no HTTP.

Vendors say the same thing in different places: a code, a type, a status in words, an inner error, or the message alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any

PASSING_STATUS = (408, 409, 425, 429, 498, 499)
"""Besides all from 500 on: answers that another try may change."""

_FILTERED = (
    *("contentfilter", "contentpolicy", "responsibleai", "safety", "recitation", "blocklist", "prohibitedcontent"),
    *("spii", "refusal", "moderation", "guardrail", "sensitive", "datainspection", "toxic", "contentblock"),
    *("policyviolation", "usagepolicy", "invalidprompt", "flagged", "unsafe"),
)
"""Pieces of the codes and reasons, in small letters alone, by which filters of content are known."""
_FILTERED_WORDS = re.compile(
    r"content[\s-](?:management[\s-])?(?:policy|policies|filter|moderation)|content exists risk|usage polic|"
    r"safety system|"
    r"responsible ai|inappropriate content|prohibited content|sensitive (?:content|words?|information)|new_sensitive|"
    r"(?:flagged|blocked|filtered|rejected) (?:by|as|for|due to)[^.]{0,60}"
    r"(?:moderation|safety|polic|filter|unsafe|harm)",
    re.IGNORECASE,
)
_MONEY = (
    "insufficientquota",
    "billing",
    "insufficientbalance",
    "insufficientfunds",
    "insufficientcredit",
    "arrearage",
    "exceededcurrentquota",
    "paymentrequired",
)
_MONEY_WORDS = re.compile(
    r"credit balance is too low|insufficient (?:account )?(?:balance|credits?|funds|quota)|account .{0,20}overdue",
    re.IGNORECASE,
)
_BUSY = ("ratelimit", "throttl", "toomanyrequests", "overloaded", "resourceexhausted")
_KEY = ("apikeyinvalid", "invalidapikey", "invalidauthentication", "unauthenticated", "authenticationerror")
_KEY_WORDS = re.compile(
    r"\b(?:api[ _-]?key|(?:access|bearer) token)\b.{0,30}(?:not valid|invalid|incorrect|expired)", re.IGNORECASE
)
_MODEL = ("modelnotfound", "modelnotexist", "modeldoesnotexist", "invalidmodel", "modelnotavailable", "unknownmodel")
_MODEL_WORDS = re.compile(
    r"\bmodel\b[^.]{0,80}(?:does not exist|not exist|not found|is not a valid|not available)|"
    r"(?:invalid|unknown|no such) model\b|not a valid model",
    re.IGNORECASE,
)
_HTML = re.compile(r"<!--.*?-->|<(script|style|head)\b.*?</\1\s*>|<[^<>]*>", re.DOTALL | re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.DOTALL | re.IGNORECASE)


def normalise_code(code: object) -> str:
    """A code as its small letters alone, since vendors write content_filter, ContentFilter and CONTENT-FILTER."""
    return re.sub("[^a-z]", "", code.lower()) if isinstance(code, str) else ""


def is_content_filter(reason: object) -> bool:
    """Whether a code or a reason to finish says that a filter or the model itself declined the content.

    >>> [is_content_filter(reason) for reason in ("content_filter", "SAFETY", "refusal", "stop", "length", None)]
    [True, True, True, False, False, False]
    """
    known = normalise_code(reason)
    return any(piece in known for piece in _FILTERED)


def is_html_page(text: str) -> bool:
    """Whether a body is a web page."""
    return text.lstrip()[:200].lower().startswith(("<!doctype html", "<html", "<head"))


def unwrap_error(body: Any) -> Any:
    """The error without lists and a key `error` around it; parsed where it came as JSON text."""
    if isinstance(body, str):
        try:
            parsed = json.loads(body)
        except ValueError:
            return body
        return unwrap_error(parsed) if isinstance(parsed, (dict, list)) else body
    if isinstance(body, list) and body:
        return unwrap_error(body[0])
    if isinstance(body, Mapping) and body.get("error"):
        inner = body["error"]
        return unwrap_error(inner) if isinstance(inner, (list, Mapping)) else {**body, "message": inner}
    return body


def extract_error_message(error: Any) -> str:
    """The message of an error in one line: the message of an object, the title of a web page, or the text."""
    error = unwrap_error(error)
    if isinstance(error, Mapping):
        for name in ("message", "detail", "msg", "status_msg", "error_description", "title", "errors"):
            value = error.get(name)
            if value:
                return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return json.dumps(dict(error), ensure_ascii=False, default=str)
    text = "" if error is None else str(error)
    if "<" in text and ">" in text:
        title = _TITLE.search(text)
        text = unescape(title.group(1) if title else _HTML.sub(" ", text))
    return " ".join(text.split())


def find_error_codes(error: Any) -> Iterator[str]:
    """Yield all codes in an error: its code, type, status and reason, those of inner errors and details."""
    error = unwrap_error(error)
    if not isinstance(error, Mapping):
        return
    for name in ("code", "type", "status", "reason", "error_code"):
        if isinstance(error.get(name), str):
            yield error[name]
    for name in ("innererror", "inner_error", "metadata", "raw", "detail", "details", "base_resp"):
        inner = error.get(name)
        for entry in inner if isinstance(inner, list) else [inner]:
            yield from find_error_codes(entry)


def find_refusal_code(status: int, error: Any) -> str | None:
    """The code by which an error says that the content was refused; None for other errors.

    Such an answer is final: the same question would be refused again.
    """
    if status not in (400, 403, 422, 451):
        return None
    for code in find_error_codes(error):
        if is_content_filter(code):
            return code
    inner = unwrap_error(error)
    about = inner.get("metadata") if isinstance(inner, Mapping) else None
    if isinstance(about, Mapping) and (about.get("flagged_input") or about.get("reasons")):
        return "moderation"
    # 403 in words alone may be about the account.
    return "content filter" if status != 403 and _FILTERED_WORDS.search(extract_error_message(error)) else None


def find_fatal_cause(status: int, error: Any) -> str | None:
    """Why an error status ends the whole run, or None where it does not."""
    codes, text = [normalise_code(code) for code in find_error_codes(error)], extract_error_message(error)

    def says(pieces: tuple[str, ...], words: re.Pattern[str]) -> bool:
        return any(piece in code for code in codes for piece in pieces) or bool(words.search(text))

    if is_retryable_status(status, error) and status in (400, 403):
        return None
    if status in (400, 403, 429) and says(_MONEY, _MONEY_WORDS):
        return "the account has no money left"
    if status in (400, 403) and says(_KEY, _KEY_WORDS):
        return "the key was refused"
    if status in (400, 422) and says(_MODEL, _MODEL_WORDS):
        return "there is no such model"
    return {
        401: "the key was refused",
        402: "payment is required",
        403: "access was denied",
        404: "there is no such address or model",
        405: "the address takes no chat questions",
        410: "the address or model is gone",
    }.get(status)


def is_retryable_status(status: int, error: Any = None) -> bool:
    """Whether an error status may be gone at another try; some endpoints say 400 or 403 where 429 is meant."""
    if status in (400, 403):
        return any(piece in normalise_code(code) for code in find_error_codes(error) for piece in _BUSY)
    return status in PASSING_STATUS or status >= 500
