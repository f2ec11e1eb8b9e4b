"""The language-model stages of the ThinkRec paper: global adapter, experts, projector; all can be resumed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from accelerate import Accelerator

from thinkrec.collab.features.slot_vectors import SlotVectors
from thinkrec.collab.selection import Selector
from thinkrec.collab.trained_ids import find_places, take_rows
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN, VALID
from thinkrec.engine import checkpoint
from thinkrec.engine.recommender import Recommender
from thinkrec.io.processes import is_main, on_main
from thinkrec.model.adapters import attach
from thinkrec.model.backbone import load_backbone
from thinkrec.model.lora import ExpertConfig
from thinkrec.model.projector import Projector
from thinkrec.prompts.stored import Rendered
from thinkrec.prompts.types import Prompt
from thinkrec.score.predictor import Personal, System
from thinkrec.train.config import StageConfig
from thinkrec.train.loop import fit_stage, kept_record
from thinkrec.train.mixture import reason_pool, reasoning_rows, strided_rows, validation_rows
from thinkrec.train.model_config import ThinkRecModel


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
                gates: Callable[[np.ndarray], np.ndarray], *, keep_start: bool = True) -> dict[str, Any]:  # fmt: skip
    """Train one stage of `system.recommender` and save the result to `folder`.

    `gates`: rows -> adapter weights (rows, 1 + n) in training; validation uses the system's own gate. `keep_start`:
    whether the state before training may be the best one.
    Returns the log of checks, the step of the kept state, what selected it, and why that if it is not the usual.
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
    selector = Selector.of(it.user[checked], it.label[checked])
    if is_main():
        selector.warn("the states of language-model stages are")

    def check() -> dict[str, float]:
        return selector.measure(system.score(checked, title=f"{title}: validation"))

    log = fit_stage(system.recommender, prompts, check, stage, folder, seed=seed, accelerator=teaching.accelerator,
                    title=title, progress=teaching.progress, option=system.option, check_start=keep_start)  # fmt: skip
    on_main(lambda: checkpoint.save(folder, system.recommender))
    best = kept_record(log)
    if not best["step"] and is_main():
        warnings.warn(
            f"{title}: none of {len(log) - 1} checks was nearly as good on validation ({selector.by}) as the state"
            " before training, which is kept: the stage changed nothing. Other lr, epochs or checks may serve",
            stacklevel=2,
        )
    return {"log": log, "best_step": best["step"], "selected_by": selector.by, "selected_because": selector.why}


def train_global(teaching: Teaching, folder: Path) -> dict[str, Any]:
    """Stage 1: the global adapter, text only."""
    system = System(teaching.ds, teaching.fresh(0), teaching.model.prompt, option=teaching.model.score)
    # Nothing has yet told logit(Yes) alone which of its values mean Yes: untrained, it says Yes or No to all rows.
    return train_stage(teaching, system, teaching.model.global_stage, folder, "global adapter", all_global(0),
                       keep_start=system.option == "difference")  # fmt: skip


def with_experts(teaching: Teaching, trained: Path, n_experts: int) -> Recommender:
    """The recommender of stage 1 with `n_experts` experts, each a copy of the global adapter."""
    source, grown = checkpoint.load(trained), teaching.fresh(n_experts)
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
    sample, backbone = calibration_sample(teaching.ds, vectors, teaching.seed), recommender.backbone
    recommender.projector = projector.calibrate(
        torch.from_numpy(sample), cast(torch.Tensor, backbone.model.get_input_embeddings().weight).detach().cpu(),
        (backbone.yes_id, backbone.no_id),
    ).to(recommender.device)  # fmt: skip
    return train_stage(teaching, system, stage, folder, "projector", lambda rows: system.gates(rows).weights)


CALIBRATION_ROWS = 4096
"""Train rows whose user's and item's vectors a projector is standardised on; more would hardly change it."""


def calibration_sample(ds: Dataset, vectors: SlotVectors, seed: int) -> np.ndarray:
    """float32 (2 m, d): the user's and the item's vectors of m train rows, all or CALIBRATION_ROWS drawn by seed."""
    rows = np.flatnonzero(ds.interactions.split == TRAIN)
    if len(rows) > CALIBRATION_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, CALIBRATION_ROWS, replace=False))
    return np.concatenate([vectors.user[rows], vectors.item[rows]])


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
    rows = np.flatnonzero(it.split == TRAIN)
    last = np.append(it.user[rows][1:] != it.user[rows][:-1], True)
    return it.user[rows[last]], rows[last]
