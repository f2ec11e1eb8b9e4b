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

from thinkrec.collab.features.slot_vectors import PlaceholderVectors
from thinkrec.collab.selection import ModelSelector
from thinkrec.collab.trained_ids import find_positions, take_rows
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN, VALID
from thinkrec.engine import checkpoint
from thinkrec.engine.parts import move_modules
from thinkrec.engine.recommender import Recommender
from thinkrec.errors import CheckpointError
from thinkrec.io.processes import compute_shares, is_main, run_on_main
from thinkrec.model.adapters import attach_adapters
from thinkrec.model.backbone import load_backbone
from thinkrec.model.lora import MultiLoRAConfig
from thinkrec.model.projector import Projector
from thinkrec.model.soft_prompt import create_soft_prompt
from thinkrec.prompts.answers import find_answer_ids
from thinkrec.prompts.stored import LazyPrompts
from thinkrec.prompts.templates import get_template
from thinkrec.prompts.types import Prompt
from thinkrec.score.predictor import AdapterRouter, Predictor
from thinkrec.train.config import StageConfig
from thinkrec.train.loop import fit_stage, select_best_record
from thinkrec.train.mixture import (
    draw_stage_rows,
    sample_reasoning_rows,
    sample_validation_rows,
    select_rows_with_reasons,
)
from thinkrec.train.model_config import ThinkRecConfig
from thinkrec.train.plan_teacher import PlanTeacher
from thinkrec.train.sharding import Sharding, move_recommender
from thinkrec.train.soft_labels import SoftLabels


@dataclass(frozen=True, eq=False)
class StageContext:
    """What all stages share: rows, reasons, seed, and how to run."""

    ds: Dataset
    model: ThinkRecConfig
    reasons: Mapping[int, str]
    """Row number -> reason."""
    seed: int
    progress: bool
    accelerator: Accelerator
    sharding: Sharding = "none"
    """Whether the backbone is spread over the processes (`thinkrec.train.sharding`)."""

    def build_recommender(self, n_experts: int) -> Recommender:
        """The backbone with untrained adapters, and with a soft prompt where the template has soft tokens."""
        torch.manual_seed(self.seed)
        backbone = load_backbone(self.model.backbone)
        config = MultiLoRAConfig(**self.model.adapters.model_dump(), n_experts=n_experts)
        template = get_template(self.model.prompt.template)
        answers = find_answer_ids(template.answers, backbone.tokenizer, backbone.name)
        recommender = Recommender(backbone, attach_adapters(backbone.model, config), answers=answers)
        if template.n_soft_tokens:
            recommender.soft_prompt = create_soft_prompt(backbone, template.n_soft_tokens)
        return move_recommender(recommender, self.accelerator, self.sharding)


