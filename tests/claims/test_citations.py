"""Which titles a reason cites and what they are."""

from __future__ import annotations

import pytest

from thinkrec.claims.citations import Catalogue, TitleResolver, find_citations

HISTORY = [
    "Potter's Wheel (1993)",
    "Lamp, The (1999)",
    "Comet III: The Way Home (1984)",
    "Sailor's Play (1988)",
    "Sailor's Play 2 (1990)",
    "Whistlin' in the Fog (1952)",
    "Brume, La (The Fog Bank) (1994)",
    "Dust, Rain & Lanterns (1971)",
]
TARGET = "Quiet Ledger, A (1999)"
ELSEWHERE = ["Harbour Nights (1985)", "Comet (1979)", "Babe of the Sea (1990)"]
SHELF = TitleResolver(Catalogue([*HISTORY, TARGET, *ELSEWHERE]), HISTORY, TARGET)


def found(text: str) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(c.text, c.kind, c.history_positions) for c in find_citations(text, SHELF)]


@pytest.mark.parametrize(
    ("written", "kind", "at"),
    [
        ("Potter's Wheel", "history", (0,)),
        ("potter\u2019s wheel", "history", (0,)),
        ("The Lamp", "history", (1,)),
        ("Lamp, The", "history", (1,)),
        ("The Lamp (1999)", "history", (1,)),
        ("Comet III", "history", (2,)),
        ("The Way Home", "history", (2,)),
        ("Sailor's Play", "history", (3,)),
        ("Sailor's Play 2", "history", (4,)),
        ("Whistlin' in the Fog", "history", (5,)),
        ("La Brume", "history", (6,)),
        ("The Fog Bank", "history", (6,)),
        ("Dust, Rain and Lanterns", "history", (7,)),
        ("Dust, Rain and Lanternes", "history", (7,)),
        ("A Quiet Ledger", "target", ()),
        ("Quiet Ledger", "target", ()),
        ("Harbour Nights", "catalogue", ()),
        ("Comet", "catalogue", ()),
        ("The Empty Room", "nothing", ()),
        ("Sailor's Play 3", "nothing", ()),
    ],
)
def test_a_quoted_title_is_what_it_is(written: str, kind: str, at: tuple[int, ...]) -> None:
    for left, right in (("'", "'"), ("\u2018", "\u2019"), ('"', '"'), ("\u201c", "\u201d")):
        text = f"Yes. The viewer liked {left}{written}{right}, it seems."
        assert found(text) == [(written, kind, at)]
        assert [text[c.start : c.end] for c in find_citations(text, SHELF)] == [left + written + right]


def test_lists_apostrophes_and_possessives_keep_titles_apart() -> None:
    text = (
        "The viewers' taste isn't plain: 'The Lamp', 'Potter's Wheel' and 'Sailor's Play 2' fit; 'The Lamp's glow does."
    )
    assert [at for _, _, at in found(text)] == [(1,), (0,), (4,), (1,)]


def test_unquoted_names_count_where_they_are_exact_and_longer_than_a_word() -> None:
    assert found("Yes. Potter's Wheel pleased, and so did the way home.") == [("Potter's Wheel", "history", (0,))]
    assert found("A Quiet Ledger is next; Harbour Nights is not.") == [("A Quiet Ledger", "target", ())]


def test_what_is_no_title_is_no_citation() -> None:
    assert found("In the '80s, rock 'n' roll was 'just fine' and 'unfinished") == []
    assert found("") == []


def test_a_series_means_all_its_parts() -> None:
    history = ["Sailor's Play (1988)", "Sailor's Play 2 (1990)", "Sailor's Play 3 (1991)"]
    shelf = TitleResolver(Catalogue(history), history, TARGET)
    cited = find_citations("The 'Sailor's Play' films were turned down, 'Sailor's Play' first.", shelf)
    assert [c.history_positions for c in cited] == [(0, 1, 2), (0,)]


def test_a_title_rated_twice_stands_for_both_rows() -> None:
    shelf = TitleResolver(Catalogue(["Lamp, The (1999)"]), ["Lamp, The (1999)", "Lamp, The (1999)"], TARGET)
    assert [c.history_positions for c in find_citations("'The Lamp' again", shelf)] == [(0, 1)]
