"""The language-model stages of the ThinkRec paper: global adapter, experts, projector; all can be resumed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from accelerate import Accelerator

from thinkrec.collab.ids import find_places, take_rows
from thinkrec.data.dataset import Dataset
from thinkrec.data.rows import VALID
from thinkrec.evaluate.ranking import auc, uauc
from thinkrec.model import files
from thinkrec.model.backbone import load_backbone
from thinkrec.model.batch import Prompt
from thinkrec.model.expert_linear import ExpertConfig
from thinkrec.model.experts import attach
from thinkrec.model.projector import Projector
from thinkrec.model.recommender import Recommender
from thinkrec.prompts.stored import Rendered
from thinkrec.recipe import ThinkRecModel
from thinkrec.score.system import Personal, System
from thinkrec.train.config import StageConfig
from thinkrec.train.loop import fit_stage
from thinkrec.train.mixture import reason_pool, reasoning_rows, strided_rows, validation_rows


@dataclass(frozen=True, eq=False)
class Teaching:
    """What all stages share: rows, reasons, seed, and how to run."""

    ds: Dataset
    model: ThinkRecModel
    reasons: Mapping[int, str]
    """Row number -> reason."""
    seed: int
    progress: bool
    accelerator: Accelerator

    def fresh(self, n_experts: int) -> Recommender:
        """The backbone with untrained adapters."""
        torch.manual_seed(self.seed)
        backbone = load_backbone(self.model.backbone)
        config = ExpertConfig(**self.model.adapters.model_dump(), n_experts=n_experts)
        return Recommender(backbone, attach(backbone.model, config)).to(self.accelerator.device)


def train_stage(teaching: Teaching, system: System, stage: StageConfig, folder: Path, title: str,
                gates: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:  # fmt: skip
    """Train one stage of `system.recommender` and save the result to `folder`.

    `gates`: rows -> adapter weights (rows, 1 + n) in training; validation uses the system's own gate.
    """
    ds, seed, share = teaching.ds, teaching.seed, teaching.model.reasons.share
    pool = reason_pool(ds, teaching.reasons)
    renderer, vectors = system.renderer, system.vectors

    def prompts(epoch: int) -> Sequence[Prompt]:
        rating = strided_rows(ds, stage.stride, epoch, seed)
        reasoning = reasoning_rows(pool, len(rating), share, epoch, seed)
        texts = [None] * len(rating) + [teaching.reasons[int(row)] for row in reasoning]
        rows = np.concatenate([rating, reasoning])
        weights = gates(rows)

        def render(i: int) -> Prompt:
            return renderer.row(int(rows[i]), gate=weights[i], vectors=vectors, reason=texts[i], with_answer=True,
                                history_loss=stage.history_loss)  # fmt: skip

        return Rendered(len(rows), render)

    it = ds.interactions
    checked = validation_rows(ds, it.rows(VALID), stage.valid_rows, seed)

    def check() -> dict[str, float]:
        scores = system.score(checked, title=f"{title}: validation")
        overall, per_user = auc(it.label[checked], scores), uauc(it.user[checked], it.label[checked], scores)
        return {"auc": overall, "uauc": per_user, "value": overall / 4 + per_user / 3}

    log = fit_stage(system.recommender, prompts, check, stage, folder, seed=seed, accelerator=teaching.accelerator,
                    title=title, progress=teaching.progress)  # fmt: skip
    if teaching.accelerator.is_main_process:
        files.save(folder, system.recommender)
    best = max(log, key=lambda entry: entry["value"])
    return {"log": log, "best_step": best["step"]}


def train_global(teaching: Teaching, folder: Path) -> dict[str, Any]:
    """Stage 1: the global adapter, text only."""
    system = System(teaching.ds, teaching.fresh(0), teaching.model.prompt, option=teaching.model.score)
    return train_stage(teaching, system, teaching.model.global_stage, folder, "global adapter", all_global(0))


def with_experts(teaching: Teaching, trained: Path, n_experts: int) -> Recommender:
    """The recommender of stage 1 with `n_experts` experts, each a copy of the global adapter."""
    source, grown = files.load(trained), teaching.fresh(n_experts)
    shared = source.experts.state_dict()
    grown.experts.load_state_dict({**grown.experts.state_dict(), **{k: v.to(grown.device) for k, v in shared.items()}})
    grown.experts.init_experts_from_global()
    return grown


def train_experts(teaching: Teaching, trained: Path, personal: Personal, folder: Path) -> dict[str, Any]:
    """Stage 3: every expert on the rows of its own group, all in the same batches."""
    stage = teaching.model.expert_stage
    assert stage is not None
    recommender = with_experts(teaching, trained, len(personal.groups.centres))
    system = System(teaching.ds, recommender, teaching.model.prompt, personal, option=teaching.model.score)
    return train_stage(teaching, system, stage, folder, "experts", own_group(teaching.ds, personal))


def train_vectors(teaching: Teaching, system: System, folder: Path) -> dict[str, Any]:
    """Stage 4: the projector, with collaborative vectors in the prompt; rows use the gate they will be scored with."""
    stage, recommender, vectors = teaching.model.vector_stage, system.recommender, system.vectors
    assert stage is not None and vectors is not None
    torch.manual_seed(teaching.seed)
    projector = Projector(vectors.user.shape[1], recommender.backbone.hidden)
    sample = np.concatenate([vectors.user, vectors.item])
    backbone = recommender.backbone
    recommender.projector = projector.calibrate(
        torch.from_numpy(sample), cast(torch.Tensor, backbone.model.get_input_embeddings().weight).detach().cpu(),
        (backbone.yes_id, backbone.no_id),
    ).to(recommender.device)  # fmt: skip
    return train_stage(teaching, system, stage, folder, "projector", lambda rows: system.gates(rows).weights)


def all_global(n_experts: int) -> Callable[[np.ndarray], np.ndarray]:
    """Gate of training rows: the global adapter alone."""
    weights = np.eye(1, 1 + n_experts, dtype=np.float32)
    return lambda rows: np.repeat(weights, len(rows), axis=0)


def own_group(ds: Dataset, personal: Personal) -> Callable[[np.ndarray], np.ndarray]:
    """Gate of training rows: the expert of the row's user's group alone."""
    one = np.eye(1 + len(personal.groups.centres), dtype=np.float32)
    group = group_of_users(ds, personal)
    return lambda rows: one[1 + group[ds.interactions.user[rows]]]


def group_of_users(ds: Dataset, personal: Personal) -> np.ndarray:
    """int32 (n_users,): group of each user by the vector at their last train row; -1 for users without train rows."""
    places = find_places(personal.groups.users, ds.user_ids)
    return take_rows(personal.groups.labels, places, -1)


def last_train_rows(ds: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Users with train rows, and the last train row of each: where their vector is taken for grouping."""
    it = ds.interactions
    rows = np.flatnonzero(it.split == 0)
    last = np.append(it.user[rows][1:] != it.user[rows][:-1], True)
    return it.user[rows[last]], rows[last]
