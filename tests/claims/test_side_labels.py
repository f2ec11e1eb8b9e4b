"""The readers on 400 sentences of the written ML-1M reasons whose sides a person labelled."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import pytest
from support import side_sentences
from support.side_sentences import (
    SIDES,
    SideReading,
    TitleKey,
    count_sides,
    draw_sentences,
    read_by_prose,
    read_by_rules,
    read_labels,
    read_sides,
)

from thinkrec.data.dataset import Dataset
from thinkrec.data.loaders.movielens import load_ml1m_slice

DRAWN = {"development": (("train",), 16), "measured": (("valid", "test"), 15)}
"""Table of labels -> splits and seed of its draw."""


@pytest.fixture(scope="module")
def ml1m(request: pytest.FixtureRequest) -> tuple[Dataset, Path]:
    folder = request.getfixturevalue("ml1m_folder")
    return load_ml1m_slice(folder), folder


@pytest.mark.parametrize("name", DRAWN)
def test_the_tables_hold_keys_and_sides_and_no_text(name: str) -> None:
    labels = read_labels(name)
    assert len({key[:3] for key in labels}) == 200
    assert Counter(key.table for key in {TitleKey(*key[:3], 0) for key in labels}) == {
        "reasons-grounded": 100,
        "reasons": 100,
    }
    assert {side for _, side in labels.values()} <= set(SIDES)
    assert all(len(digest) == 12 and int(digest, 16) >= 0 for digest, _ in labels.values())


@pytest.mark.parametrize("name", DRAWN)
def test_the_labelled_sentences_are_the_drawn_ones(name: str, ml1m: tuple[Dataset, Path]) -> None:
    splits, seed = DRAWN[name]
    drawn = {
        (reason.table, reason.order, sentence, title): reason.compute_digest(sentence)
        for reason, sentence in draw_sentences(*ml1m, splits, 100, seed)
        for title in range(len(reason.list_history_citations(sentence)))
    }
    assert drawn == {tuple(key): digest for key, (digest, _) in read_labels(name).items()}


def test_the_prose_reader_reads_nine_of_ten_stated_sides_rightly(ml1m: tuple[Dataset, Path]) -> None:
    prose = count_sides(read_sides(*ml1m, "measured", read_by_prose))
    assert prose.right / prose.stated >= 0.9
    assert prose.read / prose.stated >= 0.85
    assert prose.right / prose.read >= 0.95
    rules = count_sides(read_sides(*ml1m, "measured", read_by_rules))
    assert rules.right < prose.right


def test_another_sentence_than_the_labelled_one_is_refused(
    ml1m: tuple[Dataset, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = read_labels("measured")
    key = next(iter(labels))
    monkeypatch.setattr(side_sentences, "read_labels", lambda _: {key: ("0" * 12, "liked")})
    with pytest.raises(ValueError, match="another sentence"):
        read_sides(*ml1m, "measured", read_by_prose)
    monkeypatch.setattr(side_sentences, "read_labels", lambda _: {key._replace(title=99): ("0" * 12, "liked")})
    with pytest.raises(ValueError, match="1 labelled titles are not in the texts"):
        read_sides(*ml1m, "measured", read_by_prose)


def test_counts_by_hand() -> None:
    key = TitleKey("reasons", 1, 0, 0)
    first = SideReading(key, 1, "liked", 1)
    readings = [
        first,
        dataclasses.replace(first, read=-1),
        dataclasses.replace(first, side="disliked", read=None),
        dataclasses.replace(first, side="none", read=1),
        dataclasses.replace(first, side="none", read=None),
        dataclasses.replace(first, side="unclear", read=1),
    ]
    assert count_sides(readings) == (3, 2, 1, 2, 1)
