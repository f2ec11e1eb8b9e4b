"""The constraint allows nothing but the titles it was given in quotes, with any tokenizer."""

from __future__ import annotations

import random
import re
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from thinkrec.claims.citations import Catalogue, TitleResolver, find_citations
from thinkrec.claims.unfinished import infer_next_claim
from thinkrec.decoding.citations import AllowedTitle, CitationConstraint, TitleRequirement
from thinkrec.decoding.vocabulary import TokenVocabulary, build_vocabulary
from thinkrec.model.backbone import load_backbone

TITLES = ["The Lamp", "Potter's Wheel", "Sailor's Play", "Sailor's Play 2", "Whistlin' in the Fog", "Café 8 1/2"]
SHELF = TitleResolver(Catalogue([]), TITLES, "Nothing Else")


@cache
def sentencepiece_like() -> PreTrainedTokenizerFast:
    """A metaspace tokenizer with byte tokens, as Llama 2 has: pieces such as "▁'", "'T" and "s'"."""
    letters = sorted(set("".join(TITLES)) | set(" .,'\u2019abcdefghij"))
    joined = [
        "\u2581'",
        "'T",
        "\u2581The",
        "'s",
        "s'",
        "n'",
        "\u2581Play",
        "',",
        "'.",
        "\u2581Wheel'",
        "\u2581'P",
        "er",
    ]
    extra = [f"<0x{byte:02X}>" for byte in range(256)]
    words = ["<unk>", "<s>", "</s>", *extra, *dict.fromkeys([*(c.replace(" ", "\u2581") for c in letters), *joined])]
    raw = Tokenizer(models.BPE({w: i for i, w in enumerate(words)}, [], unk_token="<unk>", byte_fallback=True))
    raw.pre_tokenizer = pre_tokenizers.Metaspace()
    raw.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=raw, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


@cache
def nano():
    return load_backbone("nano").tokenizer


TOKENIZERS = {"byte level": nano, "metaspace": sentencepiece_like}


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_pieces_join_to_the_text(kind: str) -> None:
    tokenizer = TOKENIZERS[kind]()
    words = build_vocabulary(tokenizer)
    text = "Play 'Potter's Wheel', Café 8 1/2."
    ids = tokenizer.encode(text, add_special_tokens=False)
    assert words.decode_bytes(ids).decode().strip() == text
    assert all(words.pieces[token] == b"" for token in tokenizer.all_special_ids)
    assert build_vocabulary(tokenizer) is words


@pytest.mark.parametrize("kind", TOKENIZERS)
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), eager=st.floats(0, 0.6))
def test_whatever_is_chosen_among_the_allowed_only_given_titles_stand_in_quotes(
    kind: str, seed: int, eager: float
) -> None:
    tokenizer = TOKENIZERS[kind]()
    words, rng = build_vocabulary(tokenizer), random.Random(seed)
    quotes = {token for piece in words.quote_pieces for token in words.ids_by_piece[piece]}
    rule, ids = CitationConstraint(words, TITLES), []
    for _ in range(60):
        allowed = rule.allowed_token_ids(ids)
        pool = list(range(len(words))) if allowed is None else allowed.tolist()
        assert pool, "there is always a way to go on"
        wanted = sorted(quotes & set(pool)) if rng.random() < eager else []
        ids.append(rng.choice(wanted or pool))
    text = words.decode_bytes(ids).decode(errors="replace")
    for citation in find_citations(text, SHELF):
        # Where the text stops within "Whistlin' in the Fog", its apostrophe looks like a closing quote. It may also
        # stop within the bytes of the closing quote itself.
        begun = text[citation.start + 1 :].rstrip("\N{REPLACEMENT CHARACTER}")
        stopped = any(title.startswith(begun) for title in TITLES)
        assert citation.text in TITLES or stopped, text


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_right_text_is_never_forbidden(kind: str) -> None:
    tokenizer = TOKENIZERS[kind]()
    text = (
        "'Potter's Wheel' 'Sailor's Play', 'Sailor's Play 2'. 'Whistlin' in the Fog' 'Café 8 1/2', a dad's 'The Lamp'."
    )
    ids = tokenizer.encode(text, add_special_tokens=False)
    words = build_vocabulary(tokenizer)
    rule = CitationConstraint(words, TITLES)
    for n, token in enumerate(ids):
        allowed = rule.allowed_token_ids(ids[:n])
        assert allowed is None or token in allowed, words.decode_bytes(ids[: n + 1])


