"""The marks by which models set their reasoning apart, one of each vendor's."""

from __future__ import annotations

import pytest

from thinkrec.claims.marks import CLOSE, OPEN, insert_think_tags, is_reasoning_marker, strip_answer_wrapping

PAIRS = [
    ("<think>", "</think>"),
    ("<seed:think>", "</seed:think>"),
    ("<thought>", "</thought>"),
    ("<scratchpad>", "</scratchpad>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ("<|channel>thought", "<channel|>"),
    ("<unused94>thought", "<unused95>"),
]


@pytest.mark.parametrize(("opens", "closes"), PAIRS)
def test_a_pair_stands_around_the_reasoning(opens: str, closes: str) -> None:
    text = f"{opens}\nThey like it.{closes}Yes."
    opened, closed = OPEN.search(text), CLOSE.search(text)
    assert opened and closed
    assert text[opened.end() : closed.start()].strip() == "They like it."
    assert text[closed.end() :] == "Yes."
    assert not CLOSE.fullmatch(opens) and not OPEN.fullmatch(closes)


@pytest.mark.parametrize("text", ["I think so.", "<b>think</b>", "[think]", "a < b > c", "thinking", "<i>"])
def test_ordinary_words_are_no_marks(text: str) -> None:
    assert not OPEN.search(text) and not CLOSE.search(text)


@pytest.mark.parametrize(
    ("text", "tagged"),
    [
        ("```thinking\nThey like it.\n```\nYes.", "<think>They like it.\n</think>\nYes."),
        ("analysisThey like it.assistantfinalYes.", "<think>They like it.</think>Yes."),
        ("analysisThey like it.", "<think>They like it."),
        ("analysis of the past", "analysis of the past"),
        ("Here is my thinking: good. Here is my answer: Yes.", "<think> good. </think> Yes."),
        ("Yes. It fits.", "Yes. It fits."),
    ],
)
def test_forms_without_marks_get_them(text: str, tagged: str) -> None:
    assert insert_think_tags(text) == tagged


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("<answer>Yes.</answer>", "Yes."),
        ("Yes.<|im_end|>\n<|endoftext|>", "Yes."),
        ("```text\nYes.\n```", "Yes."),
        ("```\n<answer>Yes.</answer>\n```", "Yes."),
        ("Use ```a``` and ```b```", "Use ```a``` and ```b```"),
        ("Yes. <b>", "Yes. <b>"),
    ],
)
def test_what_stands_around_an_answer_goes(text: str, bare: str) -> None:
    assert strip_answer_wrapping(text) == bare


def test_tokens_that_must_stay_readable() -> None:
    assert all(is_reasoning_marker(token) for token in ("<think>", "</think>", "[/THINK]", "<|channel|>", "<|end|>"))
    assert not any(is_reasoning_marker(token) for token in ("<|im_end|>", "<s>", "think", "<pad>"))
