"""Data sets by the kind that a recipe names."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.tiny_ml1m import write_tiny_ml1m

from thinkrec.data.keyword_rules import KeywordRules, apply_keyword_rules
from thinkrec.errors import DataWarning
from thinkrec.run.data_sources import load_data
from thinkrec.run.recipe import MovieLensSlice


def test_rules_for_the_keywords_of_the_slice(tmp_path: Path) -> None:
    write_tiny_ml1m(tmp_path)
    plain, _ = load_data(MovieLensSlice(folder=tmp_path, keywords="written"))
    rules = KeywordRules(max_share=0.12, min_items=2)
    with pytest.warns(DataWarning, match=r"column 'keywords': \d+ keywords? on more than 12% of the 40 items dropped"):
        cleaned, _ = load_data(MovieLensSlice(folder=tmp_path, keywords="written", keyword_rules=rules))
    assert cleaned.items.keywords == apply_keyword_rules(plain.items.keywords, rules)[0] != plain.items.keywords
    # Off by default: the same data, so that nothing finished is done again.
    assert MovieLensSlice(folder=tmp_path).keyword_rules is None
    assert (
        cleaned.items.ids == plain.items.ids
        and cleaned.interactions.label.tolist() == plain.interactions.label.tolist()
    )
    loose = KeywordRules(join_case=False, max_share=1, min_items=1)
    same, _ = load_data(MovieLensSlice(folder=tmp_path, keywords="written", keyword_rules=loose))
    assert same.compute_fingerprint() == plain.compute_fingerprint()