def texts_after(rule: CitationConstraint, words: TokenVocabulary, text: str, tokenizer) -> set[str]:
    allowed = rule.allowed_token_ids(tokenizer.encode(text, add_special_tokens=False))
    assert allowed is not None
    return {words.pieces[token].decode(errors="replace") for token in allowed}


def test_inside_a_quote_only_continuations_of_titles_are_left() -> None:
    tokenizer = nano()
    words = build_vocabulary(tokenizer)
    rule = CitationConstraint(words, ["The Lamp", "Sailor's Play", "Sailor's Play 2"])
    begun = texts_after(rule, words, "Yes. The viewer liked '", tokenizer)
    assert begun
    assert all("The Lamp".startswith(piece) or "Sailor's".startswith(piece) for piece in begun)
    done = texts_after(rule, words, "Yes. The viewer liked 'Sailor's Play", tokenizer)
    assert {"'", "',", "'."} <= done
    assert " " in done
    assert not any(piece.strip().isalpha() for piece in done)
    closed = texts_after(rule, words, "Yes. The viewer liked 'The Lamp'", tokenizer)
    assert not any(piece[:1].isalnum() or piece.startswith("'") for piece in closed)
    assert " and" in closed
    free = rule.allowed_token_ids(tokenizer.encode("Yes. The viewer", add_special_tokens=False))
    assert free is None or len(free) > len(words) - 10


SIGNED = {
    "The Lamp": AllowedTitle(1, 0),
    "Sailor's Play": AllowedTitle(-1, 1),
    "Whistlin' in the Fog": AllowedTitle(-1, 2),
    "Potter's Wheel": AllowedTitle(),
}


def claim(text: str) -> TitleRequirement:
    return TitleRequirement(infer_next_claim(text, [known.polarity for known in SIGNED.values()]))


@pytest.mark.parametrize(
    ("said", "fitting"),
    [
        ("Yes. The viewer liked '", {"The Lamp", "Potter's Wheel"}),
        ("No. The viewer turned down '", {"Sailor's Play", "Whistlin' in the Fog", "Potter's Wheel"}),
        (
            "Yes. The viewer liked 'The Lamp' but rejected '",
            {"Sailor's Play", "Whistlin' in the Fog", "Potter's Wheel"},
        ),
        ("Yes. The viewer liked 'Potter's Wheel', '", {"The Lamp", "Potter's Wheel"}),
        ("Yes. '", set(SIGNED)),
        ("Yes. The viewer liked 'Potter's Wheel'. '", set(SIGNED)),
        ("Yes. The viewer liked 'The Lamp'. '", set(SIGNED) - {"The Lamp"}),
        ("Yes. 'The Lamp' and '", {"Potter's Wheel"}),
        ("No. 'Sailor's Play' and '", {"Whistlin' in the Fog", "Potter's Wheel"}),
    ],
)
def test_titles_fit_what_the_sentence_has_said(said: str, fitting: set[str]) -> None:
    tokenizer = nano()
    words = build_vocabulary(tokenizer)
    begun = texts_after(CitationConstraint(words, SIGNED, claim, 1), words, said, tokenizer)
    for title in SIGNED:
        assert (title[0] in begun) == (title in fitting)
        assert any(title.startswith(piece) for piece in begun) == (title in fitting)


@pytest.mark.parametrize(
    ("said", "again"),
    [
        ("Yes. The viewer liked 'The Lamp' and '", False),
        ("Yes. The viewer liked 'The Lamp' and 'Potter's Wheel', and '", False),
        ("Yes. The viewer liked 'The Lamp', 'Potter's Wheel' or '", False),
        ("Yes. The viewer liked 'The Lamp'. 'Potter's Wheel' is like '", True),
        ("Yes. The viewer liked 'The Lamp'. 'Potter's Wheel', '", True),
        ("Yes. 'The Lamp' was liked. 'The Lamp', '", False),
        ("Yes. 'The Lamp' was liked, and so 'Potter's Wheel' is, since 'The Lamp' was. Like '", False),
    ],
)
def test_an_item_stands_twice_in_a_text_but_not_in_a_list(said: str, again: bool) -> None:
    tokenizer = nano()
    words = build_vocabulary(tokenizer)
    titles = {"The Lamp": AllowedTitle(0, 0), "Potter's Wheel": AllowedTitle()}
    rule = CitationConstraint(words, titles, max_citations=2)
    begun = texts_after(rule, words, said, tokenizer)
    assert any("The Lamp".startswith(piece) for piece in begun) == again
    assert any("Potter's Wheel".startswith(piece) for piece in begun)


