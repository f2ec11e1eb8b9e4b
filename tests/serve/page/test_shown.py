"""What is shown of the service's answers: segments, bars, differences, numbers in words."""

from __future__ import annotations

import pytest

from thinkrec.serve.page import shown
from thinkrec.serve.values import Citation, ShownLine

HISTORY = (
    ShownLine("a", "Oak", True, 0.5),
    ShownLine("b", "Elm", False, -0.25),
    ShownLine("c", "Yew", True, 0.0),
)


def test_a_reason_is_split_at_its_cited_titles() -> None:
    text = "Yes. They liked 'Oak', so 'Elm' fits."
    cited = (Citation(26, 31, "target"), Citation(16, 21, "history", (0,)))
    segments = shown.split_reason(text, cited)
    assert [segment.text for segment in segments] == ["Yes. They liked ", "'Oak'", ", so ", "'Elm'", " fits."]
    assert [segment.citation and segment.citation.kind for segment in segments] == [
        None,
        "history",
        None,
        "target",
        None,
    ]


@pytest.mark.parametrize(
    "citations",
    [
        (),
        (Citation(0, 4, "history"), Citation(2, 6, "history")),
        (Citation(3, 3, "nothing"),),
        (Citation(5, 99, "history"),),
        (Citation(0, 9, "target"),),
    ],
)
def test_segments_together_are_the_text(citations: tuple[Citation, ...]) -> None:
    segments = shown.split_reason("<b>'Oak'</", citations)
    assert "".join(segment.text for segment in segments) == "<b>'Oak'</"
    assert all(segment.text for segment in segments)


def test_effects_are_newest_first_with_what_they_were() -> None:
    now = (ShownLine("a", "Oak", True, 1.0), ShownLine("c", "Yew", False, -2.0), ShownLine("d", "Fir", True, 0.1))
    bars = shown.list_effects(now, (Citation(0, 1, "history", (1,)),), HISTORY)
    assert [(bar.item, bar.effect, bar.before) for bar in bars] == [
        ("d", 0.1, None),
        ("c", -2.0, 0.0),
        ("a", 1.0, 0.5),
        ("b", None, -0.25),
    ]
    assert [bar.item for bar in bars if bar.is_cited] == ["c"]
    assert [bar.difference for bar in bars] == [None, -2.0, 0.5, None]
    assert shown.find_largest(bars) == 2.0


def test_without_a_change_nothing_was_different() -> None:
    bars = shown.list_effects(HISTORY, (), None)
    assert [bar.before for bar in bars] == [None] * 3
    assert shown.find_largest(()) == 0


def test_bars_have_one_scale_and_small_ones_can_be_seen() -> None:
    assert shown.measure_bar(-0.5, 2.0) == 25
    assert shown.measure_bar(2.0, 2.0) == 100
    assert shown.measure_bar(0.01, 2.0) == 2 and shown.measure_bar(0.004, 2.0) == 0
    assert shown.measure_bar(0.0, 2.0) == shown.measure_bar(None, 2.0) == shown.measure_bar(0.0, 0.0) == 0


def test_numbers_in_words() -> None:
    assert [shown.format_signed(value) for value in (0.184, -0.5, -0.001)] == ["+0.18", "\u22120.50", "0.00"]
    assert [shown.describe_effect(value) for value in (0.2, -0.2, 0.001, None)] == [
        "+0.20 for",
        "\u22120.20 against",
        "no effect",
        "not measured",
    ]
    assert [shown.format_probability(value) for value in (0.0, 0.001, 0.854, 0.999, 1.0)] == [
        "0 %",
        "<1 %",
        "85 %",
        ">99 %",
        "100 %",
    ]
    assert [shown.describe_move(*ranks) for ranks in ((3, 3), (7, 4), (1, 12))] == [
        "same place",
        "up 3, was 7",
        "down 11, was 1",
    ]
    assert shown.count_words(1, "film", "films") == "1 film"
    assert shown.count_words(2000, "film", "films") == "2,000 films"
    assert shown.describe_reason_change("a", "a") != shown.describe_reason_change("a", "b")


@pytest.mark.parametrize(
    ("rank", "other", "words", "kind"),
    [
        (4, 4, "same place in B", "same"),
        (1, 4, "3 higher than in B", "moved"),
        (10, 9, "1 lower than in B", "moved"),
        (1, 10, "9 higher than in B", "moved"),
        (1, 11, "only here; place 11 in B", "only"),
        (2, None, "only here; below place 300 in B", "only"),
    ],
)
def test_where_the_other_model_has_an_item(rank: int, other: int | None, words: str, kind: str) -> None:
    assert shown.describe_other_place(rank, other, "B", top=10, most=300) == (words, kind)


def test_how_much_two_lists_share() -> None:
    assert shown.describe_shared(10, [10, 10], "films").startswith("Both lists hold the same 10 films")
    assert shown.describe_shared(4, [10, 10], "films").startswith("4 of 10 films are in both")
    assert shown.describe_shared(4, [4, 10], "films").startswith("4 of 10 films are in both")


def test_effects_of_two_models_stand_in_one_row_per_line() -> None:
    short, long = shown.list_effects(HISTORY[1:], (), None), shown.list_effects(HISTORY, (), None)
    rows = shown.join_effects([short, long])
    assert [[bar and bar.title for bar in row] for row in rows] == [["Yew", "Yew"], ["Elm", "Elm"], [None, "Oak"]]


def test_a_very_long_title_is_shortened_and_says_so() -> None:
    assert shown.shorten_title("\u202eone\u2066 (1999)") == "one (1999)"
    assert shown.shorten_title("x" * 240) == "x" * 240
    assert shown.shorten_title("x" * 3000) == f"{'x' * 240} ... (3,000 characters)"
    assert shown.shorten_title("one two " * 100).endswith("two one ... (800 characters)")
