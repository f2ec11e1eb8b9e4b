"""Words that are taken back: the text goes on as if they had never been read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from support.tiny_lm import make_prompts, make_recommender

from thinkrec.decoding.backtracking import RejectionRule, Violation
from thinkrec.decoding.citations import AllowedTitle, CitationConstraint
from thinkrec.decoding.claim_rules import GroundingRules
from thinkrec.decoding.repetition import has_repeated_ngram
from thinkrec.decoding.vocabulary import TokenVocabulary
from thinkrec.engine.generate import generate_greedily

WORDS = (b"Yes", b".", b" a", b" film", b" good", b" bad", b" '", b"Oak", b"'", b" and", b" ness", b"ly", b"Elm", b"")


class Once:
    """Takes back `back[n]` tokens the first time that n tokens are there, and refuses the first of them."""

    def __init__(self, back: dict[int, int]) -> None:
        self.back, self.refused = dict(back), dict[int, int]()

    def is_allowed(self, ids: Sequence[int], token: int) -> bool:
        return self.refused.get(len(ids)) != token

    def allowed_token_ids(self, ids: Sequence[int]) -> np.ndarray | None:
        if len(ids) not in self.refused:
            return None
        return np.array([token for token in range(60) if token != self.refused[len(ids)]])

    def count_accepted(self, ids: Sequence[int]) -> int:
        kept = len(ids) - self.back.pop(len(ids), 0)
        if kept < len(ids):
            self.refused[kept] = ids[kept]
        return kept


@pytest.mark.parametrize("first", [None, [5, 6, 7, 8, 9]])
def test_what_was_taken_back_leaves_no_trace(first: list[int] | None) -> None:
    recommender = make_recommender()
    prompts = [
        replace(p, placeholder_at=p.placeholder_at[:0], placeholder_vectors=p.placeholder_vectors[:0])
        for p in make_prompts()
    ]
    rules = [Once({4: 2, 6: 4}), None, Once({2: 1, 3: 1, 9: 5}), Once({5: 4}), Once({8: 1})]
    found = generate_greedily(recommender, prompts, 12, first, rules)
    for i, (prompt, ids, rule) in enumerate(zip(prompts, found, rules, strict=True)):
        assert len(ids) == 12 or ids[-1] == recommender.backbone.eos_id
        assert rule is None or not rule.back or len(ids) < 9
        for place, token in enumerate(ids.tolist()):
            if place == 0 and first is not None:
                assert token == first[i]
            elif rule is None or place not in rule.refused:
                longer = replace(prompt, ids=np.concatenate([prompt.ids, ids[:place]]).astype(np.int32))
                assert generate_greedily(recommender, [longer], 1)[0].tolist() == [token], (i, place)
            else:
                assert token != rule.refused[place]


def ids_of(*pieces: bytes) -> list[int]:
    return [WORDS.index(piece) for piece in pieces]


def test_a_word_is_judged_once_it_is_whole() -> None:
    seen: list[str] = []

    def judge(text: str) -> Violation | None:
        seen.append(text)
        return Violation() if "bad" in text else None

    citations = CitationConstraint(TokenVocabulary(WORDS), {"Oak": AllowedTitle(1, 0)})
    rule = RejectionRule(citations, judge, max_rejections=1)
    text = ids_of(b"Yes", b".", b" a", b" bad", b"ly", b" film")
    kept = [rule.count_accepted(text[: n + 1]) for n in range(len(text))]
    assert kept == [1, 2, 3, 4, 5, 3]
    assert seen == ["Yes.", "Yes. a", "Yes. a badly"]
    assert not rule.is_allowed(text[:3], WORDS.index(b" bad"))
    assert rule.is_allowed(text[:3], WORDS.index(b" good"))
    assert WORDS.index(b" bad") not in rule.allowed_token_ids(text[:3])  # type: ignore[operator]
    again = ids_of(b"Yes", b".", b" a", b" good", b" bad", b" film")
    assert [rule.count_accepted(again[: n + 1]) for n in range(3, 6)] == [4, 5, 6], "the one taking back is used up"


def test_inside_a_quotation_nothing_is_judged_and_it_goes_back_whole() -> None:
    seen: list[str] = []

    def judge(text: str) -> Violation | None:
        seen.append(text)
        return Violation() if "\u27e60\u27e7" in text else None

    rule = RejectionRule(CitationConstraint(TokenVocabulary(WORDS), {"Oak": AllowedTitle(1, 0)}), judge)
    text = ids_of(b"Yes", b".", b" '", b"Oak", b"'", b" and")
    assert [rule.count_accepted(text[: n + 1]) for n in range(len(text))] == [1, 2, 3, 4, 5, 2]
    assert seen == ["Yes.", "Yes. \u27e60\u27e7"]


def test_the_last_word_is_judged_too() -> None:
    rule = RejectionRule(
        CitationConstraint(TokenVocabulary(WORDS), {}), lambda text: Violation() if "bad" in text else None
    )
    text = ids_of(b"Yes", b" bad", b"")
    assert [rule.count_accepted(text[: n + 1]) for n in range(3)] == [1, 2, 1]


def test_repeats_counts_words_and_citations() -> None:
    assert has_repeated_ngram("Yes. The film was good and the film was good", 4)
    assert not has_repeated_ngram("Yes. The film was good and the film was good", 6)
    assert has_repeated_ngram("\u27e61\u27e7 and \u27e62\u27e7 pleased, as \u27e61\u27e7, and \u27e62\u27e7", 3)
    assert not has_repeated_ngram("good", 3)
    assert not has_repeated_ngram("", 3)


def test_a_fault_is_taken_back_from_where_it_begins() -> None:
    def judge(text: str) -> Violation | None:
        return Violation(text.index("a bad")) if "a bad" in text else None

    rule = RejectionRule(CitationConstraint(TokenVocabulary(WORDS), {}), judge)
    text = ids_of(b"Yes", b".", b" film", b" a", b" bad", b" film")
    assert [rule.count_accepted(text[: n + 1]) for n in range(6)] == [1, 2, 3, 4, 5, 3]
    assert not rule.is_allowed(text[:3], WORDS.index(b" a"))


def test_the_title_gives_way_before_the_words() -> None:
    def judge(text: str) -> Violation | None:
        return Violation(text.index("bad"), 0, -1) if "\u27e60\u27e7 bad" in text else None

    for titles in ({"Oak": AllowedTitle(1, 0), "Elm": AllowedTitle(-1, 1)}, {"Oak": AllowedTitle(1, 0)}):
        rule = RejectionRule(CitationConstraint(TokenVocabulary(WORDS), titles), judge)
        text = ids_of(b"Yes", b".", b" '", b"Oak", b"'", b" bad", b" film")
        assert [rule.count_accepted(text[: n + 1]) for n in range(6)] == [1, 2, 3, 4, 5, 6]
        kept = rule.count_accepted(text)
        if len(titles) == 1:
            assert kept == 5 and not rule.is_allowed(text[:5], WORDS.index(b" bad")), "no title fits: the word goes"
        else:
            assert kept == 2 and rule.is_allowed(text[:2], WORDS.index(b" '"))
            assert WORDS.index(b"Oak") not in rule.allowed_token_ids(text[:3])  # type: ignore[operator]
            assert WORDS.index(b"Elm") in rule.allowed_token_ids(text[:3])  # type: ignore[operator]


def test_a_careful_reason_turns_down_wrong_claims() -> None:
    words = TokenVocabulary((b"Yes", b".", b" '", b"Oak", b"'", b" was", b" rejected", b" liked", b" here", b""))
    spell = {piece: n for n, piece in enumerate(words.pieces)}
    text = [spell[p] for p in (b"Yes", b".", b" '", b"Oak", b"'", b" was", b" rejected", b" here")]
    for cite, kept in (("polarity", 6), ("polarity_and_keywords", 6), ("history", 8)):
        rule = GroundingRules(words, {"Oak": AllowedTitle(1, 0)}, cite).constraint
        assert [rule.count_accepted(text[: n + 1]) for n in range(8)][-1] == kept


@pytest.mark.parametrize(
    ("pieces", "stays"),
    [
        ((b" has", b" ghosts", b"."), True),
        ((b" has", b" war", b"."), False),
        ((b" lacks", b" war", b"."), True),
        ((b" lacks", b" ghosts", b" here"), False),
        ((b" has", b" wry", b" humour", b"."), True),
        ((b" has", b" wry", b" war", b"."), False),
        ((b" lacks", b" wry", b" humour", b"."), False),
    ],
)
def test_an_exact_reason_says_nothing_wrong_of_keywords(pieces: tuple[bytes, ...], stays: bool) -> None:
    words = TokenVocabulary(
        (
            b"Yes",
            b".",
            b" '",
            b"Oak",
            b"Elm",
            b"'",
            b" has",
            b" lacks",
            b" ghosts",
            b" wry",
            b" humour",
            b" war",
            b" here",
            b"",
        )
    )
    spell = {piece: n for n, piece in enumerate(words.pieces)}
    titles = {
        "Oak": AllowedTitle(1, 0, keywords=frozenset({"ghosts", "wry humour"})),
        "Elm": AllowedTitle(0, 1, is_target=True, keywords=frozenset({"war", "wry", "humour"})),
    }
    text = [spell[p] for p in (b"Yes", b".", b" '", b"Oak", b"'", *pieces)]
    rule = GroundingRules(words, titles, "polarity_and_keywords").constraint
    kept = [rule.count_accepted(text[: n + 1]) for n in range(len(text))]
    assert (kept == list(range(1, len(text) + 1))) is stays
    if not stays:
        at = min(n for n, k in zip(range(len(text)), kept, strict=True) if k <= n)
        assert kept[at] < at + 1
        assert not rule.is_allowed(text[: kept[at]], text[kept[at]]), "the keyword is not tried again there"
    free = GroundingRules(words, titles, "polarity").constraint
    assert [free.count_accepted(text[: n + 1]) for n in range(len(text))] == list(range(1, len(text) + 1))


@pytest.mark.parametrize("other", [True, False], ids=["another example is there", "none is"])
def test_an_example_that_is_none_is_exchanged_or_goes_with_its_sentence(other: bool) -> None:
    pieces = (b"Yes", b".", b" '", b"Oak", b"Elm", b"Ash", b"'", b" was liked", b" in spite of", b" ghosts", b" So")
    words = TokenVocabulary((*pieces, b""))
    spell = {piece: n for n, piece in enumerate(words.pieces)}
    titles = {
        "Oak": AllowedTitle(1, 0, keywords=frozenset({"sea"})),
        "Elm": AllowedTitle(1, 1, keywords=frozenset({"ghosts"} if other else {"war"})),
        "Ash": AllowedTitle(0, 2, is_target=True, keywords=frozenset({"ghosts"})),
    }
    rule = GroundingRules(words, titles, "polarity_and_keywords").constraint
    text = [spell[p] for p in (b"Yes", b".", b" '", b"Oak", b"'", b" was liked", b" in spite of", b" ghosts", b".")]
    assert [rule.count_accepted(text[: n + 1]) for n in range(8)] == list(range(1, 9))
    assert rule.count_accepted(text) == 2, "back to the title, which here begins its sentence"
    if other:
        allowed = rule.allowed_token_ids(text[:3])
        assert allowed is not None
        assert spell[b"Elm"] in allowed
        assert spell[b"Oak"] not in allowed
        assert spell[b"Ash"] not in allowed
    else:
        assert not rule.is_allowed(text[:2], spell[b" '"]), "no such sentence begins again"
        assert rule.is_allowed(text[:2], spell[b" So"])


def test_a_careful_reason_does_not_say_three_words_twice() -> None:
    words = TokenVocabulary((b"Yes", b".", b" it", b" was", b" good", b" and", b" here", b""))
    spell = {piece: n for n, piece in enumerate(words.pieces)}
    text = [spell[p] for p in (b"Yes", b".", b" it", b" was", b" good", b" and", b" it", b" was", b" good", b" here")]
    for cite in ("history", "polarity", "polarity_and_keywords"):
        rule = GroundingRules(words, {}, cite).constraint
        kept = [rule.count_accepted(text[: n + 1]) for n in range(len(text))]
        assert kept[:-1] == list(range(1, len(text)))
        assert kept[-1] == 8, "the third word goes"
        assert not rule.is_allowed(text[:8], spell[b" good"])
