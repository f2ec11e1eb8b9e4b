"""Which state of a stage is kept is decided on validation rows, by AUC / 4 + UAUC / 3, and by nothing else.

The scores that the model would give are replaced by scripted ones; training between the checks is real.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from support.opposite_tastes import data_set, model, personal, stage, teaching

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import SPLITS, TEST, TRAIN, VALID
from thinkrec.engine import checkpoint
from thinkrec.score.predictor import Predictor
from thinkrec.train import stages
from thinkrec.train.model_config import ThinkRecConfig
from thinkrec.train.stages import train_experts, train_global_adapter

Script = Callable[[int, np.ndarray], np.ndarray]
"""(number of the check behind a step, row numbers) -> scores."""


class Scripted:
    """Stands in for `Predictor.score`; remembers what it was asked and, behind every step, the adapters at that moment.

    Where the state before training is checked too, it scores all rows alike.
    """

    def __init__(self, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
        self.script, self.asked, self.states, self.starts = script, [], [], False
        fit_stage = stages.fit_stage

        def watched(*arguments, **options):
            self.starts = bool(options.get("check_start"))
            return fit_stage(*arguments, **options)

        monkeypatch.setattr(stages, "fit_stage", watched)
        monkeypatch.setattr(Predictor, "score", lambda system, rows, **options: self.answer(system, rows))

    def answer(self, system: Predictor, rows: np.ndarray) -> np.ndarray:
        self.asked.append(np.sort(rows))
        if self.starts and len(self.asked) == 1:
            return np.zeros(len(rows))
        self.states.append({k: v.clone() for k, v in system.recommender.adapters.state_dict().items()})
        return np.asarray(self.script(len(self.states) - 1, rows), dtype=np.float64)

    def kept(self, folder: Path) -> list[bool]:
        """Per check, whether the saved adapters are those of that moment."""
        saved = checkpoint.load_recommender(folder).adapters.state_dict()
        return [all(torch.equal(saved[k], v) for k, v in state.items()) for state in self.states]


def chosen(backbone: Path, checks: int, **changes) -> ThinkRecConfig:
    """Exactly `checks` checks, one after each step."""
    one = {"epochs": checks, "evals_per_epoch": 1, "batch_tokens": 100_000, **changes}
    return model(backbone, global_stage=stage("global", **one), expert_stage=stage("experts", **one))


def by_split(ds: Dataset, best: dict[int, int]) -> Script:
    """Scores that are right for a split's rows at one check, and the wrong way round at every other."""

    def script(check: int, rows: np.ndarray) -> np.ndarray:
        label, split = ds.interactions.label[rows], ds.interactions.split[rows]
        right = np.array([best[int(part)] == check for part in split])
        return np.where(right, label, 1 - label)

    return script


@pytest.mark.parametrize("best", [0, 1, 2])
def test_validation_decides_and_not_another_split(best: int, backbone: Path, tmp_path: Path, monkeypatch) -> None:
    ds = data_set()
    others = [check for check in range(3) if check != best]
    scripted = Scripted(by_split(ds, {VALID: best, TEST: others[0], TRAIN: others[1]}), monkeypatch)
    (tmp_path / "global").mkdir()
    done = train_global_adapter(teaching(ds, chosen(backbone, 3)), tmp_path / "global")
    assert done["best_step"] == best + 1
    assert scripted.kept(tmp_path / "global") == [check == best for check in range(3)]
    for rows in scripted.asked:
        np.testing.assert_array_equal(rows, np.flatnonzero(ds.interactions.split == SPLITS.index("valid")))


def test_the_expert_stage_keeps_the_best_of_validation_too(backbone: Path, tmp_path: Path, monkeypatch) -> None:
    ds = data_set()
    Scripted(by_split(ds, {VALID: 0, TEST: 1, TRAIN: 1}), monkeypatch)
    (tmp_path / "global").mkdir()
    train_global_adapter(teaching(ds, chosen(backbone, 2)), tmp_path / "global")
    scripted = Scripted(by_split(ds, {VALID: 0, TEST: 1, TRAIN: 1}), monkeypatch)
    (tmp_path / "experts").mkdir()
    done = train_experts(teaching(ds, chosen(backbone, 2)), tmp_path / "global", personal(ds), tmp_path / "experts")
    assert done["best_step"] == 1
    assert scripted.kept(tmp_path / "experts") == [True, False]


# Two users, each with a disliked and a liked row: scores of (no, yes, no, yes).
SCORES = {
    # In order for each user, not across users: AUC 3/4, UAUC 1.
    "within": (0.8, 0.9, 0.1, 0.2),
    # One user the wrong way round: AUC 3/4, UAUC 1/2.
    "across": (0.3, 0.9, 0.7, 0.5),
    # The wrong way round for the second user, otherwise in order: AUC 1/2, UAUC 1/2.
    "neither": (0.7, 0.9, 0.8, 0.2),
    # AUC 1, UAUC 1.
    "both": (0.1, 0.8, 0.2, 0.9),
}
VALUES = {"within": (3 / 4, 1), "across": (3 / 4, 1 / 2), "neither": (1 / 2, 1 / 2), "both": (1, 1)}


def two_users(name: str, ds: Dataset, rows: np.ndarray) -> np.ndarray:
    """The scores of that name for the first two users' validation rows, which are all that there are."""
    it = ds.interactions
    place = np.unique(it.user[rows], return_inverse=True)[1] * 2 + it.label[rows]
    assert sorted(place.tolist()) == [0, 1, 2, 3]
    return np.array(SCORES[name])[place]


@pytest.mark.parametrize(
    ("order", "best"),
    [
        (("across", "within"), 1),
        (("within", "across"), 0),  # equal AUC: UAUC decides
        (("neither", "across"), 1),
        (("across", "neither"), 0),  # equal UAUC: AUC decides
        (("within", "both"), 1),
        (("both", "within", "across"), 0),
        (("neither", "within", "across"), 1),
    ],
)
def test_both_auc_and_uauc_decide(
    order: tuple[str, ...], best: int, backbone: Path, tmp_path: Path, monkeypatch
) -> None:
    ds = data_set()
    # Two users' validation rows: whole users are drawn until there are four rows.
    scripted = Scripted(lambda check, rows: two_users(order[check], ds, rows), monkeypatch)
    done = train_global_adapter(teaching(ds, chosen(backbone, len(order), max_valid_rows=4)), tmp_path)
    log = [entry for entry in done["log"] if entry["step"]]
    assert [entry["auc"] for entry in log] == pytest.approx([VALUES[name][0] for name in order])
    assert [entry["uauc"] for entry in log] == pytest.approx([VALUES[name][1] for name in order])
    wanted = [auc / 4 + uauc / 3 for auc, uauc in (VALUES[name] for name in order)]
    assert [entry["value"] for entry in log] == pytest.approx(wanted)
    assert done["best_step"] == best + 1
    assert scripted.kept(tmp_path) == [check == best for check in range(len(order))]
