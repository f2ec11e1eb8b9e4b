"""Which of several drawn reasons is shown, and that no choice knows the row's label or a reference."""

from __future__ import annotations

import inspect

import pytest

from thinkrec.claims.citations import Catalogue
from thinkrec.claims.grounding import GroundingCase
from thinkrec.score import sample_choice
from thinkrec.score.sample_choice import DrawnReason, choose_reason, count_case_agreement, count_distinct_words

CASE = GroundingCase(
    history=("Alpha", "Beta"),
    liked=(True, False),
    target="Gamma",
    keywords=("ghosts", "war"),
    target_keywords=("ghosts",),
    verdict=True,
    history_keywords=(("ghosts",), ("war",)),
)
CATALOGUE = Catalogue(("Alpha", "Beta", "Gamma", "Delta"))


def count(text: str) -> tuple[int, int]:
    return count_case_agreement(text, CASE, CATALOGUE)


def choose(choose_by, *texts: str, nats=None) -> int:
    drawn = [DrawnReason(text, text, p) for text, p in zip(texts, nats or [-1.0] * len(texts), strict=True)]
    return choose_reason(drawn, choose_by, count)


def test_agreement_counts_sides_keywords_titles_the_target_and_the_end() -> None:
    right = "Yes. 'Alpha' was liked. 'Gamma' brings ghosts."
    assert count(right) == (0, 2)
    assert count("Yes. 'Alpha' was disliked. 'Gamma' brings ghosts.") == (1, 1)
    assert count("Yes. 'Alpha' was liked. 'Gamma' brings war.") == (1, 1)
    assert count("Yes. 'Omega' was liked. 'Gamma' brings ghosts.") == (1, 1), "a title that does not exist"
    assert count("Yes. 'Delta' was liked. 'Gamma' brings ghosts.") == (1, 1), "a film that is not shown"
    assert count("Yes. 'Alpha' was liked.") == (1, 1), "the target is not named"
    assert count("Yes. 'Alpha' was liked. 'Gamma' brings ghosts and") == (1, 2), "no end"
    assert count("No. 'Alpha' was liked. 'Gamma' brings ghosts.") == (1, 2), "another verdict than the score's"


def test_the_fewest_faults_then_the_most_right_then_the_likeliest() -> None:
    wrong = "Yes. 'Alpha' was disliked. 'Gamma' brings ghosts."
    short, long = "Yes. 'Gamma' brings ghosts.", "Yes. 'Alpha' was liked. 'Gamma' brings ghosts."
    assert choose("agreement", wrong, short, long) == 2
    assert choose("agreement", wrong, short, nats=[-0.1, -5.0]) == 1
    assert choose("agreement", short, short, short, nats=[-2.0, -1.0, -1.0]) == 1, "of equal ones the first"


def test_likelihood_and_distinct_words() -> None:
    assert choose("likelihood", "a", "b", "c", nats=[-2.0, -1.0, -3.0]) == 1
    assert choose("distinct_words", "a slow drama", "a slow drama slow drama about ghosts", nats=[-1.0, -9.0]) == 1
    assert choose("distinct_words", "a slow drama", "a drama slow", nats=[-2.0, -1.0]) == 1
    assert count_distinct_words("a slow drama that the viewer liked, \u27e60\u27e7 with drama") == 3


def test_the_judge_stays_out_of_the_choice() -> None:
    """The stated sides and phrase keywords are read by the readers that texts are judged by."""
    source = inspect.getsource(sample_choice.count_case_agreement)
    assert not any(name in source for name in ("stated", "said_keywords", "called"))
    # A side that only the reader of free prose reads changes nothing, right or wrong.
    for title in ("Alpha", "Beta"):
        assert count(f"Yes. '{title}' was savoured. 'Gamma' brings ghosts.") == (0, 1)


@pytest.mark.parametrize("choose_by", ["likelihood", "distinct_words", "agreement"])
def test_one_text_is_the_best_of_itself(choose_by) -> None:
    assert choose(choose_by, "Yes.") == 0
