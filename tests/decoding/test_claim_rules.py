"""The rule of one reason: what may follow, what is taken back, and what a finished text may keep."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.decoding.backtracking import Violation
from thinkrec.decoding.citations import AllowedTitle, CitationConstraint, TitleRequirement
from thinkrec.decoding.claim_rules import GroundingRules
from thinkrec.decoding.vocabulary import TokenVocabulary

PIECES = (
    *(b"Yes", b"No", b".", b",", b" '", b"'", b"Lamp", b"Oak", b"Play", b"Cold", b" brings", b" shares", b" with"),
    *(b" as", b" did", b" and", b" ghosts", b" sea", b" wry", b" humour", b" war", b" lacks", b" should", b" would"),
    *(b" please", b" disappoint", b" it", b" was", b" liked", b" in spite of", b" What stands out is", b""),
)
WORDS = TokenVocabulary(PIECES)
SPELL = {piece: n for n, piece in enumerate(PIECES)}
TITLES = {
    "Lamp": AllowedTitle(1, 0, keywords=frozenset({"ghosts", "sea"})),
    "Oak": AllowedTitle(-1, 1, keywords=frozenset({"war", "sea"})),
    "Play": AllowedTitle(1, 2, keywords=frozenset({"ghosts", "wry humour"})),
    "Cold": AllowedTitle(0, 3, is_target=True, keywords=frozenset({"ghosts", "sea", "wry humour"})),
}


def marked(text: str) -> str:
    for number, title in enumerate(TITLES):
        text = text.replace(f"'{title}'", f"\u27e6{number}\u27e7")
    return text


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("Yes. 'Cold' shares ghosts with", {"Lamp", "Play"}),
        ("Yes. 'Cold' shares ghosts and sea with", {"Lamp"}),
        ("Yes. 'Cold' brings wry humour, as", {"Play"}),
        ("No. 'Cold' brings sea, as", {"Oak"}),
        ("No. 'Cold' brings ghosts, as", set()),
        ("Yes. The viewer liked 'Lamp', and 'Cold' shares ghosts with", {"Lamp", "Play"}),
        ("Yes. What stands out is sea: the viewer liked", {"Lamp"}),
        ("Yes. What stands out is ghosts: the viewer liked 'Lamp' and", {"Play"}),
        ("Yes. The viewer liked", {"Lamp", "Play"}),
        ("Yes. 'Play' shares ghosts with", {"Lamp", "Cold"}),
    ],
)
def test_a_title_has_all_that_is_said_of_it(text: str, fits: set[str]) -> None:
    rule = GroundingRules(WORDS, TITLES, "polarity_and_keywords")
    left = set(rule.citations._list_fitting_titles(marked(text), rule._infer_next_title(marked(text))))
    assert left == fits


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("Yes. 'Cold' brings", {"ghosts", "sea", "wry humour"}),
        ("Yes. 'Cold' shares ghosts and", {"sea", "wry humour"}),
        ("Yes. 'Cold' shares sea and", {"ghosts"}),
        ("No. 'Cold' shares", {"sea"}),
        ("No. 'Cold' brings", {"sea"}),
        ("Yes. 'Oak' was liked in spite of", {"sea"}),
        ("Yes. 'Oak' lacks", {"ghosts", "wry humour"}),
        ("Yes. 'Oak' lacks ghosts and", {"wry humour"}),
        ("Yes. 'Cold' brings ghosts and wry", {"wry humour"}),
        ("Yes. 'Cold' brings wry", {"wry humour"}),
        ("Yes. What stands out is", {"ghosts", "sea", "wry humour"}),
        ("Yes. 'Cold' brings ghosts", None),
        ("Yes. 'Cold' brings ghosts, as 'Lamp' did, and", None),
        ("Yes. The viewer liked 'Lamp' and", None),
        ("Yes.", None),
    ],
)
def test_only_what_is_so_may_be_said(text: str, phrases: set[str] | None) -> None:
    found = GroundingRules(WORDS, TITLES, "polarity_and_keywords")._find_required_phrases(marked(text))
    if phrases is None:
        assert found is None or found[0] in found[1], "nothing has to be written, or it is written already"
    else:
        assert found is not None
        assert {phrase.strip() for phrase in found[1] if phrase.startswith(found[0])} == phrases
    assert GroundingRules(WORDS, TITLES, "polarity").constraint.required_phrases is None


def ids_of(*pieces: bytes) -> list[int]:
    return [SPELL[piece] for piece in pieces]


def test_tokens_of_other_keywords_are_not_offered() -> None:
    rule = GroundingRules(WORDS, TITLES, "polarity_and_keywords").constraint
    begun = ids_of(b"No", b".", b" '", b"Cold", b"'", b" brings")
    assert not rule.is_allowed(begun, SPELL[b" war"]) and not rule.is_allowed(begun, SPELL[b" ghosts"])
    assert not rule.is_allowed(begun, SPELL[b" it"])
    assert rule.is_allowed(begun, SPELL[b" sea"])
    assert rule.allowed_token_ids(begun).tolist() == [SPELL[b" sea"]]  # type: ignore[union-attr]
    wry = ids_of(b"Yes", b".", b" '", b"Cold", b"'", b" brings", b" wry")
    assert rule.allowed_token_ids(wry).tolist() == [SPELL[b" humour"]]  # type: ignore[union-attr]
    assert not rule.is_allowed(wry, SPELL[b","])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Yes. 'Cold' would disappoint", "disappoint"),
        ("No. 'Cold' should please", "please"),
        ("Yes. 'Cold' should please", None),
        ("Yes. 'Cold' should not disappoint", None),
        ("No. 'Cold' would disappoint", None),
        ("'Cold' would disappoint", None),
        ("Yes. 'Oak' would disappoint", None),
        ("Yes. The viewer liked 'Lamp' and 'Play' and", "and"),
        ("Yes. 'Cold' brings sea sea", "sea"),
        ("Yes. 'Cold' shares ghosts, sea", None),
        ("Yes. 'Cold' shares sea, wry humour", "wry humour"),
        ("No. 'Cold' shares ghosts", "ghosts"),
        ("Yes. 'Cold' shares war", "war"),
        ("No. 'Cold' brings sea, as 'Oak' did, and 'Lamp' brings war", "\u27e63"),
        ("Yes. 'Cold' brings ghosts\n", "\n"),
    ],
)
def test_what_is_taken_back(text: str, fault: str | None) -> None:
    rule = GroundingRules(WORDS, {**TITLES, "Old Cold": TITLES["Cold"]}, "polarity_and_keywords")
    found = rule._find_violation(marked(text))
    if fault is None:
        assert found is None
    else:
        assert isinstance(found, Violation)
        assert found.start is None or marked(text)[found.start :].startswith(fault)


GOOD = "Yes. 'Cold' shares ghosts with 'Lamp'."


@pytest.mark.parametrize(
    ("cite", "text", "kept"),
    [
        ("polarity_and_keywords", GOOD, GOOD),
        ("polarity_and_keywords", f"{GOOD} 'Cold' brings ghosts, as 'La", GOOD),
        ("polarity_and_keywords", f"{GOOD} 'Oak' lacks war.", GOOD),
        ("polarity_and_keywords", f"{GOOD} 'Oak' lacks war. It should please.", f"{GOOD} It should please."),
        ("polarity_and_keywords", f"Yes. 'Cold' shares sea with 'Play'. {GOOD[5:]}", GOOD),
        ("polarity_and_keywords", f"{GOOD} 'Lamp' lacks poetry.", GOOD),
        ("polarity_and_keywords", f"{GOOD} 'Cold' would disappoint.", GOOD),
        ("polarity_and_keywords", f"{GOOD} 'Oak' was liked.", GOOD),
        ("polarity_and_keywords", f"{GOOD} Old Cold has it.", GOOD),
        ("polarity_and_keywords", f"{GOOD} It is | No.", GOOD),
        ("polarity", f"{GOOD} 'Oak' was liked. 'Oak' lacks war.", f"{GOOD} 'Oak' lacks war."),
        ("polarity", f"{GOOD} 'Cold' would disappoint.", GOOD),
        ("history", f"{GOOD} 'Oak' was liked. 'Cold' would", f"{GOOD} 'Oak' was liked."),
        ("polarity_and_keywords", "Yes. 'Oak' lacks war.", "Yes."),
        ("polarity_and_keywords", "Yes", "Yes"),
    ],
)
def test_a_finished_text_keeps_what_holds(cite, text: str, kept: str) -> None:
    titles = {**TITLES, "Old Cold": TITLES["Cold"]}
    assert GroundingRules(WORDS, titles, cite).drop_untrue_sentences(text) == kept


def test_a_title_that_looks_like_a_mark_is_not_one() -> None:
    rule = GroundingRules(WORDS, {"\u27e61\u27e7 Days": AllowedTitle(1, 0), "Oak": AllowedTitle(-1, 1)}, "polarity")
    text = "Yes. The viewer liked '\u27e61\u27e7 Days' \u27e61\u27e7."
    assert rule.citations.mark_citations(text) == ("Yes. The viewer liked \u27e60\u27e7  1 .", ["'\u27e61\u27e7 Days'"])
    assert rule.drop_untrue_sentences(text) == text.replace(" \u27e61\u27e7.", "  1 .")


def test_ids_beyond_the_vocabulary_are_never_permitted() -> None:
    rule = CitationConstraint(WORDS, TITLES)
    assert not rule.is_allowed(ids_of(b"Yes"), len(PIECES)) and not rule.is_allowed(ids_of(b"Yes"), len(PIECES) + 60)
    assert rule.is_allowed(ids_of(b"Yes"), SPELL[b" was"])
    allowed = GroundingRules(WORDS, TITLES, "polarity_and_keywords").constraint.allowed_token_ids(
        ids_of(b"Yes", b".", b" '")
    )
    assert allowed is not None and allowed.max() < len(PIECES)
    war = frozenset({"war"})
    assert rule.has_fitting_title("", TitleRequirement(keywords=war)) and not rule.has_fitting_title(
        "", TitleRequirement(1, keywords=war)
    )
    assert isinstance(allowed, np.ndarray)


@pytest.mark.parametrize("titles", [TITLES, {"Cold": TITLES["Cold"]}])
@pytest.mark.parametrize("text", ["Yes. The viewer liked ghosts and", "No. In spite of ghosts and"])
def test_a_list_of_keywords_that_nobody_is_said_to_have_asks_for_none(text: str, titles) -> None:
    rule = GroundingRules(WORDS, titles, "deciding_and_keywords")
    assert rule.attributes is not None and rule.attributes.find_expected_attribute(text) is not None
    assert rule._list_allowed_attributes(text) is None
