"""Keywords that noun phrases give to a title: sentences by hand, read and not read."""

from __future__ import annotations

import pytest

from thinkrec.claims.keyword_phrases import KeywordPhraseReader

READER = KeywordPhraseReader(["courtroom", "dark", "dark comedy", "war", "spy thriller", "well liked", "romance"])
A, B = "\u27e60\u27e7", "\u27e61\u27e7"


@pytest.mark.parametrize(
    ("text", "keywords"),
    [
        ("Yes. The courtroom of", {"courtroom"}),
        ("Yes. The Courtroom of ", {"courtroom"}),
        ("Yes. They enjoyed the dark comedy", {"dark comedy"}),
        ("Yes. They enjoyed the dark, the", set()),
        ("Yes. The war romance of", {"war", "romance"}),
        ("Yes. The war between brothers in", {"war"}),
        ("Yes. The courtroom at the very heart of", {"courtroom"}),
        ("Yes. The courtroom scenes and long debates of", set()),
        (f"Yes. The war of {A} and", {"war"}),
        (f"Yes. The war of {A}, {B} and", {"war"}),
        (f"Yes. The war of {A} and the romance of", {"romance"}),
        (f"Yes. The dark comedy {A} and", set()),
        (f"Yes. {A} is a romance, and", set()),
        (f"Yes. {A} and", set()),
        ("Yes. The war is like", set()),
        ("Yes. A war film can be enjoyed, as", set()),
        ("Yes. The war that was liked in", set()),
        ("Yes. A romance in the spirit of", set()),
        ("Yes. A better war than", set()),
        ("Yes. A war. The man of", set()),
        ("Yes. The warlord of", set()),
        ("Yes. The post-war world of", {"war"}),
        ("Yes. A war with one two three four five six", set()),
        ("", set()),
    ],
)
def test_what_a_title_would_be_given(text: str, keywords: set[str]) -> None:
    pending = READER.find_pending_keywords(text)
    assert pending.keywords == keywords
    assert pending.start == len(text) if not keywords else text[pending.start :].lower().startswith(tuple(keywords))


@pytest.mark.parametrize(
    ("text", "given"),
    [
        (f"{A}, a war film", [("war", 0)]),
        (f"{A}, a slow and war", []),
        (f"{A}, the slow spy thriller of the year", [("spy thriller", 0)]),
        (f"{A} with its courtroom", [("courtroom", 0)]),
        (f"{A} with its long courtroom and", [("courtroom", 0)]),
        (f"{A}, a dark", []),
        (f"{A}, a dark tale", [("dark", 0)]),
        (f"{A}, a dark comedy", [("dark comedy", 0)]),
        (f"{A}, a film about war", []),
        (f"{A}, a war, and {B}, a romance.", [("war", 0), ("romance", 1)]),
        (f"{A}, which was a war", []),
        (f"{A} was a war", []),
        (f"{A}'s war", []),
    ],
)
def test_what_a_title_was_given(text: str, given: list[tuple[str, int]]) -> None:
    read = list(READER.read_given_keywords(text))
    assert [(one.keyword, one.number) for one in read] == given
    assert all(text[one.start : one.end].lower() == one.keyword for one in read)


def test_without_keywords_nothing_is_read() -> None:
    bare = KeywordPhraseReader([])
    assert bare.find_pending_keywords("The war of").keywords == frozenset()
    assert list(bare.read_given_keywords(f"{A}, a war")) == []


def test_the_readers_that_judge_share_no_code_with_this() -> None:
    import thinkrec.claims.keyword_phrases as phrases

    assert not any("prose" in str(getattr(value, "__module__", "")) for value in vars(phrases).values())
