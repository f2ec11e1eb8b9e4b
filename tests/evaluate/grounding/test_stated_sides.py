"""Stated sides and keywords within noun phrases, as `evaluate grounding` counts them."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from thinkrec.claims.grounding import GroundingCase
from thinkrec.evaluate.grounding.results import evaluate_grounding, to_dict
from thinkrec.evaluate.grounding.table import render_grounding_table

CASE = GroundingCase(
    ("Oak", "Elm", "Yew"),
    (True, False, True),
    "Ash",
    target_keywords=("comedy",),
    history_keywords=(("war",), ("drama",), ()),
)
TEXTS = [
    "Yes. They savoured 'Oak' and balked at 'Elm'; 'Yew' is a tale of the sea.",
    "Yes. They savoured 'Elm' and had no time for 'Oak'. The war film 'Elm' charmed them.",
]


def test_what_is_counted_of_stated_sides() -> None:
    results = evaluate_grounding(TEXTS, [CASE] * 2, [1, 2], ["Oak", "Elm", "Yew", "Ash"], draws=20)
    wanted = {
        "stated_side_coverage": (5 / 6, 6),
        "stated_side_right": (2 / 5, 5),
        "likes_called_disliked": (1 / 2, 2),
        "dislikes_called_liked": (2 / 3, 3),
        "attribute_accuracy": None,
        "said_keywords_true": (0, 1),
        "said_keywords_coverage": (1, 1),
    }
    found = {
        name: (results.measures[name].value.value, results.measures[name].count) if name in results.measures else None
        for name in wanted
    }
    assert found == wanted
    shown = Console(width=250, file=StringIO())
    shown.print(render_grounding_table(results))
    assert "reads a side of 5 of them: 1 likes are called disliked, 2 dislikes liked" in shown.file.getvalue()
    assert "stated_side_right" in to_dict(results)["policies"]


def test_a_title_rated_both_ways_has_no_side_to_be_right_about() -> None:
    case = GroundingCase(("Oak", "Oak"), (True, False), "Ash")
    results = evaluate_grounding(["Yes. They savoured 'Oak'."] * 2, [case] * 2, [1, 2], ["Oak", "Ash"], draws=5)
    assert "stated_side_right" not in results.measures
    assert results.rows[0].stated_likes == results.rows[0].stated_dislikes == 0
