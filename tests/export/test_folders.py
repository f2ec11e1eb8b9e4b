"""What an export refuses, and what a wish for a mixture means."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from thinkrec import ThinkRec
from thinkrec.errors import DataError
from thinkrec.export.folders import export_model
from thinkrec.score.prior import ScorePriorConfig


def test_a_folder_with_other_files_is_left_alone(exported_model: ThinkRec, folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(DataError, match="something else than an export"):
        export_model(exported_model.predictor, folder, "merged")
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]


def test_what_cannot_be_carried_is_refused(exported_model: ThinkRec, folder: Path) -> None:
    predictor = exported_model.predictor
    with pytest.raises(DataError, match="prior"):
        export_model(replace(predictor, prior=ScorePriorConfig(weight=1.0)), folder, "merged")
    with pytest.raises(DataError, match="Yes\\) alone"):
        export_model(replace(predictor, option="yes"), folder, "vllm")
    with pytest.raises(DataError, match="choose mean, global, expert_1, expert_2, or user:ID"):
        export_model(predictor, folder, "merged", mixture="expert_9")
    assert not folder.exists()
