"""A second run beside a served one: refused on other tables, asked the same, compared, swapped with the first."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from thinkrec.errors import DataError
from thinkrec.serve import service as service_module
from thinkrec.serve.errors import OverloadedError
from thinkrec.serve.run_pair import RunPair, shorten_names
from thinkrec.serve.service import RecommenderService
from thinkrec.serve.values import Change


def test_each_answers_as_it_does_alone(pair: RunPair) -> None:
    first, second = pair.first.rank(1, top=60), pair.second.rank(1, top=60)
    result = pair.compare(1, item=first.items[0].item, top=3, effects=True)
    ranks = [{one.item: one.rank for one in ranking.items} for ranking in (first, second)]
    assert [one.item for one in result.items] == [
        one.item for one in first.items if one.rank <= 3 or ranks[1][one.item] <= 3
    ]
    assert [(one.first.rank, one.second.rank) for one in result.items] == [
        (ranks[0][one.item], ranks[1][one.item]) for one in result.items
    ]
    assert result.shared == sum(ranks[0][one.item] <= 3 >= ranks[1][one.item] for one in result.items)
    assert result.scored == first.scored and result.user == 1
    assert result.first.answer is not None and result.second.answer is not None
    assert [len(one.answer.history) for one in (result.first, result.second) if one.answer] == [5, 3]
    assert result.first.version != result.second.version
    assert result.second.answer.score == pytest.approx(
        pair.second.explain(1, result.second.answer.item).score, abs=1e-4
    )


def test_changes_are_made_for_both(pair: RunPair) -> None:
    newest = pair.first.get_history(1)[-1]
    changes = [Change(newest.item, not newest.liked)]
    before, after = pair.compare(1, item=3), pair.compare(1, item=3, changes=changes)
    for one, other in ((before.first, after.first), (before.second, after.second)):
        assert one.answer is not None and other.answer is not None
        assert other.answer.history[-1].liked is not newest.liked and one.answer.score != other.answer.score
    assert any(one.first.score != two.first.score for one, two in zip(before.items, after.items, strict=False))


def test_both_read_one_log_of_interactions(pair: RunPair) -> None:
    pair.first.append_interaction("ada", 3, True)
    assert [entry.item for entry in pair.second.get_history("ada")] == [3]
    assert 3 not in [one.item for one in pair.compare("ada", top=60).items]


def test_one_deadline_for_all_of_it(pair: RunPair) -> None:
    given: list[float] = []

    def make_slow(rank: Any) -> Any:
        def rank_slowly(*args: Any, **options: Any) -> Any:
            given.append(options["deadline"])
            time.sleep(0.2)
            return rank(*args, **options)

        return rank_slowly

    for service in pair.services:
        service.rank = make_slow(service.rank)  # type: ignore[method-assign]
    pair.compare(1, deadline=20)
    assert given[0] <= 20 and given[1] <= given[0] - 0.2
    with pytest.raises(OverloadedError):
        pair.compare(1, deadline=1e-6)


def test_other_tables_are_refused(
    service: RecommenderService, served_folder: Path, beside_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_model = service_module.open_model

    def open_other(*args: Any) -> Any:
        model = open_model(*args)
        titles = ["Another", *model.ds.items.titles[1:]]
        model.predictor = replace(model.predictor, ds=replace(model.ds, items=replace(model.ds.items, titles=titles)))
        return model

    monkeypatch.setattr(service_module, "open_model", open_other)
    with pytest.raises(DataError, match=r"titles of films differ .*'Another'"):
        RunPair(service, served_folder, beside_folder)
    assert service.rank(1, top=1).items
    with pytest.raises(DataError, match="served already"):
        RunPair(service, served_folder, served_folder / ".." / served_folder.name)


def test_a_swap_opens_both_and_leaves_both_where_one_does_not_fit(
    pair: RunPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = [service.loaded for service in pair.services]
    assert pair.swap_runs() == " and ".join(service.describe().version for service in pair.services)
    assert [service.loaded for service in pair.services] != old
    old = [service.loaded for service in pair.services]

    def refuse(*_: object) -> None:
        raise DataError("other tables")

    monkeypatch.setattr("thinkrec.serve.run_pair.check_same_tables", refuse)
    with pytest.raises(DataError, match="other tables"):
        pair.swap_runs()
    assert [service.loaded for service in pair.services] == old


def test_names_are_as_long_as_they_have_to_be(tmp_path: Path) -> None:
    assert shorten_names(tmp_path / "a", tmp_path / "b") == ("a", "b")
    assert shorten_names(tmp_path / "a" / "seed-0", tmp_path / "b" / "seed-0") == ("a/seed-0", "b/seed-0")
