"""Effects of history lines: what changes in the score is the line's own doing, and nothing else moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch

from thinkrec.collab.features.slot_encoder import SlotEncoder
from thinkrec.data.query import Query
from thinkrec.engine.capabilities import detect_capabilities
from thinkrec.engine.recommender import Recommender
from thinkrec.errors import DataError
from thinkrec.model.adapters import attach_adapters
from thinkrec.model.backbone import load_backbone
from thinkrec.model.lora import MultiLoRAConfig
from thinkrec.model.projector import Projector
from thinkrec.prompts.config import PromptConfig
from thinkrec.score.line_effects import compute_line_effects, keep_lines, score_kept_lines
from thinkrec.score.predictor import Predictor
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

DS = simulate_catalogue(SimulatorConfig(users=12, items=60, interactions_per_user=(14, 20)), 5).dataset


@dataclass
class LinearScorer:
    """score = sum over the shown lines of (place from the end + 1) * (1 for a like, -1 for none), + 100 per rating."""

    length: int = 3
    asked: list[Query] = field(default_factory=list)

    def score_queries(self, queries: Sequence[Query]) -> list[np.ndarray]:
        self.asked += queries
        scores = []
        for query in queries:
            lines = query.find_window(self.length)
            signs = 2.0 * query.labels[lines] - 1
            weight = query.items[lines].astype(float)
            scores.append(np.array([signs @ weight + 100.0 * len(query.items)]))
        return scores

    def find_visible_past(self, query: Query, item: int) -> np.ndarray:
        window = query.find_window(self.length)
        return np.arange(window.start, window.stop)


def ask(items: list[int], labels: list[int]) -> Query:
    return Query.from_ratings(DS, None, np.array(items), np.array(labels, dtype=np.int8), np.array([9]))


def test_effects_are_what_the_score_loses() -> None:
    """Hand-computed: of items 5, 7 and 8 the middle one is disliked; 50 is older and never shown."""
    (found,) = compute_line_effects(LinearScorer(), [ask([50, 5, 7, 8], [1, 1, 0, 1])])
    assert found.score == 5 - 7 + 8 + 400
    assert found.places.tolist() == [1, 2, 3] and found.labels.tolist() == [1, 0, 1]
    # Erased: the line's weight, and 100 for one rating less; 50 never comes in.
    assert found.erase.tolist() == [105.0, 93.0, 108.0]
    assert found.flip.tolist() == [10.0, -14.0, 16.0]


def test_without_flips_none_is_asked() -> None:
    scorer = LinearScorer()
    (found,) = compute_line_effects(scorer, [ask([5, 7], [1, 0])], flip=False)
    assert np.isnan(found.flip).all() and found.erase.tolist() == [105.0, 93.0]
    assert len(scorer.asked) == 3


def test_questions_are_kept_apart_and_one_without_a_past_has_no_effects() -> None:
    queries = [ask([5, 7], [1, 0]), ask([], []), ask([3], [1])]
    found = compute_line_effects(LinearScorer(), queries)
    assert [effects.erase.tolist() for effects in found] == [[105.0, 93.0], [], [103.0]]
    assert [effects.score for effects in found] == [198.0, 0.0, 103.0]


def test_kept_lines_leave_the_older_past_where_it_is() -> None:
    query = ask([50, 5, 7, 8], [1, 1, 0, 1])
    kept = [np.array([True, False, False]), np.array([False, False, False])]
    assert score_kept_lines(LinearScorer(), [query, query], kept).tolist() == [5 + 200.0, 100.0]
    with pytest.raises(DataError, match="2 marks for 3 history lines"):
        keep_lines(LinearScorer(), query, np.array([True, False]))


def test_a_question_about_several_candidates_is_refused() -> None:
    with pytest.raises(DataError, match="one candidate at a time"):
        compute_line_effects(LinearScorer(), [replace(ask([5], [1]), candidates=np.array([1, 2]))])


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    """Vectors with statistics and neighbourhood residuals, and room in the prompt for some of ten lines only."""
    backbone = load_backbone("nano")
    adapters = attach_adapters(backbone.model, MultiLoRAConfig(rank=2, n_experts=0))
    slots = SlotEncoder.from_dataset(DS, None, statistics=True, votes=True, seed=0)
    vectors = slots.encode_rows(DS)
    table = backbone.model.get_input_embeddings().weight
    torch.manual_seed(0)
    projector = Projector(vectors.user.shape[1], backbone.hidden_size).calibrate(
        torch.from_numpy(np.concatenate([vectors.user, vectors.item])), table, (5, 6), variation=2.0
    )
    recommender = Recommender(backbone, adapters, projector).eval()
    recommender.capabilities = detect_capabilities(recommender)
    return Predictor(DS, recommender.freeze_for_inference(), PromptConfig(history=10, max_tokens=230), None, slots)


def list_shown_items(predictor: Predictor, query: Query) -> list[int]:
    return query.items[predictor.find_visible_past(query, int(query.candidates[0]))].tolist()


def test_a_prompt_with_more_room_shows_no_older_line(predictor: Predictor) -> None:
    query = Query.from_row(DS, int(DS.interactions.start[4]) - 1)
    places = predictor.find_visible_past(query, int(query.candidates[0]))
    shown = query.items[places].tolist()
    assert 2 < len(shown) < 10 <= len(query.items), "the prompt has to be short for this test to test anything"
    free = query.erase_ratings(places[[1]])
    assert list_shown_items(predictor, free) != [*shown[:1], *shown[2:]], "without a pin an older line comes in"
    asked: list[Query] = []
    plain = predictor.score_queries

    class Watched:
        find_visible_past = staticmethod(predictor.find_visible_past)

        @staticmethod
        def score_queries(queries: Sequence[Query]) -> list[np.ndarray]:
            asked.extend(queries)
            return plain(queries)

    (found,) = compute_line_effects(Watched(), [query])
    lines = len(shown)
    for line, edited in enumerate(asked[1 : 1 + lines]):
        assert list_shown_items(predictor, edited) == [*shown[:line], *shown[line + 1 :]]
    for line, edited in enumerate(asked[1 + lines :]):
        assert list_shown_items(predictor, edited) == shown
        assert edited.labels[places[line]] != query.labels[places[line]]
    assert found.score == pytest.approx(float(plain([query])[0][0]), abs=1e-4)
    assert np.std(found.erase) > 0.01 and np.std(found.flip) > 0.01


def test_an_erased_line_leaves_vectors_statistics_and_neighbourhood(predictor: Predictor) -> None:
    """The same numbers as for a user who never gave the rating, but for the ten most recent, which become nine."""
    slots = predictor.slot_encoder
    assert slots is not None
    row = int(DS.interactions.start[4]) - 1
    query = Query.from_row(DS, row)
    place = len(query.items) - 3
    erased = query.erase_ratings(np.array([place]))
    never = Query.from_ratings(DS, query.user, erased.items, erased.labels, query.candidates)
    ours, theirs = slots.encode_query(DS, erased), slots.encode_query(DS, never)
    np.testing.assert_array_equal(ours.past, theirs.past)
    np.testing.assert_array_equal(ours.user[[0, 1, 2]], theirs.user[[0, 1, 2]])
    assert len(never.items) > 10 and ours.user[3] != theirs.user[3], "the eleventh rating stays out of the last ten"
    recent = Query.from_ratings(DS, query.user, erased.items[-9:], erased.labels[-9:], query.candidates)
    assert ours.user[3] == slots.encode_query(DS, recent).user[3]
    catalogue = np.arange(len(DS.items))
    candidates = [slots.encode_candidates(DS, asked, catalogue) for asked in (query, erased, never)]
    np.testing.assert_array_equal(candidates[1], candidates[2])
    assert (candidates[0] != candidates[1]).any(), "the neighbourhood residual has lost a rating"
