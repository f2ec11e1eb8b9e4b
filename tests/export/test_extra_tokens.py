"""Vectors as tokens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from thinkrec import ThinkRec
from thinkrec.errors import DataError
from thinkrec.export.extra_tokens import build_extra_tokens
from thinkrec.export.scored_pairs import choose_pairs, render_query


def test_a_vector_that_is_nobody_s_is_refused(exported_model: ThinkRec) -> None:
    predictor = exported_model.predictor
    extra = build_extra_tokens(predictor)
    prompt = render_query(predictor, choose_pairs(predictor)[0])[0]
    ids = extra.replace_placeholders(prompt, list(range(1000, 1090)))
    assert (ids[prompt.placeholder_at] >= 1000).all() and len(prompt.placeholder_at)
    assert (np.delete(ids, prompt.placeholder_at) < 1000).all()
    other = replace(prompt, placeholder_vectors=prompt.placeholder_vectors + 1)
    with pytest.raises(DataError, match="no user and no item"):
        extra.replace_placeholders(other, list(range(1000, 1090)))
