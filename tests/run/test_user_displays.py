"""`ThinkRec.plot_users`, and answers of a real model that show themselves."""

from __future__ import annotations

import pytest
from support.tiny_run import train_tiny_run

from thinkrec.api import ThinkRec
from thinkrec.data.interactions import TRAIN
from thinkrec.errors import CheckpointError, DataError
from thinkrec.run import user_displays
from thinkrec.run.user_displays import draw_run_users


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ThinkRec:
    return ThinkRec.load(train_tiny_run(tmp_path_factory.mktemp("displays")).folder)


def test_the_map_shows_the_users_of_the_training(model: ThinkRec, monkeypatch: pytest.MonkeyPatch) -> None:
    assert draw_run_users(model._get_opened().run).svg == model.plot_users().svg
    data = model.ds.interactions
    trained = len(set(data.user[data.split == TRAIN].tolist()))
    drawing = model.plot_users()
    assert drawing.title.startswith(f"Map of {trained} user vectors") and drawing.svg.count("<circle") >= trained
    monkeypatch.setattr(user_displays, "collect_recipe_needs", lambda recipe: {"slots"})
    with pytest.raises(DataError, match="no groups"):
        model.plot_users()
    with pytest.raises(CheckpointError, match="not trained"):
        ThinkRec("demo").plot_users()


def test_what_a_model_answers_shows_itself(model: ThinkRec) -> None:
    user = model.ds.user_ids[0]
    for ranking in (
        model.rank(user, top=2),
        model.rank_many([user], top=2)[0],
        model.recommend(user, 2),
        model.recommend_many([user], 2)[0],
    ):
        assert ranking._repr_html_().count("<tr>") == 3 and len(ranking.to_text().splitlines()) == 2
    answer = model.explain(user, model.ds.items.ids[0], effects=True)
    assert answer._repr_html_().count("<tr>") == len(answer.history)