@pytest.mark.parametrize(("mentions", "again"), [(1, False), (2, True)])
def test_a_text_may_come_back_to_its_target(mentions: int, again: bool) -> None:
    tokenizer = nano()
    words = build_vocabulary(tokenizer)
    titles = {"The Lamp": AllowedTitle(0, 0, is_target=True), "Potter's Wheel": AllowedTitle(1, 1)}
    for said in ("'The Lamp' was good.", "'The Lamp' was good. 'The Lamp' was long. 'The Lamp' was old."):
        rule = CitationConstraint(words, titles, max_citations=mentions)
        begun = texts_after(rule, words, f"Yes. {said} So '", tokenizer)
        assert any("The Lamp".startswith(piece) for piece in begun) == again


def test_no_quote_opens_where_no_title_would_fit() -> None:
    tokenizer = nano()
    words = build_vocabulary(tokenizer)
    rule = CitationConstraint(
        words, {"The Lamp": AllowedTitle(1, 0)}, lambda text: TitleRequirement(infer_next_claim(text, [1]))
    )
    closed = texts_after(rule, words, "No. The viewer turned down", tokenizer)
    assert " down" in closed and not any(piece.startswith(" '") for piece in closed)
    free = rule.allowed_token_ids(tokenizer.encode("Yes. The viewer liked", add_special_tokens=False))
    assert free is None or any(b"'" in words.pieces[token] for token in free)


def test_no_target_where_only_a_rated_title_can_follow() -> None:
    tokenizer = nano()
    words = build_vocabulary(tokenizer)
    titles = {"The Lamp": AllowedTitle(0, 0, is_target=True), "Potter's Wheel": AllowedTitle(-1, 1)}
    rule = CitationConstraint(words, titles, lambda text: TitleRequirement(None, allows_target="down" not in text))
    for said, target in (("No. '", True), ("No. The viewer turned down '", False)):
        begun = texts_after(rule, words, said, tokenizer)
        assert any("The Lamp".startswith(piece) for piece in begun) == target
        assert any("Potter's Wheel".startswith(piece) for piece in begun)


def test_a_title_is_chosen_anew_by_what_was_said_of_it_later() -> None:
    tokenizer = nano()
    words = build_vocabulary(tokenizer)
    rule = CitationConstraint(words, SIGNED, claim, max_citations=2)
    ids = tokenizer.encode("No. 'The Lamp' was turned down", add_special_tokens=False)
    at = rule.request_replacement(ids, 0, -1)
    assert at is not None and tokenizer.decode(ids[:at]).strip() == "No."
    begun = texts_after(rule, words, "No. '", tokenizer)
    assert not any("The Lamp".startswith(piece) for piece in begun)
    assert any("Sailor's Play".startswith(piece) for piece in begun)
    other = tokenizer.encode("No. 'Sailor's Play' was enjoyed", add_special_tokens=False)
    assert rule.request_replacement(other, 0, 1) is None, "once only"
    assert rule.request_replacement(other, 1, 1) is None, "no such citation"
    said = tokenizer.encode(
        "No. 'Sailor's Play' was rejected. The viewer liked 'The Lamp' less", add_special_tokens=False
    )
    assert rule.request_replacement(said, 1, -1) is None, "the text itself asked for a liked one"
    rule.drop_replacements(0)
    assert rule.request_replacement(other, 0, 1) == at, "the text went back further, and the demand with it"


