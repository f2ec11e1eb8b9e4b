"""One more expert for a trained run: a new group of users, the frozen global adapter, and what was trained before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from thinkrec.engine import checkpoint
from thinkrec.engine.recommender import Recommender
from thinkrec.errors import DataError
from thinkrec.io.hashing import hash_json
from thinkrec.io.processes import run_on_main
from thinkrec.personal.groups import UserGroups
from thinkrec.run.inputs import MODEL_CODE, build_stage_inputs
from thinkrec.run.pipeline import Run
from thinkrec.run.variants import Variant, find_variant
from thinkrec.score.predictor import AdapterRouter, Predictor
from thinkrec.train import stages

EXPERT, UPDATED, JOINED = "added/expert", "added/updated", "added/joined"
"""Stages, and folders in the run: the new expert alone, the global adapter trained further, all experts together."""
GROUPS = "groups.safetensors"
"""In the folder of all experts together: the groups with the new one."""


@dataclass(frozen=True, eq=False)
class ExtendedRun:
    """What a new group of users left in a run's folder."""

    groups: UserGroups
    """Those of before, whose labels and centres are as they were, and the new group behind them."""
    updated: Variant
    """The global adapter, trained further on the rows of the new users."""
    joined: Variant
    """The experts of before and the new one."""


def append_group(groups: UserGroups, users: list[Any], vectors: np.ndarray) -> UserGroups:
    """`groups` with one more behind them: its centre is the mean of the vectors (users, d), float32, of its users.

    Raises DataError where all vectors are the same: the encoder cannot tell these users apart from one another, nor
    from others that it has not seen.
    """
    if len(vectors) > 1 and not np.ptp(vectors, axis=0).any():
        raise DataError(
            "the encoder gives all new users the same vector, since it learned a vector for each user that it was "
            "trained on; take one that reads a user's rows, such as -o 'model.encoder={kind: sasrec}'"
        )
    n = len(groups.centres)
    centre = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    return UserGroups(
        users=[*groups.users, *users],
        labels=np.append(groups.labels, np.full(len(users), n, dtype=groups.labels.dtype)),
        centres=np.vstack([groups.centres, centre]),
        mean=groups.mean,
        std=groups.std,
    )


def append_expert(trained: Path, single: Path, context: stages.StageContext) -> Recommender:
    """The recommender in `trained` with the only expert of the one in `single` behind its own.

    Both were grown from the same global adapter; all adapters are copied as they are.
    """
    old, new = checkpoint.load_recommender(trained), checkpoint.load_recommender(single)
    n = old.adapters.config.n_experts
    grown = context.build_recommender(n + 1)
    for k in range(n + 1):
        grown.adapters.load_peft_tensors(k, old.adapters.get_peft_tensors(k))
    grown.adapters.load_peft_tensors(n + 1, new.adapters.get_peft_tensors(1))
    return grown


def add_user_group(run: Run, added: Run, keys: dict[Variant, str]) -> ExtendedRun:
    """Stages: what the users of `added` change in a run whose experts are trained.

    Args:
        run: trained on other users, text only.
        added: the same recipe and folder, on the rows of the new users alone.
        keys: the hashes of the run's stages, by variant.

    Raises DataError as `append_group` does.
    """
    start, experts = find_variant(run.recipe, "global"), find_variant(run.recipe, "experts")
    stage = run.model.expert_stage
    assert stage is not None
    users, last = stages.find_last_train_rows(added.ds)
    ids, vectors = [added.ds.user_ids[user] for user in users], run.encoder.encode_users(added.ds, last)
    groups, context = append_group(run.user_groups, ids, vectors), added.stage_context
    inputs = {
        **added.base_inputs,
        start.stage: keys[start],
        "users": hash_json([str(name) for name in ids]),
        "config": build_stage_inputs(stage),
    }

    def train_expert(folder: Path) -> dict[str, Any]:
        alone = replace(groups, users=ids, labels=np.zeros(len(ids), np.int32), centres=groups.centres[-1:])
        router = AdapterRouter(run.encoder, alone, run.model.gate)
        return stages.train_experts(context, run.folder / start.stage, router, folder)

    def update_global(folder: Path) -> dict[str, Any]:
        option = run.model.score
        system = Predictor(added.ds, checkpoint.load_recommender(run.folder / start.stage), run.model.prompt)
        system = replace(system, recommender=system.recommender.to(context.accelerator.device), option=option)
        own = stage.model_copy(update={"train": ("global",)})
        return stages.train_stage(context, system, own, folder, "global adapter, updated", stages.make_global_gate(0))

    def join_experts(folder: Path) -> dict[str, Any]:
        grown = append_expert(run.folder / experts.stage, run.folder / EXPERT, context)
        run_on_main(lambda: checkpoint.save_recommender(folder, grown))
        run_on_main(lambda: groups.save(folder / GROUPS))
        return {"experts": len(groups.centres)}

    runner = run.stage_runner
    expert_key = runner.run(EXPERT, inputs, train_expert, MODEL_CODE, shared=True)
    runner.run(UPDATED, inputs, update_global, MODEL_CODE, shared=True)
    both = {"experts": keys[experts], "added": expert_key}
    runner.run(JOINED, both, join_experts, MODEL_CODE, shared=True)
    return ExtendedRun(groups, replace(start, stage=UPDATED), replace(experts, stage=JOINED))
