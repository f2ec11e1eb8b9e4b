"""Reasons that are kept: a bound, the least recently asked for going first; keys by all that a reason depends on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from thinkrec.data.query import Query
from thinkrec.score.reason_writer import WrittenReason
from thinkrec.serve.known_reasons import KnownReason, KnownReasons, digest_question

ONE = np.array([1], dtype=np.int64)
QUERY = Query(7, ONE, ONE.astype(np.int8), ONE, ONE.astype(np.int8), 9, ONE)


def test_the_least_recently_asked_for_goes_first() -> None:
    known, text = KnownReasons(2), KnownReason(WrittenReason("Yes.", "model"))
    known.put(b"a", text)
    known.put(b"b", text)
    assert known.get([b"a", b"x"]) == [text, None]
    known.put(b"c", text)
    assert known.get([b"a", b"b", b"c"]) == [text, None, text] and len(known) == 2


def test_everything_that_a_reason_depends_on_is_in_its_key() -> None:
    base = digest_question("v", "auto", QUERY, 1.0)
    assert base == digest_question("v", "auto", QUERY, 2.5)
    others = [
        digest_question("w", "auto", QUERY, 1.0),
        digest_question("v", "model", QUERY, 1.0),
        digest_question("v", "auto", QUERY, -1.0),
        *(
            digest_question("v", "auto", replace(QUERY, **{name: value}), 1.0)
            for name, value in {
                "user": 8,
                "items": ONE + 1,
                "labels": np.zeros(1, dtype=np.int8),
                "timestamps": ONE + 1,
                "time": 10,
                "candidates": ONE + 1,
            }.items()
        ),
    ]
    assert len({base, *others}) == 10
