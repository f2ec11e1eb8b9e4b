"""Dialects of endpoints (parameter names, roles, streaming), inferred from their refusals: pure functions, no HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from thinkrec.teacher.api_error import extract_error_message, find_error_codes, normalise_code, unwrap_error
from thinkrec.teacher.client import Message

LENGTHS = ("max_tokens", "max_completion_tokens")
"""The two names of the bound of an answer."""
_VERSION = re.compile(r"/v\d+\w*(?:/|$)")
_UNKNOWN_CODES = ("unsupportedparameter", "unknownparameter", "unsupportedvalue", "extraforbidden", "invalidparameter")
_UNKNOWN_WORDS = re.compile(
    r"unsupported|not support|unknown|unrecogni[sz]ed|unexpected|forbidden|extra (?:inputs|fields)|not permitted|"
    r"not allowed|"
    r"deprecated|no longer",
    re.IGNORECASE,
)
_NO_SYSTEM = re.compile(
    r"(?:system|developer)[ '\"]*(?:role|message|prompt|instruction)s?\b[^.]{0,60}(?:not|unsupported|disabled)|"
    r"(?:not support|unsupported|does not support|invalid role|unknown role)[^.]{0,40}['\" ](?:system|developer)\b|"
    r"roles must alternate|only user and assistant roles",
    re.IGNORECASE,
)
_STREAM_ONLY = re.compile(
    r"(?:only|must|requires?|enable|need|has to)\b[^.]{0,60}\bstream|"
    r"\bstream\w*\b[^.]{0,40}(?:only|must|is required|true)",
    re.IGNORECASE,
)
_TOO_MUCH = re.compile(r"too (?:large|high|long|many)|at most|at least|exceed|greater|less than", re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """What may differ between endpoints without changing what is asked."""

    length_name: str
    """What the bound of an answer is called."""
    system: bool = True
    """Whether there is a role for instructions; without, they open the first words of the user."""
    stream: bool = False
    """Whether answers come in pieces."""
    version: bool = False
    """Whether /v1 has to follow the address that was given."""

    def build_body(self, max_tokens: int) -> dict[str, Any]:
        """The keys of a request that depend on the dialect. `max_tokens`: bound of an answer."""
        streamed = {"stream": True, "stream_options": {"include_usage": True}} if self.stream else {}
        return {self.length_name: max_tokens, **streamed}

    def format_messages(self, messages: Sequence[Message]) -> list[dict[str, str]]:
        """The conversation as the endpoint takes it."""
        turns = [(message.role, message.text) for message in messages]
        if not self.system:
            orders = "\n\n".join(text for role, text in turns if role == "system")
            turns = [(role, text) for role, text in turns if role != "system"]
            if orders and turns:
                turns[0] = (turns[0][0], f"{orders}\n\n{turns[0][1]}")
        return [{"role": role, "content": text} for role, text in turns]


def adapt_dialect(dialect: Dialect, url: str, status: int, error: Any) -> tuple[Dialect, str] | None:
    """Another dialect and a description of the difference, where an error asks for one; else None.

    `status`: that of the answer; 200 where the body was a web page.
    """
    text = _format_error(error)
    if status in (400, 415, 422, 500, 501):
        other = LENGTHS[1 - LENGTHS.index(dialect.length_name)]
        refused = bool(find_rejected_parameters(error, (dialect.length_name,)))
        if refused and (other in text or not _TOO_MUCH.search(text)):
            return replace(dialect, length_name=other), f"it calls the bound of an answer {other}"
        if dialect.system and _NO_SYSTEM.search(text.replace("messages[0].role", "system role")):
            return replace(dialect, system=False), "it takes no system message; instructions go before the question"
        if not dialect.stream and _STREAM_ONLY.search(text):
            return replace(dialect, stream=True), "it answers in a stream only"
    if status in (200, 404, 405) and not dialect.version and not _VERSION.search(urlsplit(url).path):
        return replace(dialect, version=True), "its address needs /v1 at the end; write it into base_url"
    return None


def find_rejected_parameters(error: Any, names: Iterable[str]) -> list[str]:
    """Those of the names of parameters that an error says are not known or not supported."""
    inner, text = unwrap_error(error), _format_error(error)
    codes = {normalise_code(code) for code in find_error_codes(error)}
    if not (codes & set(_UNKNOWN_CODES) or _UNKNOWN_WORDS.search(text)):
        return []
    param = inner.get("param") if isinstance(inner, Mapping) else None
    if isinstance(param, str) and param:
        return [name for name in names if name == param.split(".")[0].split("[")[0]]
    return [name for name in names if re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", text)]


def _format_error(error: Any) -> str:
    inner = unwrap_error(error)
    return json.dumps(inner, ensure_ascii=False) if isinstance(inner, (Mapping, list)) else extract_error_message(error)
