"""The checks that are shipped fail where a promise is broken, and say which; the how-to's example passes them."""

from __future__ import annotations

import dataclasses
import importlib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from thinkrec.data.dataset import Dataset
from thinkrec.testing import check_encoder, check_scorer, plant_dataset
from thinkrec.testing.errors import expect_error

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "add-an-encoder.md"
KIND = "mypackage.svd.SVDEncoder"


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, str]:
    """The how-to's class, as a module of somebody else's, and its test."""
    code, test = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    package = tmp_path / "site" / "mypackage"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "svd.py").write_text(code)
    monkeypatch.syspath_prepend(package.parent)
    for name in ("mypackage", "mypackage.svd"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module("mypackage.svd"), test


def test_an_encoder_of_somebody_else_is_tested_in_eight_lines(example: tuple[ModuleType, str], tmp_path: Path) -> None:
    _, test = example
    lines = [line for line in test.splitlines() if line.strip()]
    assert len(lines) <= 8
    names: dict[str, object] = {}
    exec(test, names)
    for name in ("test_contract", "test_another_size"):
        (tmp_path / name).mkdir()
        run = names[name]
        assert callable(run)
        run(tmp_path / name)


def read_the_future(cls: type) -> None:
    honest = cls.score

    def score(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        return honest(self, ds, rows) + ds.interactions.label[rows]

    cls.score = score


def go_by_place(cls: type) -> None:
    cls.score = lambda self, ds, rows: (
        np.asarray(ds.interactions.item[rows], dtype=np.float64) + 0 * self.fitted().score(ds, rows)
    )


def lose_precision(cls: type) -> None:
    honest = cls.score
    cls.score = lambda self, ds, rows: honest(self, ds, rows).astype(np.float32)


def forget_cold_items(cls: type) -> None:
    honest = cls.encode_items
    cls.encode_items = lambda self, ds: honest(self, ds) * (np.arange(len(ds.items)) != 39)[:, None].astype(np.float32)


def answer_unfitted(cls: type) -> None:
    honest = cls.score
    cls.score = lambda self, ds, rows: np.zeros(len(rows)) if self.tables is None else honest(self, ds, rows)


def pickle_too(cls: type) -> None:
    honest = cls.save

    def save(self, folder: Path) -> None:
        honest(self, folder)
        (folder / "state.pkl").write_bytes(b"")

    cls.save = save


def forget_the_query(cls: type) -> None:
    cls.encode_query = lambda self, ds, query: np.zeros(self.dim, dtype=np.float32)


def look_at_own_label(cls: type) -> None:
    honest = cls.encode_users
    cls.encode_users = lambda self, ds, rows: (
        honest(self, ds, rows) + ds.interactions.label[rows][:, None].astype(np.float32)
    )


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (read_the_future, "labels at or after a row changed its score"),
        (go_by_place, "go by place"),
        (lose_precision, "float32, not float64"),
        (forget_cold_items, "an item without train rows"),
        (answer_unfitted, "RuntimeError was not raised"),
        (pickle_too, "state.pkl"),
        (forget_the_query, "a query gave another vector than its row"),
        (look_at_own_label, "labels at or after a row changed it"),
    ],
)
def test_a_broken_promise_is_named(
    example: tuple[ModuleType, str], tmp_path: Path, spoil: Callable[[type], None], words: str
) -> None:
    module, _ = example
    spoil(module.SVDEncoder)
    with pytest.raises(AssertionError, match=words):
        check_encoder({"kind": KIND}, tmp_path / "saved", random=False)


def test_a_scorer_that_does_not_learn_or_hides_its_seed_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="AUC"):
        check_scorer({"kind": "random"}, tmp_path / "a")
    with pytest.raises(AssertionError, match="another seed changed the scores"):
        check_scorer({"kind": "random"}, tmp_path / "b", learns=None, random=False)


def test_an_error_is_expected_with_its_words() -> None:
    with pytest.raises(AssertionError, match="was not raised"), expect_error(ValueError):
        pass
    with pytest.raises(AssertionError, match="does not say"), expect_error(ValueError, "blue"):
        raise ValueError("red")
    with pytest.raises(KeyError), expect_error(ValueError):
        raise KeyError("another kind")
    with expect_error(ValueError, "red") as errors:
        raise ValueError("red")
    assert str(errors[0]) == "red"


def test_the_planted_data_are_the_same_for_a_seed() -> None:
    fields = (plant_dataset().interactions, plant_dataset().interactions)
    for name in (field.name for field in dataclasses.fields(fields[0])):
        np.testing.assert_array_equal(*(getattr(each, name) for each in fields))
