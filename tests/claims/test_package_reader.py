"""The package's reader on sentences written by hand: what it reads of whom, and whether all of it holds."""

from __future__ import annotations

import re

import pytest
from support.claim_sentences import KEYWORDS, LIKED, SENTENCES, TARGET, TITLES

from thinkrec.claims.attributes import build_attribute_reader, mark_citations
from thinkrec.claims.citations import Catalogue, TitleResolver, find_citations
from thinkrec.claims.grounding import GroundingCase, ground_reason
from thinkrec.claims.polarity import read_claims

PAST = [letter for letter in TITLES if letter != TARGET]
SHELF = TitleResolver(Catalogue(TITLES.values()), [TITLES[letter] for letter in PAST], TITLES[TARGET])


def wanted(claims: str) -> set[tuple[str, str]]:
    """{("L", "+ghosts"), ("CO", "~war")} of a claim as it is written in the table."""
    found = set()
    for claim in claims.split():
        if m := re.fullmatch(r"(\w+)([+~-])(.+)", claim):
            for word in m[3].split(","):
                key = m[2] + word.replace("_", " ")
                found |= {(m[1], key)} if m[2] == "~" else {(letter, key) for letter in m[1]}
    return found


def test_the_table_agrees_with_itself() -> None:
    """What is written as true follows from the claims and the keywords, or was written wrongly."""
    has = {letter: {word.lower() for word in words} for letter, words in KEYWORDS.items()}
    for text, claims, true in SENTENCES:
        holds = "open" not in claims.split()
        for letters, key in wanted(claims):
            word = key[1:]
            if key[0] == "~":
                holds &= not all(word in has[letter] for letter in letters)
            else:
                holds &= (word in has[letters]) == (key[0] == "+")
        for letters, feeling in re.findall(r"(\w+):(liked|disliked)", claims):
            holds &= all(LIKED[letter] == (feeling == "liked") for letter in letters)
        verdict, end = re.match(r"(yes|no)\b", claims), re.search(r"end:(\w+)", claims)
        holds &= verdict is None or end is None or verdict[1] == end[1]
        assert holds == true, text


@pytest.mark.parametrize(("text", "claims"), [(text, claims) for text, claims, _ in SENTENCES])
def test_keywords_are_read_of_every_title(text: str, claims: str) -> None:
    cited = find_citations(text, SHELF)
    letters = {title: letter for letter, title in TITLES.items()}
    of = [TARGET if c.kind == "target" else PAST[c.history_positions[0]] for c in cited]
    assert all(c.text.replace("\u2019", "'") in letters for c in cited)
    found = set()
    for said in build_attribute_reader(
        cited, [KEYWORDS[letter] for letter in PAST], KEYWORDS[TARGET]
    ).read_attribute_claims(mark_citations(text, cited)):
        names = "".join(TARGET if number is None else of[number] for number in said.citations)
        found.add((names, ("~" if len(names) > 1 else "-" if said.is_negated else "+") + said.attribute))
    assert found == wanted(claims)


@pytest.mark.parametrize(("text", "claims", "true"), SENTENCES)
def test_a_row_says_what_is_untrue_in_a_text(text: str, claims: str, true: bool) -> None:
    case = GroundingCase(
        history=tuple(TITLES[letter] for letter in PAST),
        liked=tuple(LIKED[letter] for letter in PAST),
        target=TITLES[TARGET],
        keywords=tuple(word for words in KEYWORDS.values() for word in words),
        target_keywords=KEYWORDS[TARGET],
        history_keywords=tuple(KEYWORDS[letter] for letter in PAST),
    )
    found = ground_reason(text, case, SHELF.catalogue)
    opens, ends = re.match(r"(yes|no)\b", claims), re.search(r"end:(\w+)", claims)
    assert found.verdict == (None if opens is None else opens[1] == "yes")
    assert found.prediction == (None if ends is None else ends[1] == "yes")
    assert found.finished == ("open" not in claims.split())
    assert (found.untrue == 0) == true
    cited = find_citations(text, SHELF)
    liked = read_claims(text, [(c.start, c.end) for c in cited], case.keywords)
    feelings = {
        (PAST[c.history_positions[0]], claim > 0)
        for c, claim in zip(cited, liked, strict=True)
        if c.history_positions and claim
    }
    assert feelings == {(x, f == "liked") for xs, f in re.findall(r"(\w+):(liked|disliked)", claims) for x in xs}
