"""The dictionary of Debian's package is found by itself, and it is said where."""

from __future__ import annotations

from pathlib import Path

import pytest

from thinkrec.evaluate.text import wordnet
from thinkrec.evaluate.text.meteor import compute_meteor
from thinkrec.evaluate.text.resources import load_metric_resources
from thinkrec.evaluate.text.wordnet import find_wordnet, open_wordnet

HEADER = (
    "  1 This software and database is being provided to you. WordNet 3.0 Copyright 2006 by Princeton University.  \n"
)
SYNSETS = {
    "noun": ("n", "06", ("film", "movie")),
    "verb": ("v", "42", ("be", "exist")),
    "adj": ("a", "00", ("good", "fine")),
    "adv": ("r", "02", ("well", "nicely")),
}
"""Part of speech -> its letter, the number of its lexicographer file, and the words of its only synset."""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder as Debian's: four synsets of two words, without lexnames and index.sense."""
    folder = tmp_path / "share" / "wordnet"
    folder.mkdir(parents=True)
    place = len(HEADER)
    for part, (letter, file, words) in SYNSETS.items():
        frames = "01 + 01 00 " if part == "verb" else ""
        lemmas = " ".join(f"{word} 0" for word in words)
        synset = f"{place:08d} {file} {letter} {len(words):02d} {lemmas} 000 {frames}| one and the same  \n"
        (folder / f"data.{part}").write_text(HEADER + synset)
        lines = "".join(f"{word} {letter} 1 0 1 0 {place:08d}  \n" for word in sorted(words))
        (folder / f"index.{part}").write_text(HEADER + lines)
        (folder / f"{part}.exc").write_text("")
    return folder


def test_it_is_found_at_the_usual_place(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Path("/usr/share/wordnet") in wordnet._PLACES, "where Debian's wordnet-base has it"
    monkeypatch.setattr(wordnet, "_PLACES", (tmp_path / "nowhere", small))
    assert find_wordnet() == small
    resources = load_metric_resources()
    assert resources.notes == (f"METEOR: WordNet 3.0 was found in {small}.",)
    assert resources.unavailable is not None and "meteor" not in resources.unavailable
    reader = resources.wordnet
    pair = (["a movie is fine here"], ["a film is good here"])
    assert compute_meteor(*pair, reader)[0] > compute_meteor(*pair)[0], "film and movie are synonyms"


def test_a_folder_that_was_named_needs_no_note(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordnet, "_PLACES", ())
    assert find_wordnet() is None
    assert load_metric_resources(wordnet=small).notes == ()
    assert open_wordnet(small).synsets("movie")[0].lemma_names() == ["film", "movie"]


def test_an_incomplete_folder_is_none(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordnet, "_PLACES", (small,))
    (small / "verb.exc").unlink()
    assert find_wordnet() is None
    assert "meteor" in (load_metric_resources().unavailable or {})
