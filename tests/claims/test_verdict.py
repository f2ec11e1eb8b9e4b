"""Verdicts are read strictly, and reasoning is kept apart from answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkrec.claims.verdict import is_refusal, parse_answer, parse_verdict, split_reasoning

YES = [
    *("Yes", "yes", "YES.", "Yes, because", "**Yes.** It", "'Yes' it", "“Yes.” It", "> Yes\n\nIt", "### Yes\nIt"),
    *("_Yes_, it", "- Yes: it", "`Yes`", "Yes— it", "Yes—it", "\n\n Yes.", "(Yes) it", "Yes, and nobody"),
]
NO = ["No", "no.", "**No**", "No, it", "No: it", "NO!", '"No." It', "No - it", "No. '1984' is", "No, no one"]
NEITHER = [
    *("", "   ", "Not sure", "Novel", "Yesterday", "Nope", "Yesss", "None", "Nothing", "Noir", "Maybe. Yes"),
    *("Answer: Yes", "I say Yes", "Yes or no?", "Yes/No", "No / Yes", "Yes and no.", "No-one", "No one would"),
    *("No doubt they would", "No idea", "No. 1 of its kind", "No.5", "Yes-man", "No's", "yes_no", "Yes2", "1. Yes"),
    *("No it would not", "Yes it does", "No country for Old Men fits this viewer", "No Country for Old Men"),
    *("Yes Yes No", "No -it", "YES MADAM", "No Way Out (1987) would please"),
]


@pytest.mark.parametrize("text", YES)
def test_yes(text: str) -> None:
    assert parse_verdict(text) is True


@pytest.mark.parametrize("text", NO)
def test_no(text: str) -> None:
    assert parse_verdict(text) is False


@pytest.mark.parametrize("text", NEITHER)
def test_neither(text: str) -> None:
    assert parse_verdict(text) is None


@pytest.mark.parametrize(
    ("text", "title", "wanted"),
    [
        ("Yes, Madam was disliked.", "Yes, Madam (1985)", None),
        ("Yes, Madam was disliked.", "Oak (1985)", True),
        ("'Yes, Madam' was disliked.", "Yes, Madam (1985)", None),
        ("No. 1 of the Secret Service would disappoint.", "No. 1 of the Secret Service (1977)", None),
        ("No... would please", "No... (1999)", False),
        ("No: The Movie would please", "No: The Movie (1999)", None),
        ("no: the movie would please", "No: The Movie (1999)", None),
        ("No: The Movies would please", "No: The Movie (1999)", False),
        ("No. 'No' was disliked.", "No (2012)", False),
        ("'No' was disliked.", "No (2012)", None),
        ("'No.' It was disliked.", "No (2012)", False),
        ("Yes. It fits.", "Yes (2004)", True),
        ("Yes", "Yes (2004)", True),
        ("No, Or the Vain Glory of Command bored them", "No, Or the Vain Glory of Command (1990)", None),
    ],
)
def test_titles_of_the_row_come_before_verdicts(text: str, title: str, wanted: bool | None) -> None:
    assert parse_verdict(text, ["The Lamp (1990)", title]) is wanted
    assert parse_answer(text, [title]).prose == (text if wanted is None else parse_answer(text).prose)


@given(st.text(alphabet=st.characters(categories=("L", "N")), min_size=1, max_size=8))
def test_a_longer_word_is_neither(tail: str) -> None:
    assert parse_verdict("Yes" + tail) is None and parse_verdict("No" + tail) is None


@given(st.text(max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    found = parse_answer(text)
    assert found.verdict in (True, False, None)
    if found.verdict is None:
        assert found.prose == text.strip()


def test_the_prose_keeps_its_own_quotation_marks() -> None:
    assert parse_answer("**Yes.** 'Tide' fits.").prose == "'Tide' fits."
    assert parse_answer("No: “Tide” fails.").prose == "“Tide” fails."
    assert parse_answer("Yes.'Tide' fits.").prose == "'Tide' fits."
    assert parse_answer('"Yes." It fits.').prose == "It fits."
    assert parse_answer("Yes").prose == ""


def test_thinking_is_no_answer() -> None:
    assert split_reasoning("<think>No, no.</think>\nYes.") == ("Yes.", "No, no.")
    assert split_reasoning("so it is No</think>Yes.") == ("Yes.", "so it is No")
    assert split_reasoning("<think>Yes, I think, and") == ("", "Yes, I think, and")
    assert split_reasoning("<think>a</think> Yes. <think>b") == ("Yes.", "a\n\nb")
    assert split_reasoning("Yes.", " field ") == ("Yes.", "field")
    assert split_reasoning("<THINKING>a</THINKING>No.") == ("No.", "a")


MARKED = [
    "<thinking type='deep'>why</thinking>Yes. So.",
    "<thought>why</thought>\nYes. So.",
    "<reasoning>why</reasoning><answer>Yes. So.</answer>",
    "<seed:think>why</seed:think>Yes. So.",
    "[THINK]why[/THINK]Yes. So.",
    "◁think▷why◁/think▷Yes. So.",
    "<|begin_of_thought|>why<|end_of_thought|><|begin_of_solution|>Yes. So.<|end_of_solution|>",
    "<|START_THINKING|>why<|END_THINKING|><|START_RESPONSE|>Yes. So.<|END_RESPONSE|>",
    "<|inner_prefix|>why<|inner_suffix|>Yes. So.",
    "<|channel|>analysis<|message|>why<|end|><|start|>assistant<|channel|>final<|message|>Yes. So.<|return|>",
    "analysis<|message|>why<|end|><|start|>assistant<|channel|>final<|message|>Yes. So.",
    "analysis why assistantfinalYes. So.",
    "<|channel>thought\nwhy<channel|>Yes. So.",
    "<unused94>thought\nwhy<unused95>Yes. So.",
    "```thinking\nwhy\n```\nYes. So.",
    "Here is my thought process: why Here is my response: Yes. So.",
]


@pytest.mark.parametrize("text", MARKED)
def test_the_marks_of_every_vendor(text: str) -> None:
    assert split_reasoning(text) == ("Yes. So.", "why")


@pytest.mark.parametrize(
    "mark",
    [
        "</think>",
        "</reasoning>",
        "[/THINK]",
        "◁/think▷",
        "<|end_of_thought|>",
        "<|channel|>final<|message|>",
        "<|END_THINKING|>",
    ],
)
def test_only_a_closing_mark(mark: str) -> None:
    assert split_reasoning(f"why{mark}Yes. So.") == ("Yes. So.", "why")


@pytest.mark.parametrize(
    "mark", ["<think>", "<reasoning>", "[THINK]", "◁think▷", "<|begin_of_thought|>", "<|channel|>analysis<|message|>"]
)
def test_only_an_opening_mark_means_that_it_was_cut_off(mark: str) -> None:
    assert split_reasoning(f"{mark}why it is Yes") == ("", "why it is Yes")


def test_marks_inside_marks_and_other_channels() -> None:
    assert split_reasoning("<think>a <reasoning>b</reasoning> c</think>Yes.") == ("Yes.", "a\n\nb\n\nc")
    harmony = "<|channel|>{}<|message|>"
    both = harmony.format("analysis") + "a<|end|><|start|>assistant" + harmony.format("commentary to=x") + "b<|end|>"
    assert split_reasoning(both + "<|start|>assistant" + harmony.format("final") + "No.") == ("No.", "a\n\nb")


@pytest.mark.parametrize(
    "text",
    [
        "Yes. 'Final Analysis' and '[REC]' share the thriller.",
        "No. I think <em>Solution</em> would bore them; the analysis is short.",
        "Analysis of the list says no more.",
        "Yes. 'The Answer' is <b>it</b>.",
    ],
)
def test_words_of_the_data_are_no_marks(text: str) -> None:
    assert split_reasoning(text) == (text, "")


def test_what_frames_an_answer_goes() -> None:
    for text in ("Yes. So.<|im_end|>", "<answer>\nYes. So.\n</answer>", "```\nYes. So.\n```", "Yes. So.</s>"):
        assert split_reasoning(text) == ("Yes. So.", "")
    assert split_reasoning("Yes. Use ```x``` so.")[0] == "Yes. Use ```x``` so."


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't assist with that.",
        "I’m sorry, I can’t help with that request.",
        "Sorry, I cannot comply.",
        "I cannot provide this.",
        "I am unable to answer that.",
        "Unfortunately, I'm not able to continue.",
        "I apologize, but I won't discuss this film.",
    ],
)
def test_declining_in_words(text: str) -> None:
    assert is_refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "Yes. I'm sorry, but I can't help liking it.",
        "No. I cannot provide a better point for the other side.",
        "Not sure.",
        "I am sorry, but the list says little.",
        "I can help with that: Yes.",
        "The viewer cannot help it.",
        "",
    ],
)
def test_what_does_not_decline(text: str) -> None:
    assert not is_refusal(text)
