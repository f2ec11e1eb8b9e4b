"""An encoder or scorer of somebody else's, named in a recipe by its dotted class."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from support.tiny_run import tiny_backbone, tiny_recipe
from typer.testing import CliRunner

from thinkrec import RecipeError, ThinkRec
from thinkrec.cli import app
from thinkrec.collab import NamedClassConfig, build_scorer
from thinkrec.run.pipeline import Run
from thinkrec.run.recipe import Recipe, dump_recipe, parse_recipe, resolve_paths

MODULE = '''
from pathlib import Path
from pydantic import BaseModel, Field
from thinkrec.collab.mf import MF, MFConfig

class Settings(BaseModel):
    size: int = Field(default=4, ge=1)
    place: Path = Path("here")

class Theirs:
    """Matrix factorisation under another name."""

    def __init__(self, settings: Settings | None = None):
        self.settings = settings or Settings()
        self.inner = MF(MFConfig(dim=self.settings.size, training={"epochs": 2}))

    dim = property(lambda self: self.inner.dim)

    def fit(self, ds, *, seed, progress=False):
        return self.inner.fit(ds, seed=seed, progress=progress)

    def score(self, ds, rows):
        return self.inner.score(ds, rows)

    def encode_users(self, ds, rows):
        return self.inner.encode_users(ds, rows)

    def encode_query(self, ds, query):
        return self.inner.encode_query(ds, query)

    def encode_items(self, ds):
        return self.inner.encode_items(ds)

    def save(self, folder):
        self.inner.save(folder)

    @classmethod
    def load(cls, folder):
        loaded = cls()
        loaded.inner = MF.load(folder)
        return loaded

class ScoresOnly:
    Config = Settings
    __init__ = Theirs.__init__
    fit, score, save, load = Theirs.fit, Theirs.score, Theirs.save, Theirs.load

class Bare(Theirs):
    def __init__(self):
        pass
'''


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "site" / "theirs_of_tests.py"
    path.parent.mkdir()
    path.write_text(MODULE)
    (path.parent / "needs_more.py").write_text("import a_package_that_is_not_there\n")
    monkeypatch.syspath_prepend(path.parent)
    for name in ("theirs_of_tests", "needs_more"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return path


def recipe(encoder: dict[str, Any], **more: Any) -> Recipe:
    model = {"kind": "thinkrec", "encoder": encoder}
    return parse_recipe({"name": "x", "data": {"kind": "simulator"}, "model": model, **more}, "mine.yaml")


def test_a_recipe_keeps_the_name_and_the_keys(module: Path) -> None:
    named = {"kind": "theirs_of_tests.Theirs", "size": 6}
    read = recipe(named, baselines={"ours": {"kind": "mf"}, "theirs": {"kind": "theirs_of_tests.ScoresOnly"}})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = yaml.safe_load(dump_recipe(read))
    assert values["model"]["encoder"] == {**named, "place": "here"}
    assert values["baselines"]["theirs"] == {"kind": "theirs_of_tests.ScoresOnly", "size": 4, "place": "here"}
    assert parse_recipe(values, "again") == read == resolve_paths(read)
    assert isinstance(read.model.encoder, NamedClassConfig)  # pyright: ignore[reportAttributeAccessIssue]
    assert type(build_scorer(read.baselines["theirs"])).__name__ == "ScoresOnly"
    alone = {"name": "x", "data": {"kind": "simulator"}, "model": {"kind": "theirs_of_tests.ScoresOnly", "size": 2}}
    assert parse_recipe(alone, "alone").model.settings.size == 2  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"kind": "nowhere.Encoder"}, "model.encoder: there is no module 'nowhere'"),
        ({"kind": "theirs_of_tests.inner.X"}, "there is no module"),
        ({"kind": "needs_more.X"}, "needs_more cannot be imported: No module named 'a_package_that_is_not_there'"),
        ({"kind": "theirs_of_tests.Missing"}, "has no class 'Missing'"),
        ({"kind": "theirs_of_tests.ScoresOnly"}, "lacks encode_users, encode_query, encode_items"),
        ({"kind": "theirs_of_tests.Bare"}, "does not say what its settings are"),
        ({"kind": "theirs_of_tests.Theirs", "size": 0}, "model.encoder.size: Input should be greater"),
        ({"kind": "theirs_of_tests.Theirs", "sise": 1}, "model.encoder.sise: unknown key"),
        ({"kind": "boosting"}, "'mf', 'lightgcn', 'sasrec'"),
    ],
)
def test_what_is_missing_is_said(module: Path, keys: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=r"mine\.yaml") as error:
        recipe(keys)
    assert words in " ".join(str(error.value).split())


@pytest.fixture
def trained(module: Path, tmp_path: Path) -> tuple[Path, Path]:
    """The folder of a run, and the file of its recipe."""
    content = tiny_recipe(tiny_backbone(tmp_path / "backbone"), n_explained=0, baselines={})
    content["baselines"] = {"Theirs": {"kind": "theirs_of_tests.ScoresOnly", "size": 3}}
    content["model"]["encoder"] = {"kind": "theirs_of_tests.Theirs", "size": 5}
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(content))
    result = CliRunner().invoke(app, ["run", str(path), "--folder", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    assert "Theirs" in result.stdout
    return tmp_path / "run", path


def test_a_run_is_trained_opened_saved_and_asked(trained: tuple[Path, Path], module: Path, tmp_path: Path) -> None:
    folder, path = trained
    model = ThinkRec.load(folder)
    assert type(model._get_opened().run.encoder).__name__ == "Theirs" and model._get_opened().run.encoder.dim == 5
    model.save(tmp_path / "saved")
    again = ThinkRec.load(tmp_path / "saved")
    assert again.rank(3, top=4) == model.rank(3, top=4)
    ranked = CliRunner().invoke(app, ["rank", str(folder), "3", "--model", "Theirs", "--top", "2"])
    assert ranked.exit_code == 0 and ranked.stdout.count("%") == 2
    when = {stage: (folder / stage / "done.json").stat().st_mtime_ns for stage in ("scorers/Theirs", "global")}
    assert CliRunner().invoke(app, ["run", str(path), "--folder", str(folder)]).exit_code == 0
    assert {stage: (folder / stage / "done.json").stat().st_mtime_ns for stage in when} == when
    # Another body of the class is another scorer.
    module.write_text(f"{MODULE}\n# changed\n")
    run = Run(parse_recipe(yaml.safe_load(path.read_text()), "mine"), folder)
    run.fit_scorer("scorers/Theirs", run.recipe.baselines["Theirs"])
    assert (folder / "scorers/Theirs/done.json").stat().st_mtime_ns != when["scorers/Theirs"]
    scores = run.read_scores(folder / "scorers/Theirs")
    assert np.isfinite(scores).all()
