"""A run: the stages of a recipe in order, each in its own folder, from data to report."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from accelerate import Accelerator

from thinkrec.collab import ScorerConfig, build_scorer, describe_scorer, load_scorer
from thinkrec.collab.encoder import Encoder
from thinkrec.collab.features.slot_encoder import SlotEncoder
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST
from thinkrec.data.snapshot import write_snapshot
from thinkrec.engine import checkpoint
from thinkrec.engine.recommender import Recommender
from thinkrec.errors import ThinkRecError
from thinkrec.io.files import write_json, write_text
from thinkrec.io.processes import compute_shares, is_main, make_accelerator, run_on_main
from thinkrec.model.backbone import resolve_backbone_dtype
from thinkrec.personal.groups import UserGroups
from thinkrec.run.backbone_choice import describe_backbone, resolve_backbone
from thinkrec.run.composition import build_composition_inputs, fit_run_composition, load_composer
from thinkrec.run.data_sources import collect_reasons, load_data, match_simulation
from thinkrec.run.inputs import (
    GROUP_CODE,
    MODEL_CODE,
    OLDER_GROUP_INPUTS,
    OLDER_VARIANT_INPUTS,
    SCORER_CODE,
    build_gate_inputs,
    build_group_inputs,
    build_stage_inputs,
    build_text_inputs,
)
from thinkrec.run.layout import (
    COMPOSED,
    DATA,
    GROUPS,
    NON_PERSONALISED,
    find_composition_scorer_stage,
    find_encoder_stage,
    find_stale_stages,
    get_scorer_stage,
    list_shared_stages,
    lock_run_folder,
    map_rows_to_stages,
)
from thinkrec.run.options import RunOptions
from thinkrec.run.predictions import read_predictions, write_predictions
from thinkrec.run.preflight import check_data
from thinkrec.run.provenance import describe_environment
from thinkrec.run.recipe import Recipe, dump_recipe, resolve_paths
from thinkrec.run.stage import StageRunner
from thinkrec.run.user_groups import fit_slot_encoder, fit_user_groups, load_slot_encoder, load_user_groups
from thinkrec.run.variants import (
    Variant,
    collect_needs,
    collect_recipe_needs,
    find_parent,
    find_row,
    get_final_variant,
    get_stage_config,
    list_variants,
)
from thinkrec.score.composer import Composer
from thinkrec.score.predictor import AdapterRouter, Predictor
from thinkrec.simulate.simulator import Simulation
from thinkrec.train import stages
from thinkrec.train.model_config import ThinkRecConfig
from thinkrec.train.sharding import move_recommender


@dataclass(eq=False)
class Run:
    """A recipe and the folder where its stages keep what they made."""

    recipe: Recipe
    folder: Path
    progress: bool = False
    preloaded_dataset: Dataset | None = None
    """The data, where they are at hand; by default what the recipe names is loaded."""
    ignore_code_changes: bool = False
    """See `StageRunner.ignore_code_changes`."""
    options: RunOptions = field(default_factory=RunOptions)
    """How it is run; its seed is the recipe's already (`RunOptions.apply_seed`)."""
    failures: dict[str, str] = field(default_factory=dict)
    """Baseline -> why it has no row in the table."""

    def __post_init__(self) -> None:
        """Name the backbone that `model.backbone.source: auto` means here."""
        asked = self.recipe
        self.recipe = resolve_backbone(asked)
        self._composition_key = ""
        self._asked_source = asked.model.backbone.source if isinstance(asked.model, ThinkRecConfig) else ""

    # -- data --------------------------------------------------------------------------------------------------------

    @cached_property
    def ds(self) -> Dataset:
        """The data set."""
        if self.preloaded_dataset is not None:
            return self.preloaded_dataset
        return self.simulation.dataset if self.simulation else load_data(self.recipe.data, self.folder / "keywords")[0]

    @cached_property
    def simulation(self) -> Simulation | None:
        """What was planted in the data, where they are simulated and the simulator still makes the data of the run."""
        if self.recipe.data.kind != "simulator":
            return None
        return match_simulation(load_data(self.recipe.data)[1], self.preloaded_dataset, self.folder)

    @cached_property
    def test_rows(self) -> np.ndarray:
        """Test rows, in `order` order."""
        return self.ds.interactions.get_split_rows(TEST)

    # -- stages ------------------------------------------------------------------------------------------------------

    @cached_property
    def stage_runner(self) -> StageRunner:
        """The folder's stages."""
        return StageRunner(self.folder, self.progress, self.ignore_code_changes, self.options.reuse)

    @cached_property
    def base_inputs(self) -> dict[str, Any]:
        """Inputs of every stage."""
        return {"data": self.ds.compute_fingerprint(), "seed": self.recipe.seed}

    @cached_property
    def accelerator(self) -> Accelerator:
        """How and where the run computes."""
        return make_accelerator(self.options.device)

    def fit_scorer(self, stage: str, config: ScorerConfig) -> str:
        """Stage: fit a scorer and score the test rows; returns the stage's hash."""

        def work(folder: Path) -> dict[str, Any]:
            model = build_scorer(config)
            log = model.fit(self.ds, seed=self.recipe.seed, progress=self.progress)
            model.save(folder)
            write_predictions(folder, self.ds, self.test_rows, model.score(self.ds, self.test_rows))
            return {"log": log, "config": config.model_dump(mode="json")}

        inputs = {**self.base_inputs, **describe_scorer(config)}
        return self.stage_runner.run(stage, inputs, work, SCORER_CODE)

    def fit_baseline(self, name: str, config: ScorerConfig) -> None:
        """A scorer for the table; where it fails, the reason is kept in `failures` and the run goes on."""
        stage = get_scorer_stage(name)
        try:
            self.fit_scorer(stage, config)
        except (ThinkRecError, ValueError, ArithmeticError, MemoryError, RuntimeError) as error:
            if stage in list_shared_stages(self.recipe):
                raise
            reason = (str(error).strip() or "no message").splitlines()[0]
            self.failures[name] = reason if isinstance(error, ThinkRecError) else f"{type(error).__name__}: {reason}"
            self.stage_runner.print_line(f"{name}: no row in the table: {self.failures[name]}")

    def read_scores(self, folder: Path) -> np.ndarray:
        """float64: scores of the test rows that a stage wrote. Raises CheckpointError where they are of other rows."""
        return read_predictions(folder, self.ds, self.test_rows)

    # -- what variants of the language model share -------------------------------------------------------------------

    @property
    def model(self) -> ThinkRecConfig:
        """The recipe's model, where it is ThinkRec's own."""
        assert self.recipe.model.kind == "thinkrec"
        return self.recipe.model

    @cached_property
    def encoder(self) -> Encoder:
        """The collaborative encoder, fitted."""
        return cast(Encoder, load_scorer(self.model.encoder, self.folder / find_encoder_stage(self.recipe)))

    def group_users(self) -> str:
        """Stages: the encoder, then users into groups and the statistics for slots; returns the hash of the latter.

        Only what the recipe's variants need is fitted.
        """
        needs, seed = collect_recipe_needs(self.recipe), self.recipe.seed

        def work(folder: Path) -> dict[str, Any]:
            if "slots" in needs:
                fit_slot_encoder(self.ds, self.slot_vector_encoder, self.model, seed, folder)
            return fit_user_groups(self.ds, self.encoder, self.model, seed, folder) if "groups" in needs else {}

        inputs = {**self.base_inputs, **build_group_inputs(self.model, needs)}
        if "encoder" in needs:
            inputs["encoder"] = self.fit_scorer(find_encoder_stage(self.recipe), self.model.encoder)
        return self.stage_runner.run(GROUPS, inputs, work, GROUP_CODE, ignored=OLDER_GROUP_INPUTS)

    @cached_property
    def user_groups(self) -> UserGroups:
        """The groups of users."""
        return load_user_groups(self.folder / GROUPS)

    @cached_property
    def adapter_router(self) -> AdapterRouter:
        """Groups and gate."""
        return AdapterRouter(self.encoder, self.user_groups, self.model.gate)

    @property
    def slot_vector_encoder(self) -> Encoder | None:
        """The encoder whose vectors slot vectors carry; None where they carry none."""
        return self.encoder if self.model.embeddings else None

    @cached_property
    def slot_encoder(self) -> SlotEncoder:
        """Slot vectors."""
        return load_slot_encoder(self.folder / GROUPS, self.slot_vector_encoder)

    @cached_property
    def reasons(self) -> dict[int, str]:
        """Reasons to train on, by row."""
        return collect_reasons(self.ds, self.model, self.recipe.seed)

    @cached_property
    def stage_context(self) -> stages.StageContext:
        """What the language-model stages share."""
        given = self.ds, self.model, self.reasons, self.recipe.seed, self.progress, self.accelerator
        return stages.StageContext(*given, self.options.sharding)

    # -- variants ----------------------------------------------------------------------------------------------------

    def train_variants(self) -> dict[Variant, str]:
        """Every variant of the recipe, and before it what it needs; variant -> hash of its stage, in order."""
        keys: dict[Variant, str] = {}
        text_inputs = {**self.base_inputs, **build_text_inputs(self.ds, self.model, self.reasons)}
        group_key = ""
        for variant in list_variants(self.model):
            inputs, needs = text_inputs, collect_needs(variant, self.model)
            if needs:
                # Not before a variant needs it: a recipe of text alone fits no encoder and no groups.
                group_key = group_key or self.group_users()
                inputs = {**text_inputs, "groups": group_key}
            if "groups" in needs:
                inputs["gate"] = build_gate_inputs(self.model.gate)
            keys[variant] = self.train_variant(variant, inputs, keys)
        self.compose_score(get_final_variant(self.model), keys)
        return keys

    def train_variant(self, variant: Variant, inputs: dict[str, Any], trained: dict[Variant, str]) -> str:
        """Stage: one variant, from its parent; returns the stage's hash.

        `inputs`: what decides the result besides the parent and the stage's own settings. `trained`: the hashes of the
        variants before it.
        """
        parent, config = find_parent(variant, self.model), get_stage_config(variant, self.model)
        assert config is not None
        inputs = {**inputs, "config": build_stage_inputs(config)}
        if parent is not None:
            inputs[parent.stage] = trained[parent]

        def work(folder: Path) -> dict[str, Any]:
            if parent is None:
                return stages.train_global_adapter(self.stage_context, folder)
            if "slots" in variant.needs:
                start = replace(self.load_predictor(parent), slot_encoder=self.slot_encoder)
                return stages.train_projector(self.stage_context, start, folder)
            return stages.train_experts(self.stage_context, self.folder / parent.stage, self.adapter_router, folder)

        return self.stage_runner.run(variant.stage, inputs, work, MODEL_CODE, shared=True, ignored=OLDER_VARIANT_INPUTS)

    def load_recommender(self, variant: Variant) -> Recommender:
        """A variant's recommender where the run computes, settled for answering: capabilities, mode, merged weights."""
        recommender = checkpoint.load_recommender(self.folder / variant.stage)
        recommender.max_workers = self.options.workers
        return move_recommender(recommender, self.accelerator, self.options.sharding).freeze_for_inference()

    def compose_score(self, variant: Variant, trained: dict[Variant, str]) -> None:
        """Stages: the scorer that the last variant's score is composed with, if any, and the weights of all parts."""
        config, stage = self.model.composition, find_composition_scorer_stage(self.recipe)
        if config is None:
            return
        inputs = {**self.base_inputs, variant.stage: trained[variant], **build_composition_inputs(config)}
        if stage is not None and config.scorer is not None:
            inputs["scorer"] = self.fit_scorer(stage, config.scorer)

        def work(folder: Path) -> dict[str, Any]:
            predictor = self.load_predictor(variant, is_composed=False)
            return fit_run_composition(predictor, self.load_composer(None), folder, self.recipe.seed, self.progress)

        self._composition_key = self.stage_runner.run(COMPOSED, inputs, work, MODEL_CODE, shared=True)

    def load_composer(self, folder: Path | None) -> Composer:
        """What makes composed scores; `folder`: of the fitted weights, None before there are any."""
        assert self.model.composition is not None
        stage, progress = find_composition_scorer_stage(self.recipe), self.progress and is_main()
        scorer = self.folder / stage if stage else None
        return load_composer(self.model.composition, self.slot_encoder, scorer, folder, progress)

    def load_predictor(self, variant: Variant, *, is_composed: bool = True) -> Predictor:
        """The trained recommender of a variant where the run computes; `is_composed`: its score, where asked for."""
        is_composed = is_composed and self.has_composition(variant)
        needs = collect_needs(variant, self.model)
        has_slots = "slots" in needs
        return Predictor(
            self.ds,
            self.load_recommender(variant),
            self.model.prompt,
            self.adapter_router if "groups" in needs else None,
            self.slot_encoder if has_slots else None,
            self.model.score,
            self.model.score_prior if has_slots else None,
            self.load_composer(self.folder / COMPOSED) if is_composed else None,
        )

    def has_composition(self, variant: Variant) -> bool:
        """Whether a variant's score is composed: that of the last one, where the recipe asks for it."""
        return self.model.composition is not None and variant is get_final_variant(self.model)

    def score_variant(self, variant: Variant, trained: str) -> None:
        """Stage: scores of the test rows; `trained`: the hash of the stage that trained the variant."""

        def work(folder: Path) -> dict[str, Any]:
            title = f"scoring ({find_row(self.recipe, variant)})"
            score = partial(self.load_predictor(variant).score, title=title, progress=self.progress)
            scores = compute_shares(self.test_rows, score)
            run_on_main(lambda: write_predictions(folder, self.ds, self.test_rows, scores))
            return {}

        prior = self.model.score_prior if "slots" in collect_needs(variant, self.model) else None
        inputs = {
            **self.base_inputs,
            variant.stage: trained,
            "prior": None if prior is None else prior.model_dump(mode="json"),
        }
        if self.has_composition(variant):
            inputs[COMPOSED] = self._composition_key
        self.stage_runner.run(variant.scores, inputs, work, MODEL_CODE, shared=True)

    # -- the walk ----------------------------------------------------------------------------------------------------

    def describe_environment(self) -> dict[str, Any]:
        """Versions, commit and hardware; with a language model also its source and the format that it is held in."""
        if not isinstance(self.recipe.model, ThinkRecConfig):
            return describe_environment()
        backbone = self.model.backbone
        held = {"source": backbone.source, "dtype": resolve_backbone_dtype(backbone)}
        return {**describe_environment(), "backbone": held}

    def prepare_folder(self) -> None:
        """Write what makes the folder self-describing: the resolved recipe, the environment, and a copy of the data.

        Says which backbone will be trained; raises CheckpointError where it is missing.
        """
        if isinstance(self.recipe.model, ThinkRecConfig):
            self.stage_runner.print_line(describe_backbone(self.model.backbone, self._asked_source))
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.folder / "recipe.yaml", dump_recipe(resolve_paths(self.recipe)))
        write_json(self.folder / "environment.json", self.describe_environment())
        write_snapshot(self.ds, self.folder / DATA, date=time.strftime("%Y-%m-%d %H:%M"))
        for stale in find_stale_stages(self.recipe, self.folder):
            name = stale.relative_to(self.folder).as_posix()
            self.stage_runner.print_line(f"{name}: removed, since the recipe no longer has it")
            shutil.rmtree(stale)

    def train_all_stages(self) -> None:
        """Every stage that answers rest on, and none that is only for a table: no baselines, no scores of test rows.

        Raises as `run_all_stages` does.
        """
        with lock_run_folder(self.folder):
            run_on_main(lambda: check_data(self.recipe, self.ds))
            run_on_main(self.prepare_folder)
            if isinstance(self.recipe.model, ThinkRecConfig):
                self.train_variants()
            else:
                self.fit_scorer(get_scorer_stage("model"), self.recipe.model)

    def run_all_stages(self, report: Callable[[Run, dict[str, Path]], Any]) -> Any:
        """Every stage, then `report(run, {table row: folder of its predictions})`, in the main process for all.

        A baseline that cannot be fitted costs its own row: see `failures`. Raises CheckpointError where another process
        works in the folder, and DataError before the first step for data that a later stage could not use.
        """
        with lock_run_folder(self.folder):
            run_on_main(lambda: check_data(self.recipe, self.ds))
            run_on_main(self.prepare_folder)
            for name, config in {**NON_PERSONALISED, **self.recipe.baselines}.items():
                self.fit_baseline(name, config)
            if isinstance(self.recipe.model, ThinkRecConfig):
                for variant, key in self.train_variants().items():
                    self.score_variant(variant, key)
            else:
                self.fit_scorer(get_scorer_stage("model"), self.recipe.model)
            tables = {name: self.folder / stage for name, stage in map_rows_to_stages(self.recipe).items()}
            return run_on_main(
                lambda: report(self, {name: folder for name, folder in tables.items() if name not in self.failures})
            )
