"""A study of seconds, run once for all tests that look at what it leaves; and made-up figures."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from support.tiny_study import PRIOR, TinyStudy, make_row, write_recipe, write_study

from thinkrec.study.claims import CLAIMS
from thinkrec.study.collect import Collection
from thinkrec.study.results import StudyResults
from thinkrec.study.schedule import ScheduleOptions
from thinkrec.study.study_files import read_study
from thinkrec.study.summarise import summarise_study
from thinkrec.study.walk import run_study


@pytest.fixture(scope="session")
def tiny_study(tmp_path_factory: pytest.TempPathFactory) -> TinyStudy:
    """Two seeds of MF, of which a machine that died has begun one; one seed of a prior; a recipe that breaks."""
    folder, runs = tmp_path_factory.mktemp("recipes") / "tiny", tmp_path_factory.mktemp("runs")
    write_recipe(folder, "mf", baselines={"Boosting": {"kind": "boosting"}})
    write_recipe(folder, "prior", model=PRIOR)
    write_recipe(folder, "broken", data={"kind": "tables", "interactions": "gone.csv", "items": "gone.csv"})
    write_study(
        folder,
        title="A tiny study",
        seeds=[0, 1],
        recipes=[
            {"recipe": "mf", "name": "MF", "further_rows": {"Boosting": "trees"}},
            {"recipe": "prior", "name": "smoothed mean", "seeds": [0]},
            {"recipe": "broken", "seeds": [0]},
        ],
        published={"MF": ["thinkrec-table-2/ml1m/MF"]},
        against=["MF"],
        pairs=[["smoothed mean", "item mean"]],
        figures=[{"title": "By number", "x": "number", "points": {1: "MF", 2: "trees"}, "metrics": ["auc", "uauc"]}],
    )
    claims = runs / "mf" / "seed-1" / CLAIMS
    claims.mkdir(parents=True)
    holder = {"host": "far away", "machine": "another", "pid": 1, "began": "1"}
    (claims / "000004.json").write_text(json.dumps(holder))
    study, lines = read_study(folder), []
    options = ScheduleOptions(processes=2, progress=False, dead_after=4.0)
    began = time.monotonic()
    done = run_study(study, runs, options, print_line=lines.append)
    assert time.monotonic() - began > 3.0, "the machine counts as alive for so long"
    return TinyStudy(folder, runs, study, done, lines)


@pytest.fixture
def made_up(tmp_path: Path) -> StudyResults:
    """Good against bad (a real difference), good against its twin (none), a row without runs, and a flat one."""
    for name in ("good", "twin", "bad", "absent", "flat"):
        write_recipe(tmp_path / "made-up", name)
    write_study(
        tmp_path / "made-up",
        title="Made | up",
        seeds=[0, 1, 2],
        recipes=["good", "twin", "bad", "absent", {"recipe": "flat", "seeds": [0, 1]}],
        published={"good": [{"source": "A paper <1>", "auc": 0.1, "uauc": 0.99}]},
        pairs=[["good", "bad"], ["good", "twin"], ["absent", "bad"], ["flat", "item mean"]],
        figures=[{"title": "A line", "x": "size", "points": {1: "bad", 2.5: "good", 3: "absent"}}],
    )
    rows = [
        make_row("good", 0.8, (0, 1, 2)),
        make_row("twin", 0.8, (0,)),
        make_row("bad", 4.0, (0, 1)),
        make_row("flat", 0.0, (0, 1)),
        make_row("item mean", 0.0, (0,), is_personal=False),
    ]
    study = read_study(tmp_path / "made-up")
    return summarise_study(study, Collection(rows, {}, ["a remark"]), {"absent, seed 0": "it broke"})
