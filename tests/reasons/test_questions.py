"""What a teacher is told once it was wrong."""

from __future__ import annotations

import numpy as np
from support.asking import DS

from thinkrec.reasons import questions
from thinkrec.teacher.rule_reasons import format_cited_title


def test_the_hint_tells_what_really_happened() -> None:
    it = DS.interactions
    for label, said, other in ((1, "viewer liked", "did not like"), (0, "did not like", "viewer liked")):
        for row in np.flatnonzero(it.label == label)[:5]:
            text = questions.render_retry_with_label(DS, int(row))
            assert said in text
            assert other not in text
            assert f"open with {'Yes' if label else 'No'}." in text
            assert format_cited_title(DS.items.titles[it.item[row]]) in text


def test_thinking_again_tells_nothing() -> None:
    it = DS.interactions
    said = [
        questions.render_retry(DS, int(row)).replace(format_cited_title(DS.items.titles[it.item[row]]), "TITLE")
        for label in (0, 1)
        for row in np.flatnonzero(it.label == label)[:5]
    ]
    assert len(set(said)) == 1, "the words are the same whatever happened"
