"""The names by which prose may cite an item."""

from __future__ import annotations

import pytest

from thinkrec.data.titles import build_allowed_titles, extract_title_names, normalise_name, split_subtitle


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
    assert extract_title_names(title) == expected


def test_the_normal_form_forgets_case_accents_and_marks_but_not_numbers() -> None:
    assert normalise_name("Ol\u2019 Café & Sons!") == normalise_name("ol' CAFE and sons")
    assert normalise_name("O.K. Corral") == normalise_name("OK Corral")
    assert normalise_name("Part 2") != normalise_name("Part 3")
    assert normalise_name("...") == "..."


def test_a_name_is_cut_at_its_first_colon_or_dash() -> None:
    assert split_subtitle("Comet III: The Way Home") == ("Comet III", "The Way Home")
    assert split_subtitle("Comet - The Way Home") == ("Comet", "The Way Home")
    assert split_subtitle("Jean-Luc") is None
    assert split_subtitle(": nothing") is None


def test_citable_names_are_unambiguous() -> None:
    titles = ["Comet III: The Way Home (1984)", "Comet: Dawn (1979)", "Comet: Dusk (1982)", "Lamp, The (1994)"]
    found = build_allowed_titles(titles)
    assert {"Comet III", "The Lamp", "Lamp, The", "Comet: Dawn"} <= set(found)
    assert "Comet" not in found, "two titles begin so"
    assert "Comet III" not in build_allowed_titles(titles, taken={normalise_name("comet iii")}), (
        "another item is called so"
    )
    assert build_allowed_titles([]) == {}
