"""The names by which prose may cite an item."""

from __future__ import annotations

import pytest

from thinkrec.data.titles import citable, names, normal, parts


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Lamp, The (1994)", ("The Lamp",)),
        ("Brume, La (The Fog Bank) (1988)", ("La Brume", "The Fog Bank")),
        ("Heron (a.k.a. Grey Bird, A) (1971)", ("Heron", "A Grey Bird")),
        ("Aube, L' (1990)", ("L'Aube",)),
        ("Rain, Steam, Speed (1999)", ("Rain, Steam, Speed",)),
        ("A plain name", ("A plain name",)),
        ("(1999)", ("(1999)",)),
    ],
)
def test_full_names(title: str, expected: tuple[str, ...]) -> None:
    assert names(title) == expected


def test_the_normal_form_forgets_case_accents_and_marks_but_not_numbers() -> None:
    assert normal("Ol\u2019 Café & Sons!") == normal("ol' CAFE and sons")
    assert normal("O.K. Corral") == normal("OK Corral")
    assert normal("Part 2") != normal("Part 3")
    assert normal("...") == "..."


def test_a_name_is_cut_at_its_first_colon_or_dash() -> None:
    assert parts("Comet III: The Way Home") == ("Comet III", "The Way Home")
    assert parts("Comet - The Way Home") == ("Comet", "The Way Home")
    assert parts("Jean-Luc") is None
    assert parts(": nothing") is None


def test_citable_names_are_unambiguous() -> None:
    titles = ["Comet III: The Way Home (1984)", "Comet: Dawn (1979)", "Comet: Dusk (1982)", "Lamp, The (1994)"]
    found = citable(titles)
    assert {"Comet III", "The Lamp", "Lamp, The", "Comet: Dawn"} <= set(found)
    assert "Comet" not in found, "two titles begin so"
    assert "Comet III" not in citable(titles, taken={normal("comet iii")}), "another item is called so"
    assert citable([]) == {}