def train_stage(
    teaching: StageContext,
    system: Predictor,
    stage: StageConfig,
    folder: Path,
    title: str,
    gates: Callable[[np.ndarray], np.ndarray],
    *,
    keep_start: bool = True,
) -> dict[str, Any]:
    """Train one stage of `system.recommender`, or take its weights (`stage.weights`), and save the result to `folder`.

    `gates`: rows -> adapter weights (rows, 1 + n) in training; validation uses the system's own gate. `keep_start`:
    whether the state before training may be the best one.
    Returns the log of checks, the step of the kept state, what selected it, and why that if it is not the usual.
    """
    if stage.weights is not None:
        return take_trained_parts(system.recommender, stage, folder)
    ds, seed, share = teaching.ds, teaching.seed, teaching.model.reasons.share
    pool = select_rows_with_reasons(ds, teaching.reasons)
    renderer, vectors = system.renderer, system.vectors
    plan_share = teaching.model.reasons.plan_share
    planner = PlanTeacher.build(system, teaching.model.reasons, teaching.reasons) if plan_share else None
    plan_pool = planner.select_rows() if planner is not None else pool
    soft = None if stage.soft_labels is None else SoftLabels.read(ds, stage.soft_labels, stage.soft_label_weight)

    def prompts(epoch: int) -> Sequence[Prompt]:
        rating, reasoning = draw_stage_rows(ds, pool, stage, share, epoch, seed)
        n_usual = len(rating) + len(reasoning)
        planned = sample_reasoning_rows(plan_pool, n_usual, plan_share, epoch, seed, stream=2)
        texts = [None] * len(rating) + [teaching.reasons[int(row)] for row in reasoning]
        rows = np.concatenate([rating, reasoning, planned])
        weights = gates(rows)

        def render(i: int) -> Prompt:
            if i >= n_usual:
                assert planner is not None
                return planner.render_row(int(rows[i]), gate=weights[i], vectors=vectors)
            prompt = renderer.render_row(
                int(rows[i]),
                gate=weights[i],
                vectors=vectors,
                reason=texts[i],
                with_answer=True,
                history_loss=stage.history_loss,
                side_weight=teaching.model.reasons.side_weight,
            )
            if soft is None or i >= len(rating):
                return prompt
            answered = list_answered_rows(system, prompt, int(rows[i]))
            return soft.soften_prompt(prompt, answered, renderer.labels)

        return LazyPrompts(len(rows), render)

    interactions = ds.interactions
    checked = sample_validation_rows(ds, interactions.get_split_rows(VALID), stage.max_valid_rows, seed)
    selector = ModelSelector.from_labels(interactions.user[checked], interactions.label[checked])
    if is_main():
        selector.warn_fallback("the states of language-model stages are")

    def check() -> dict[str, float]:
        with system.recommender.inference_mode():
            scores = compute_shares(checked, lambda rows: system.score(rows, title=f"{title}: validation"))
        return selector.compute_metrics(scores)

    log = fit_stage(
        system.recommender,
        prompts,
        check,
        stage,
        folder,
        seed=seed,
        accelerator=teaching.accelerator,
        title=title,
        progress=teaching.progress,
        option=system.option,
        check_start=keep_start,
    )
    run_on_main(lambda: checkpoint.save_recommender(folder, system.recommender))
    best = select_best_record(log)
    if not best["step"] and is_main():
        warnings.warn(
            f"{title}: none of {len(log) - 1} checks was nearly as good on validation ({selector.criterion}) as the"
            " state before training, which is kept: the stage changed nothing. Other lr, epochs or checks may serve",
            stacklevel=2,
        )
    return {
        "log": log,
        "best_step": best["step"],
        "selected_by": selector.criterion,
        "selected_because": selector.fallback_reason,
    }


def list_answered_rows(system: Predictor, prompt: Prompt, row: int) -> np.ndarray:
    """int64 (q,): the row that each answer of a row's training prompt is the label of; its own is the last."""
    if len(prompt.answer_at) == 1:
        return np.array([row], dtype=np.int64)
    item, slots = int(system.ds.interactions.item[row]), system.slot_encoder is not None
    past = system.renderer.list_visible_history(row, item, slots=slots)
    # The verdict that is taught takes a token of room, so that the oldest line may have given way to it.
    return np.append(past, row)[-len(prompt.answer_at) :]


def take_trained_parts(recommender: Recommender, stage: StageConfig, folder: Path) -> dict[str, Any]:
    """In place of training: put the stage's parts from `stage.weights` into a recommender, and save it to `folder`.

    Returns what done.json says of it. Raises CheckpointError where the weights are of another backbone, of adapters of
    another shape, or lack a part that the stage is to give.
    """
    assert stage.weights is not None
    manifest = checkpoint.read_recommender_config(stage.weights)
    own, theirs = recommender.adapters.config, MultiLoRAConfig(**manifest["adapters"])
    shape = ("rank", "alpha", "targets", "layers")
    for key in (*shape, "expert_layers", "n_experts") if "experts" in stage.train else shape:
        if getattr(own, key) != getattr(theirs, key):
            raise CheckpointError(
                f"the weights in {stage.weights} have adapters with {key} {getattr(theirs, key)}, and the recipe has"
                f" {getattr(own, key)}; use the recipe that they were trained with"
            )
    checkpoint.load_parts(recommender, stage.weights, manifest, stage.train)
    run_on_main(lambda: checkpoint.save_recommender(folder, recommender))
    return {"log": [], "best_step": 0, "selected_by": None, "selected_because": None, "weights": str(stage.weights)}