def test_no_title_is_demanded_that_is_not_left() -> None:
    tokenizer = nano()
    words = build_vocabulary(tokenizer)
    titles = {"The Lamp": AllowedTitle(1, 0), "Potter's Wheel": AllowedTitle(0, 1, is_target=True)}
    rule = CitationConstraint(words, titles)
    ids = tokenizer.encode("No. 'The Lamp' was turned down", add_special_tokens=False)
    assert rule.request_replacement(ids, 0, -1) is None
    free = texts_after(rule, words, "No. '", tokenizer)
    assert any("The Lamp".startswith(piece) for piece in free), "nothing changed"


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_whatever_is_chosen_fits_its_claim(seed: int) -> None:
    tokenizer = nano()
    words, rng = build_vocabulary(tokenizer), random.Random(seed)
    said = ["Yes. The viewer liked", " but turned down", " The viewer enjoyed", ". What failed was", " and", " '"]
    rule, ids = CitationConstraint(words, SIGNED, claim, 1), []
    for _ in range(12):
        ids += tokenizer.encode(rng.choice(said[:-1]), add_special_tokens=False)
        for choice in range(14):
            allowed = rule.allowed_token_ids(ids)
            pool = range(len(words)) if allowed is None else allowed.tolist()
            opening = [token for token in words.ids_by_piece[b" '"] if token in pool]
            ids.append(rng.choice(opening if opening and not choice else pool))
    cited = [f for f in re.finditer("\u27e6(\\d+)\u27e7", rule.decode_marked(ids))]
    for found in cited:
        wanted = claim(found.string[: found.start()]).polarity
        known = list(SIGNED.values())[int(found[1])]
        assert wanted is None or known.polarity in (0, wanted), found.string
    once = [found[1] for found in cited if found[1] != "3"]
    assert len(once) == len(set(once)), "an item is cited once"


def test_a_title_that_cannot_be_spelled_is_left_out_and_without_titles_no_quote_opens() -> None:
    words = TokenVocabulary((b" a", b"'", b"A", b"B", b".", b" '"))
    rule = CitationConstraint(words, ["AB", "AC"])
    assert rule.allowed_token_ids([1]).tolist() == [2]  # type: ignore[union-attr]
    assert rule.allowed_token_ids([1, 2]).tolist() == [3]  # type: ignore[union-attr]
    nothing = CitationConstraint(words, ["AC"])
    assert set(nothing.allowed_token_ids([0]).tolist()) == {0, 1, 2, 3, 4}  # type: ignore[union-attr]
    assert 1 not in nothing.allowed_token_ids([4])  # type: ignore[operator]


def test_rules_read_anew_when_the_text_is_another() -> None:
    words = TokenVocabulary((b" a", b"'", b"A", b"B", b".", b" '"))
    rule = CitationConstraint(words, ["AB"])
    first = rule.allowed_token_ids([0, 5, 2])
    rule.allowed_token_ids([0])
    np.testing.assert_array_equal(rule.allowed_token_ids([0, 5, 2]), first)


def test_the_strongest_titles_come_first_where_strengths_are_known() -> None:
    def known(polarity: int, item: int, strength: float) -> AllowedTitle:
        return AllowedTitle(polarity, item, strength=strength)

    titles = {
        "Weak": known(1, 0, 0.1),
        "Best": known(1, 1, 0.9),
        "Third": known(1, 2, 0.5),
        "Second": known(1, 3, 0.6),
        "The Second": known(1, 3, 0.6),  # another spelling
        "Bad": known(-1, 4, 0.05),
        "Target": AllowedTitle(0, 5, is_target=True),
    }
    liked = TitleRequirement(1)

    def fitting(strengths: dict[str, AllowedTitle], text: str, wanted: TitleRequirement) -> set[str]:
        return set(CitationConstraint(TokenVocabulary((b"x",)), strengths)._list_fitting_titles(text, wanted))

    assert fitting(titles, "", liked) == {"Best", "Target"}
    again = fitting(titles, "\u27e61\u27e7. ", liked)
    assert again == {"Best", "Second", "The Second", "Target"}, "the next strongest, and what is cited once more"
    assert fitting(titles, "", TitleRequirement(-1)) == {"Bad", "Target"}, "of the side that is asked for"
    plain = {title: entry._replace(strength=0.0) for title, entry in titles.items()}
    assert fitting(plain, "", liked) == set(titles) - {"Bad"}, "nothing is known of them"
