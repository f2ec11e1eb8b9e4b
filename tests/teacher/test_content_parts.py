"""The words of a message, and a stream of events as one answer."""

from __future__ import annotations

import json

import pytest

from thinkrec.teacher.content_parts import is_stream, join_stream, read_message


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ({"content": "Yes."}, ("Yes.", "", "")),
        ({"content": None}, ("", "", "")),
        ({"content": "Yes.", "reasoning_content": "They like it."}, ("Yes.", "They like it.", "")),
        ({"content": [{"type": "text", "text": "Yes."}, {"type": "thinking", "thinking": "Hm."}]}, ("Yes.", "Hm.", "")),
        ({"content": [{"text": "Hm.", "thought": True}, {"text": "Yes."}]}, ("Yes.", "Hm.", "")),
        ({"content": ["Yes.", {"type": "image_url", "image_url": {}}]}, ("Yes.", "", "")),
        ({"content": [{"type": "refusal", "refusal": "I can't."}]}, ("", "", "I can't.")),
        ({"content": "", "refusal": "I won't."}, ("", "", "I won't.")),
        ({"content": "Yes.", "refusal": " "}, ("Yes.", "", "")),
        ({"content": "Yes.", "reasoning_details": [{"summary": "a"}, {"text": "b"}]}, ("Yes.", "a\nb", "")),
    ],
)
def test_words_are_told_apart(message: dict, parts: tuple[str, str, str]) -> None:
    found = read_message(message)
    assert (found.answer, found.reasoning, found.refusal) == parts


def make_stream(*events, end: str = "data: [DONE]\n\n") -> str:
    return "".join(f"data: {json.dumps(event)}\n\n" for event in events) + end


def make_piece(text: str | None, finish: str | None = None, index: int = 0) -> dict:
    return {"choices": [{"index": index, "delta": {"content": text}, "finish_reason": finish}]}


def test_pieces_add_up_to_one_answer() -> None:
    body = make_stream(
        {"id": "x", **make_piece("Ye")},
        make_piece("s\u2028."),
        make_piece("zzz", index=1),
        make_piece(None, "stop"),
        {"choices": [], "usage": {"total_tokens": 7}},
    )
    assert is_stream(body) and not is_stream('{"a": 1}')
    whole = join_stream(": a comment\n\n" + body)
    assert whole["choices"][0]["message"]["content"] == "Yes\u2028."
    assert whole["choices"][0]["finish_reason"] == "stop"
    assert (whole["usage"], whole["id"]) == ({"total_tokens": 7}, "x")


def test_a_stream_that_breaks_off_is_no_answer() -> None:
    with pytest.raises(ValueError, match="the stream broke off"):
        join_stream(make_stream(make_piece("Ye"), end=""))
    assert join_stream(make_stream(make_piece("Yes", "stop"), end=""))["choices"][0]["finish_reason"] == "stop"
    with pytest.raises(ValueError):
        join_stream('data: {"choices": [\n\n')
