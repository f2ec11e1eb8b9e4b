"""The side that free prose states of each title; every sentence here is invented."""

from __future__ import annotations

import re

import pytest

from thinkrec.claims.polarity import read_claims
from thinkrec.claims.prose_reader import read_stated_sides

GOOD, BAD, NONE = 1, -1, None
SENTENCES = [
    # -- verbs of liking and of refusing, active and passive --------------------------------------------------------
    ("This viewer savoured 'Oak' and was taken with 'Elm'.", [GOOD, GOOD]),
    ("They savoured 'Oak' and balked at 'Elm'.", [GOOD, BAD]),
    ("They balked at 'Oak' and had no time for 'Elm'.", [BAD, BAD]),
    ("'Oak' was waved away, and so was the mad passion of 'Elm'.", [BAD, BAD]),
    ("'Oak' returned to school without success.", [BAD]),
    ("High standing did not save 'Oak'.", [BAD]),
    ("Poor notices did not spoil 'Oak' for them.", [GOOD]),
    ("The darkness of 'Oak' did not scare them off.", [GOOD]),
    ("'Oak' could not make them laugh.", [BAD]),
    ("Children's tales get short shrift from this viewer: 'Oak' and 'Elm' both.", [BAD, BAD]),
    # -- nouns of record, success and failure ------------------------------------------------------------------------
    ("Westerns have a poor record here: 'Oak' was turned down.", [BAD]),
    ("'Oak' is the one success among many failures.", [GOOD]),
    ("The misses, 'Oak' and 'Elm', lean on softer feeling.", [BAD, BAD]),
    ("A taste for danger shows in 'Oak', and 'Elm' hints at patience with slow tales.", [GOOD, GOOD]),
    ("Farce is this viewer's element, from 'Oak' to the slow 'Elm'.", [GOOD, GOOD]),
    # -- what people at large think is no verdict --------------------------------------------------------------------
    ("'Oak' was well liked by others and rejected here.", [BAD]),
    ("'Oak' and 'Elm' came with high praise, and both were disliked.", [BAD, BAD]),
    ("The viewer rejected the divisive 'Oak' and the admired 'Elm' alike.", [BAD, BAD]),
    ("The viewer enjoyed 'Oak' although it was poorly received.", [GOOD]),
    ("'Oak' failed, and 'Elm', a ship's tale, did not.", [BAD, GOOD]),
    ("'Oak' is widely acclaimed.", [NONE]),
    # -- negations, also double -------------------------------------------------------------------------------------
    ("Hardly anything has disappointed this viewer, be it 'Oak' or 'Elm'.", [GOOD, GOOD]),
    ("No film here failed to please: 'Oak', 'Elm'.", [GOOD, GOOD]),
    ("Comedy seldom misses with this viewer, 'Oak' for one.", [GOOD]),
    ("'Oak' did not excite them.", [BAD]),
    ("Nothing in this list was refused, 'Oak' included.", [GOOD]),
    ("'Oak' was one of the few to be turned down.", [BAD]),
    # -- ellipses -----------------------------------------------------------------------------------------------------
    ("'Oak' charmed them, but 'Elm', a slow tale, was not, and 'Ash' went the same way.", [GOOD, BAD, BAD]),
    ("'Oak' was enjoyed. Nor did 'Elm' fail.", [GOOD, BAD]),
    ("'Oak' was refused, and neither did 'Elm' find favour.", [BAD, BAD]),
    ("Loud films, like 'Oak', they like, and quiet ones such as 'Elm' they do not.", [GOOD, BAD]),
    ("Coarse films are forgiven, as 'Oak' was; not so 'Elm'.", [GOOD, BAD]),
    # -- exceptions ---------------------------------------------------------------------------------------------------
    ("Apart from 'Oak', the dislikes are mostly slow westerns like 'Elm'.", [GOOD, BAD]),
    ("Little else has pleased them beyond 'Oak'.", [GOOD]),
    ("Everything was enjoyed, 'Oak' and its storm being the one exception.", [BAD]),
    # -- appositions and verdicts that refer back --------------------------------------------------------------------
    ("'Oak', which stirred love into its war, was turned down.", [BAD]),
    ("'Oak' was dear and 'Elm' was long, and they disliked both.", [BAD, BAD]),
    ("The nearest relative is 'Oak', a sequel to a film they enjoyed, and it was rejected.", [BAD]),
    ("War was tried in 'Oak', and they wanted none of it.", [BAD]),
    # -- what can be, by what was shown --------------------------------------------------------------------------------
    ("'Oak' shows that farce can win them over.", [GOOD]),
    ("Fame may fall short, as 'Oak' did.", [BAD]),
    ("'Oak' should please, and 'Elm' would probably disappoint.", [NONE, NONE]),
    ("'Oak' warns that killers alone won't please.", [NONE]),
    # -- comparisons state nothing -------------------------------------------------------------------------------------
    ("It is harsher than the tale of 'Oak'; 'Elm' was refused.", [NONE, BAD]),
    ("The viewer likes wit, so this recalls 'Oak'.", [NONE]),
    ("The viewer likes wit, but this lacks the bite of 'Oak'.", [NONE]),
    # -- headings, with the words of films below -----------------------------------------------------------------------
    ("This viewer likes heroes: the shunned teacher of 'Oak', the bored crew of 'Elm'.", [GOOD, GOOD]),
    ("This viewer likes heroes: 'Oak' and 'Elm', and 'Ash' was refused.", [GOOD, GOOD, BAD]),
    ("Harbours are what this viewer comes for: 'Oak' ends at one.", [GOOD]),
    # -- clauses -------------------------------------------------------------------------------------------------------
    ("'Oak' failed; 'Elm', a noir tale, and the odd 'Ash', itself a spoof, were enjoyed.", [BAD, GOOD, GOOD]),
    ("'Oak' was refused; 'Elm' is a tale of the sea.", [BAD, NONE]),
    ("Most comedies failed, among them 'Oak', so indulgence is limited.", [BAD]),
    ("The viewer liked 'Oak', while 'Elm' tells of a harbour.", [GOOD, NONE]),
]


