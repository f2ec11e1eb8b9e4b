"""The rule on keywords for free prose: which titles may open, what is taken back, and how thoroughly."""

from __future__ import annotations

from typing import Any

import pytest

from thinkrec.decoding.backtracking import RejectionRule, Violation
from thinkrec.decoding.citations import AllowedTitle, CitationConstraint
from thinkrec.decoding.claim_rules import GroundingRules
from thinkrec.decoding.policy import PROSE_KEYWORD_POLICIES
from thinkrec.decoding.prose_keywords import FalseKeyword, ProseKeywordRule
from thinkrec.decoding.vocabulary import TokenVocabulary

PIECES: tuple[bytes, ...] = (
    *(b"", b"Yes", b".", b",", b" '", b"'", b"Lamp", b"Oak", b"Cold", b" is", b" a", b" war", b" w", b" W", b"ar"),
    *(b" of", b" The", b" sea", b" slow", b" film", b" and", b" liked", b" was", b" dark", b" comedy"),
)
WORDS = TokenVocabulary(PIECES)
TITLES = {
    "Lamp": AllowedTitle(1, 0, keywords=frozenset({"ghosts", "sea"})),
    "Oak": AllowedTitle(1, 1, keywords=frozenset({"war", "sea"})),
    "Elm": AllowedTitle(-1, 2, keywords=frozenset({"war", "dark comedy", "dark"})),
    "Cold": AllowedTitle(0, 3, is_target=True, keywords=frozenset({"ghosts", "dark comedy"})),
}


def mark(text: str) -> str:
    for number, title in enumerate(TITLES):
        text = text.replace(f"'{title}'", f"\u27e6{number}\u27e7")
    return text


def make_rules(cite: Any = "polarity_and_prose_keywords") -> GroundingRules:
    return GroundingRules(WORDS, TITLES, cite)


@pytest.mark.parametrize("cite", sorted(PROSE_KEYWORD_POLICIES))
@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("Yes. The war of", {"Oak", "Elm"}),
        ("Yes. The viewer enjoyed the war of", {"Oak"}),
        ("Yes. The viewer disliked the war of", {"Elm"}),
        ("Yes. The dark comedy", {"Elm", "Cold"}),
        ("Yes. The ghosts of", {"Lamp", "Cold"}),
        ("Yes. The sea of 'Lamp' and", {"Oak"}),
        ("Yes. 'Cold' shares ghosts with", {"Lamp", "Cold"}),
        ("Yes. The slow film of", {"Lamp", "Oak", "Elm", "Cold"}),
        ("Yes. The dark war of ghosts in", set()),
    ],
)
def test_a_title_has_the_keywords_before_it(cite: str, text: str, fits: set[str]) -> None:
    rules = make_rules(cite)
    assert set(rules.citations._list_fitting_titles(mark(text), rules._infer_next_title(mark(text)))) == fits


def test_the_policy_polarity_asks_for_no_keyword() -> None:
    rules = make_rules("polarity")
    text = "Yes. The war of"
    assert len(rules.citations._list_fitting_titles(text, rules._infer_next_title(text))) == 4


@pytest.mark.parametrize(
    ("text", "at_fault"),
    [
        ("Yes. 'Lamp' is a war", "war"),
        ("Yes. 'Oak' is a war", None),
        ("Yes. 'Lamp', a slow war", "war"),
        ("Yes. 'Elm', a slow war", None),
        ("Yes. 'Oak' is a dark", None),
        ("Yes. 'Oak' is a dark film", "dark"),
        ("Yes. 'Oak' is a dark comedy", "dark comedy"),
        ("Yes. 'Cold' is a dark comedy", None),
        ("Yes. 'Lamp' was liked, and it is a war", "war"),
        ("Yes. 'Lamp' is a heist", None),
    ],
)
def test_a_keyword_behind_a_title_that_lacks_it_is_taken_back_whole(text: str, at_fault: str | None) -> None:
    rules, marked = make_rules(), mark(text)
    violation = rules._find_violation(marked)
    if at_fault is None:
        assert violation is None
    else:
        assert violation is not None and violation.citation_index is None and violation.start is not None
        assert marked[violation.start : violation.phrase_end] == at_fault


def test_a_title_gives_way_where_the_keyword_came_first() -> None:
    marked = mark("Yes. The war of 'Lamp' was liked")
    violation = make_rules()._find_violation(marked)
    assert violation == Violation(marked.index("war"), 0, 1, frozenset({"war"}))
    target = mark("Yes. The war of 'Cold' is slow")
    assert make_rules()._find_violation(target) == Violation(target.index("war"), phrase_end=target.index("war") + 3)


def test_a_rejected_phrase_comes_back_in_no_other_spelling() -> None:
    def find_violation(text: str) -> Violation | None:
        at = text.lower().find("war")
        return None if at < 0 else Violation(at, phrase_end=at + 3)

    def begin(phrase_end: int | None) -> set[bytes]:
        rule = RejectionRule(
            CitationConstraint(WORDS, {"Lamp": AllowedTitle()}),
            lambda text: None if (one := find_violation(text)) is None else one._replace(phrase_end=phrase_end),
        )
        ids = [PIECES.index(piece) for piece in (b"Yes", b".", b" The", b" war", b" film")]
        for n in range(1, 5):
            assert rule.count_accepted(ids[:n]) == n
        assert rule.count_accepted(ids) == 3, "back to before the word"
        allowed = rule.allowed_token_ids(ids[:3])
        assert allowed is not None and not any(rule.is_allowed(ids[:3], t) for t in set(range(24)) - set(allowed))
        return set(PIECES) - {PIECES[token] for token in allowed}

    assert {b" war", b" w", b" W"} <= begin(11) and b" was" not in begin(11) and b" slow" not in begin(11)
    assert not {b" w", b" W"} & begin(None)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Yes. 'Cold' is a dark comedy. 'Lamp' is a war.", "Yes. 'Cold' is a dark comedy."),
        ("Yes. 'Cold' is a dark comedy. 'Lamp', a war, was liked.", "Yes. 'Cold' is a dark comedy."),
        ("Yes. 'Cold' is a dark comedy. The war of 'Oak' was liked.", None),
        ("Yes. 'Cold' lacks poetry.", None),
    ],
)
def test_sentences_with_a_false_keyword_are_dropped_at_the_end(text: str, kept: str | None) -> None:
    assert make_rules().drop_untrue_sentences(text) == (text if kept is None else kept)


def test_what_is_false_is_named_with_its_place() -> None:
    keywords = {0: frozenset({"ghosts"}), 1: frozenset({"war"})}
    rule = ProseKeywordRule(keywords, None, [1, -1], [])
    text = (
        "Yes. The war of \u27e60\u27e7, a slow ghosts tale, was liked. \u27e61\u27e7, the ghosts of the year, was not."
    )
    war, ghosts = text.index("war"), text.rindex("ghosts")
    assert list(rule.read_false_keywords(text)) == [
        FalseKeyword("war", war, war + 3, text.index("\u27e7") + 1, 0),
        FalseKeyword("ghosts", ghosts, ghosts + 6, ghosts + 6, None),
    ]
    assert rule.find_pending_keywords("Yes. The slow war of") == {"war"}
