"""What one reason is counted for."""

from __future__ import annotations

import pytest

from thinkrec.claims.citations import Catalogue, TitleResolver, find_citations
from thinkrec.claims.grounding import GroundingCase, find_named_keywords, ground_reason
from thinkrec.claims.polarity import read_claims


def test_of_a_title_rated_both_ways_no_claim_is_right_or_wrong() -> None:
    catalogue, text = Catalogue(["Oak", "Elm", "Ash"]), "Yes. 'Oak' was liked and 'Elm' was liked."
    for twice, counted in (((True, False), (1, 1, 1)), ((True, True), (2, 2, 2)), ((False, False), (2, 2, 1))):
        row = ground_reason(text, GroundingCase(("Oak", "Oak", "Elm"), (*twice, True), "Ash"), catalogue)
        assert (row.readable, row.claims, row.right) == counted
        assert (row.citations, row.in_history) == (2, 2)


def test_a_title_names_none_of_its_keywords() -> None:
    shelf = TitleResolver(Catalogue(["Snow Falls", "Ash"]), ["Snow Falls"], "Ash")
    for text, found in (
        ("Yes, as 'Snow Falls' was.", set()),
        ("'Snow Falls' has snow.", {"snow"}),
        ("Snow, as in 'Snow Falls', and Ash.", {"snow"}),
    ):
        cited = find_citations(text, shelf)
        assert cited
        assert find_named_keywords(text, cited, ("snow", "falls")) == found


def test_the_target_is_no_citation_of_the_history() -> None:
    catalogue = Catalogue(["Oak", "Elm", "Ash"])
    row = ground_reason(
        "Yes. 'Oak' was liked, and 'Ash' is like it; 'Elm' is not.", GroundingCase(("Oak",), (True,), "Ash"), catalogue
    )
    assert (row.citations, row.in_history, row.exist, row.target_named) == (2, 1, 2, True)


@pytest.mark.parametrize(
    "text",
    ["Yes. 'Oak' is widely loved.", "Yes. The critically praised 'Oak' is near.", "Yes. The much loved 'Oak' is near."],
    ids=["widely", "critically", "much"],
)
def test_what_the_public_thinks_is_no_claim_of_the_user(text: str) -> None:
    at = text.index("'Oak'")
    assert read_claims(text, [(at, at + 5)]) == [None]
    own = text.replace("widely ", "").replace("critically ", "").replace("much ", "")
    at = own.index("'Oak'")
    assert read_claims(own, [(at, at + 5)]) == [1]


def test_a_quote_closes_where_the_longest_known_title_ends() -> None:
    titles = ["Singin' in the Rain (1952)", "Ash"]
    shelf = TitleResolver(Catalogue(titles), titles[:1], "Ash")
    text = "No. 'Singin' in the Rain' was disliked, 'Ash' is like it."
    assert [(c.text, c.kind) for c in find_citations(text, shelf)] == [
        ("Singin' in the Rain", "history"),
        ("Ash", "target"),
    ]


def test_a_contrast_takes_nothing_over() -> None:
    for link, second in ((", while", None), (", but", None), (" and", 1)):
        text = f"Yes. The viewer liked 'Oak'{link} 'Elm' for its war."
        spans = [(text.index(name), text.index(name) + 5) for name in ("'Oak'", "'Elm'")]
        assert read_claims(text, spans) == [1, second], link