def train_global_adapter(teaching: StageContext, folder: Path) -> dict[str, Any]:
    """Stage 1: the global adapter, text only."""
    system = Predictor(teaching.ds, teaching.build_recommender(0), teaching.model.prompt, option=teaching.model.score)
    # Nothing has yet told logit(Yes) alone which of its values mean Yes: untrained, it says Yes or No to all rows.
    return train_stage(
        teaching,
        system,
        teaching.model.global_stage,
        folder,
        "global adapter",
        make_global_gate(0),
        keep_start=system.option == "difference",
    )


def load_with_experts(teaching: StageContext, trained: Path, n_experts: int) -> Recommender:
    """The recommender of stage 1 with `n_experts` experts, each a copy of the global adapter."""
    source, grown = checkpoint.load_recommender(trained), teaching.build_recommender(n_experts)
    shared = source.adapters.state_dict()
    grown.adapters.load_state_dict(
        {**grown.adapters.state_dict(), **{k: v.to(grown.device) for k, v in shared.items()}}
    )
    grown.adapters.init_group_adapters()
    move_modules(source, grown)
    return grown


def train_experts(teaching: StageContext, trained: Path, personal: AdapterRouter, folder: Path) -> dict[str, Any]:
    """Stage 3: every expert on the rows of its own group, all in the same batches."""
    stage = teaching.model.expert_stage
    assert stage is not None
    recommender = load_with_experts(teaching, trained, len(personal.groups.centres))
    system = Predictor(teaching.ds, recommender, teaching.model.prompt, personal, option=teaching.model.score)
    return train_stage(teaching, system, stage, folder, "experts", make_group_gate(teaching.ds, personal))


def train_projector(teaching: StageContext, system: Predictor, folder: Path) -> dict[str, Any]:
    """Stage 4: the projector, with collaborative vectors in the prompt; rows use the gate they will be scored with."""
    stage, recommender, vectors = teaching.model.vector_stage, system.recommender, system.vectors
    assert stage is not None and vectors is not None
    torch.manual_seed(teaching.seed)
    projector = Projector(vectors.user.shape[1], recommender.backbone.hidden_size)
    sample, backbone = sample_calibration_vectors(teaching.ds, vectors, teaching.seed), recommender.backbone
    recommender.projector = projector.calibrate(
        torch.from_numpy(sample),
        cast(torch.Tensor, backbone.model.get_input_embeddings().weight).detach().cpu(),
        recommender.answers.written_pair,
    ).to(recommender.device)
    return train_stage(teaching, system, stage, folder, "projector", lambda rows: system.compute_gates(rows).weights)


CALIBRATION_ROWS = 4096
"""Train rows whose user's and item's vectors a projector is standardised on; more would hardly change it."""


def sample_calibration_vectors(ds: Dataset, vectors: PlaceholderVectors, seed: int) -> np.ndarray:
    """float32 (2 m, d): the user's and the item's vectors of m train rows, all or CALIBRATION_ROWS drawn by seed."""
    rows = np.flatnonzero(ds.interactions.split == TRAIN)
    if len(rows) > CALIBRATION_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, CALIBRATION_ROWS, replace=False))
    return np.concatenate([vectors.user[rows], vectors.item[rows]])


def make_global_gate(n_experts: int) -> Callable[[np.ndarray], np.ndarray]:
    """Gate of training rows: the global adapter alone."""
    weights = np.eye(1, 1 + n_experts, dtype=np.float32)
    return lambda rows: np.repeat(weights, len(rows), axis=0)


def make_group_gate(ds: Dataset, personal: AdapterRouter) -> Callable[[np.ndarray], np.ndarray]:
    """Gate of training rows: the expert of the row's user's group alone."""
    one = np.eye(1 + len(personal.groups.centres), dtype=np.float32)
    group = find_user_groups(ds, personal)
    return lambda rows: one[1 + group[ds.interactions.user[rows]]]


def find_user_groups(ds: Dataset, personal: AdapterRouter) -> np.ndarray:
    """int32 (n_users,): group of each user by the vector at their last train row; -1 for users without train rows."""
    places = find_positions(personal.groups.users, ds.user_ids)
    return take_rows(personal.groups.labels, places, -1)


def find_last_train_rows(ds: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Users with train rows, and the last train row of each: where their vector is taken for grouping."""
    interactions = ds.interactions
    rows = np.flatnonzero(interactions.split == TRAIN)
    last = np.append(interactions.user[rows][1:] != interactions.user[rows][:-1], True)
    return interactions.user[rows[last]], rows[last]