def read(text: str, targets: tuple[int, ...] = ()) -> list[int | None]:
    return read_stated_sides(text, [m.span() for m in re.finditer(r"'[A-Z]\w*'", text)], (), targets)


@pytest.mark.parametrize(("text", "sides"), SENTENCES, ids=[text for text, _ in SENTENCES])
def test_the_side_of_every_title_is_read(text: str, sides: list[int | None]) -> None:
    assert read(text) == sides


def test_of_the_target_nothing_is_read_and_it_carries_no_side_on() -> None:
    text = "The viewer liked 'Oak', and 'Elm' was refused."
    assert read(text) == [GOOD, BAD]
    assert read(text, (1,)) == [GOOD, NONE]


def test_a_side_does_not_leak_into_a_sentence_that_states_none() -> None:
    assert read("'Oak' was rejected. 'Elm' is a story of two sisters.") == [BAD, NONE]


def test_words_of_the_catalogue_state_nothing() -> None:
    text = "'Oak' has snow and warmly received in common with it."
    at = (text.index("'Oak'"), text.index("'Oak'") + 5)
    assert read_stated_sides(text, [at]) == [GOOD]
    assert read_stated_sides(text, [at], ("warmly received",)) == [NONE]


def test_it_is_another_reader_than_the_one_that_generation_asks() -> None:
    """Else texts written under the rules would be judged by what wrote them."""
    text = "They balked at 'Oak'."
    span = [(15, 20)]
    assert text[15:20] == "'Oak'"
    assert read_claims(text, span) == [NONE]
    assert read_stated_sides(text, span) == [BAD]
