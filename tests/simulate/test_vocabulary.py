"""Invented titles and names: as many as asked for, readable, and the same for the same seed."""

from __future__ import annotations

import re

import numpy as np

from thinkrec.simulate.vocabulary import FIRST_NAMES, GENRES, LAST_NAMES, THEMES, TONES, invent_names, invent_titles


def test_titles_differ_and_bear_a_year() -> None:
    titles = invent_titles(500, np.random.default_rng(0))
    assert len(set(titles)) == 500
    assert len({title.rsplit(" (", 1)[0] for title in titles}) == 500, "not in the year alone"
    years = [int(re.fullmatch(r"[A-Z][^()]+ \((\d{4})\)", title)[1]) for title in titles]  # pyright: ignore
    assert min(years) >= 1931 and max(years) <= 2023
    assert titles == invent_titles(500, np.random.default_rng(0))


def test_names_repeat_only_where_the_pools_are_exhausted() -> None:
    pool = len(FIRST_NAMES) * len(LAST_NAMES)
    assert len(set(invent_names(200, np.random.default_rng(0)))) == 200
    assert len(invent_names(pool + 1, np.random.default_rng(0))) == pool + 1


def test_no_word_means_two_kinds_of_taste() -> None:
    pools = [{word.lower() for word in pool} for pool in (GENRES, THEMES, TONES)]
    assert all(len(pool) == len(words) for pool, words in zip(pools, (GENRES, THEMES, TONES), strict=True))
    assert not pools[0] & pools[1] and not pools[0] & pools[2] and not pools[1] & pools[2]
