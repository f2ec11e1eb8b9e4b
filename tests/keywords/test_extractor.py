"""Both extractors, and the walk from texts to keywords."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.keyword_stand_in import StandIn
from support.scripted_server import Reaction, Request, fails, says, serve

from thinkrec.data.columns import DataWarning
from thinkrec.errors import ThinkRecError
from thinkrec.keywords.asked import TeacherExtractor, parse_phrases
from thinkrec.keywords.cache import KeywordCache
from thinkrec.keywords.config import TeacherExtractorConfig, YakeExtractorConfig
from thinkrec.keywords.extractor import Done, extract_keywords
from thinkrec.keywords.offline import YakeExtractor
from thinkrec.keywords.shape import find_whole_phrase, tokenize_text
from thinkrec.teacher.api import ChatApiTeacher
from thinkrec.teacher.config import ApiTeacherConfig

TEXT = "A lonely lighthouse keeper must hide stolen diamonds from a vicious smuggler in New York."


class Split:
    """An extractor whose phrases are the pieces between full stops; counts what it read."""

    name, language = "split", "en"

    def __init__(self) -> None:
        self.read: list[str] = []

    def get_settings(self) -> dict:
        return {"at": "."}

    def extract(self, texts: Sequence[str], done: Done) -> None:
        for place, text in reversed(list(enumerate(texts))):
            self.read.append(text)
            done(place, text.split("."))


def test_every_text_gets_its_own_keywords_in_order() -> None:
    extractor = Split()
    texts = ["the sea. a sea. Seas. heist", "", "<p>old &amp; new</p>. heist", "the sea. a sea. Seas. heist"]
    assert extract_keywords(texts, extractor) == [("sea", "heist"), (), ("old & new", "heist"), ("sea", "heist")]
    assert len(extractor.read) == 2, "equal texts are read once, empty ones not at all"


def test_most_keep_and_titles_are_applied_after_the_cache(tmp_path: Path) -> None:
    path, extractor = tmp_path / "c.jsonl", Split()
    texts = ["one sea. two sky. three land"]
    first = extract_keywords(texts, extractor, most=2, cache=KeywordCache(path))
    more = extract_keywords(texts, extractor, most=9, keep=[["War"]], titles=["Three Land"], cache=KeywordCache(path))
    assert len(first[0]) == 2
    assert more[0][0] == "War"
    assert "three land" not in more[0]
    assert len(extractor.read) == 1


def test_wrong_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="most is 0"):
        extract_keywords(["a"], Split(), most=0)
    with pytest.raises(ValueError, match="keep has 2 entries for 1 texts"):
        extract_keywords(["a"], Split(), keep=[[], []])
    with pytest.raises(ValueError, match="titles has 0 entries"):
        extract_keywords(["a"], Split(), titles=[])


# -- offline -----------------------------------------------------------------------------------------------------------


def test_the_offline_extractor_finds_whole_phrases() -> None:
    (found,) = extract_keywords([TEXT], YakeExtractor())
    assert {"lonely lighthouse keeper", "vicious smuggler", "New York"} <= set(found)
    assert "York" not in found
    assert not {"hide", "lonely", "vicious", "lighthouse"} & {phrase.lower() for phrase in found}


def test_the_offline_extractor_gives_the_same_again() -> None:
    assert [YakeExtractor().extract_phrases(TEXT) for _ in range(3)] == [YakeExtractor().extract_phrases(TEXT)] * 3


def test_the_phrases_are_those_of_yake() -> None:
    import yake

    direct = {phrase for phrase, _ in yake.KeywordExtractor(lan="en", n=3, dedupLim=1.0, top=40).extract_keywords(TEXT)}
    completed = {"New York": "York"}
    assert {completed.get(phrase, phrase) for phrase in YakeExtractor().extract_phrases(TEXT)} <= direct


def test_longest_phrase_and_other_languages() -> None:
    assert all(
        len(phrase.split()) == 1
        for phrase in YakeExtractor(YakeExtractorConfig(max_words=1)).extract_phrases("big cat. dog")
    )
    german = YakeExtractor(YakeExtractorConfig(language="de")).extract_phrases(
        "Der alte Leuchtturm steht an der Küste."
    )
    assert any("Leuchtturm" in phrase for phrase in german)


def test_settings_change_the_key() -> None:
    assert YakeExtractor().get_settings() != YakeExtractor(YakeExtractorConfig(max_words=2)).get_settings()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "yake", None)
    with pytest.raises(ThinkRecError, match=r'pip install "thinkrec\[keywords\]"'):
        YakeExtractor()


@pytest.mark.parametrize("text", ["", " ", "...", "the of and", "1 2 3", "😀😀", "a" * 5000, "<p></p>"])
def test_odd_texts_do_not_break_it(text: str) -> None:
    (found,) = extract_keywords([text], YakeExtractor())
    assert isinstance(found, tuple)


@given(st.text(max_size=80))
def test_any_text_can_be_read(text: str) -> None:
    words = tokenize_text(text)
    assert len(words.text) == len(words.lower) == len(words.is_verb) == len(words.is_possessive)
    assert find_whole_phrase(words, "") is None


@pytest.mark.parametrize(
    ("text", "phrase", "whole"),
    [
        ("He plays a board game at night.", "board game", "board game"),
        ("He plays a magical board game.", "magical board", None),
        ("An act of charity", "act of charity", "act of charity"),
        ("An act of charity", "act", None),
        ("He tries to help a friend", "help", None),
        ("They love the wedding.", "wedding", "wedding"),
        ("A documentary focusing on wolves", "documentary focusing", None),
        ("It leads to war.", "war", "war"),
        ("His terrible chef's skills", "terrible chef", "terrible chef"),
        ("His terrible chef's skills", "chef skills", None),
        ("In New York City", "York City", "New York City"),
        ("Deeply", "nowhere", None),
    ],
)
def test_fragments_are_told_from_phrases(text: str, phrase: str, whole: str | None) -> None:
    assert find_whole_phrase(tokenize_text(text), phrase) == whole


# -- asked -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "phrases"),
    [
        ("heist | dry humour|sea", ("heist", "dry humour", "sea")),
        ("heist, dry humour", ("heist", "dry humour")),
        ("heist; dry humour, if at all", ("heist", "dry humour, if at all")),
        ("Here are the keywords: heist | sea", ("heist", "sea")),
        ('["heist", "sea", 3]', ("heist", "sea")),
        ('```json\n["heist"]\n```', ("heist",)),
        ("- heist\n- sea", ("heist", "sea")),
        ("1) heist\n2) sea", ("heist", "sea")),
        ("heist", ("heist",)),
        ("", ()),
        ("I cannot help with that request, I am afraid.", ()),
        ("This is a long explanation of what the story is about and more", ()),
    ],
)
def test_answers_are_read(answer: str, phrases: tuple[str, ...]) -> None:
    assert parse_phrases(answer) == phrases


@given(st.text(max_size=200))
def test_any_answer_can_be_read(answer: str) -> None:
    assert all(isinstance(phrase, str) and phrase for phrase in parse_phrases(answer))


def test_a_teacher_is_asked_once_per_text(tmp_path: Path) -> None:
    teacher = StandIn(lambda text: f"{text} tale | Tales | the sea")
    path = tmp_path / "c.jsonl"
    texts = ["heist", "war", "heist", ""]
    for _ in range(2):
        found = extract_keywords(texts, TeacherExtractor(teacher), cache=KeywordCache(path))
        assert found == [("heist tale", "sea"), ("war tale", "sea"), ("heist tale", "sea"), ()]
    assert teacher.asked == ["heist", "war"]


def test_the_question_names_item_number_and_language() -> None:
    extractor = TeacherExtractor(
        StandIn(lambda text: "x"),
        TeacherExtractorConfig(item_noun="film", max_keywords=7, language="de", max_text_chars=100),
    )
    system, user = extractor.build_question("a" * 500).messages
    assert (system.role, user.role) == ("system", "user")
    assert "one film" in system.text
    assert "at most 7" in system.text
    assert "'de'" in system.text
    assert user.text == "a" * 100
    assert extractor.build_question("b").key != extractor.build_question("c").key


def test_a_refused_text_is_asked_about_once_for_good(tmp_path: Path) -> None:
    def react(request: Request) -> Reaction:
        return fails(400, "no", code="content_filter") if "war" in request.asked else says("sea | sky")

    path, texts = tmp_path / "c.jsonl", ["a war", "the sea", "a war"]
    with serve(react) as served:
        config = ApiTeacherConfig(model="m", base_url=served.url)
        for start in range(2):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                found = extract_keywords(texts, TeacherExtractor(ChatApiTeacher(config)), cache=KeywordCache(path))
            assert found == [(), ("sea", "sky"), ()] and len(served.requests) == 2
            said = [str(warning.message) for warning in caught]
            assert len(said) == 1 - start
            assert start or "1 of 2 texts got no keywords (1: refused for good (content_filter))" in said[0]


def test_lists_in_other_forms() -> None:
    for text in ('["sea", "sky"]', "['sea', 'sky']", '{"keywords": ["sea", "sky"]}', "```json\n['sea', 'sky']\n```"):
        assert parse_phrases(text) == ("sea", "sky"), text
    assert parse_phrases('{"error": "I cannot"}') == () and parse_phrases("{sea, sky") == ()


def test_failures_are_counted_and_asked_again(tmp_path: Path) -> None:
    path, broken = tmp_path / "c.jsonl", {"war"}
    prose = {"odd": "I will not say what it is about, sorry."}
    teacher = StandIn(lambda text: None if text in broken else prose.get(text, "sea"))
    with pytest.warns(DataWarning, match="2 of 3 texts got no answer from stand-in"):
        found = extract_keywords(
            ["war", "heist", "odd"], TeacherExtractor(teacher), cache=KeywordCache(path), keep=[["A"]] * 3
        )
    assert found == [("A",), ("A", "sea"), ("A",)]
    broken.clear()
    with pytest.warns(DataWarning, match="1 of 2 texts"):
        extract_keywords(["war", "heist", "odd"], TeacherExtractor(teacher), cache=KeywordCache(path))
    assert teacher.asked == ["war", "heist", "odd", "war", "odd"]


def test_what_the_teacher_raises_passes_through_and_answers_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    stops = [ThinkRecError("the budget is spent")]
    teacher = StandIn(lambda text: stops[0] if text == "war" and stops else "sea")
    with pytest.raises(ThinkRecError, match="budget is spent"):
        extract_keywords(["heist", "war", "x y"], TeacherExtractor(teacher), cache=KeywordCache(path))
    assert len(KeywordCache(path)) == 1
    stops.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert extract_keywords(["heist", "war"], TeacherExtractor(teacher), cache=KeywordCache(path)) == [("sea",)] * 2
    assert teacher.asked == ["heist", "war", "war"]


def test_another_teacher_or_wording_is_asked_anew() -> None:
    cache = KeywordCache()
    for teacher, config in (
        ("a", TeacherExtractorConfig()),
        ("b", TeacherExtractorConfig()),
        ("b", TeacherExtractorConfig(max_keywords=3)),
    ):
        stand_in = StandIn(lambda text: "sea", name=teacher)
        extract_keywords(["heist"], TeacherExtractor(stand_in, config), cache=cache)
        assert stand_in.asked == ["heist"]
