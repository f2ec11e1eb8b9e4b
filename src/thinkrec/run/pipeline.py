"""A run: the stages of a recipe in order, each in its own folder, from data to report."""

from __future__ import annotations

import shutil
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from accelerate import Accelerator

from thinkrec.collab import KINDS, ScorerConfig, build_scorer
from thinkrec.collab.encoder import Encoder
from thinkrec.collab.features.slot_encoder import SlotEncoder
from thinkrec.data.columns import DataWarning
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST, TRAIN
from thinkrec.data.output_tables import write_table
from thinkrec.data.snapshot import write_snapshot
from thinkrec.engine import checkpoint
from thinkrec.engine.capabilities import probe_capabilities
from thinkrec.engine.recommender import Recommender
from thinkrec.errors import CheckpointError, ThinkRecError
from thinkrec.io.files import write_json, write_text
from thinkrec.io.hashing import hash_json
from thinkrec.io.processes import make_accelerator, run_on_main
from thinkrec.personal.groups import UserGroups, fit_groups
from thinkrec.reasons.written import read_written_reasons
from thinkrec.run.data_sources import find_data_folder, load_data
from thinkrec.run.inputs import (
    GROUP_CODE,
    MODEL_CODE,
    SCORER_CODE,
    build_backbone_inputs,
    hash_prompt_sample,
    hash_reasons,
)
from thinkrec.run.options import RunOptions
from thinkrec.run.preflight import check_data
from thinkrec.run.provenance import describe_environment
from thinkrec.run.recipe import Recipe, dump_recipe, resolve_paths
from thinkrec.run.stage import StageRunner, read_stage_result
from thinkrec.run.variants import (
    DATA,
    EXPERTS,
    FULL,
    GLOBAL,
    NON_PERSONALISED,
    STAGE_OF_VARIANT,
    find_encoder_stage,
    find_stale_stages,
    get_scores_stage,
    lock_run_folder,
    map_rows_to_stages,
)
from thinkrec.score.predictor import AdapterRouter, Predictor
from thinkrec.simulate.simulator import Simulation
from thinkrec.train import stages
from thinkrec.train.mixture import write_rule_reasons
from thinkrec.train.model_config import ThinkRecConfig

ORDER, SCORE = "order", "score"


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

    @cached_property
    def ds(self) -> Dataset:
        """The data set."""
        if self.preloaded_dataset is not None:
            return self.preloaded_dataset
        return self.simulation.dataset if self.simulation else load_data(self.recipe.data, self.folder / "keywords")[0]

    @cached_property
    def simulation(self) -> Simulation | None:
        """What was planted in the data, where they are simulated; None, with a DataWarning, where the simulator makes
        other data now than those of the run.
        """
        if self.recipe.data.kind != "world":
            return None
        world = load_data(self.recipe.data)[1]
        if (
            world is not None
            and self.preloaded_dataset is not None
            and world.dataset.compute_fingerprint() != self.preloaded_dataset.compute_fingerprint()
        ):
            warnings.warn(
                f"the simulator has changed since {self.folder} was run: what was planted in its data is not known "
                "any more",
                DataWarning,
                stacklevel=2,
            )
            return None
        return world

    @cached_property
    def stage_runner(self) -> StageRunner:
        """The folder's stages."""
        return StageRunner(self.folder, self.progress, self.ignore_code_changes)

    @cached_property
    def test_rows(self) -> np.ndarray:
        """Test rows, in `order` order."""
        return self.ds.interactions.get_split_rows(TEST)

    @cached_property
    def base_inputs(self) -> dict[str, Any]:
        """Inputs of every stage."""
        return {"data": self.ds.compute_fingerprint(), "seed": self.recipe.seed}

    @property
    def model(self) -> ThinkRecConfig:
        """The recipe's model, where it is ThinkRec's own."""
        assert self.recipe.model.kind == "thinkrec"
        return self.recipe.model

    # -- scorers -----------------------------------------------------------------------------------------------------

    def fit_scorer(self, name: str, config: ScorerConfig) -> str:
        """Fit a scorer and score the test rows; returns the stage's hash."""

        def work(folder: Path) -> dict[str, Any]:
            model = build_scorer(config)
            log = model.fit(self.ds, seed=self.recipe.seed, progress=self.progress)
            model.save(folder)
            self.write_scores(folder, model.score(self.ds, self.test_rows))
            return {"log": log, "config": config.model_dump(mode="json")}

        inputs = {**self.base_inputs, "config": config.model_dump(mode="json")}
        return self.stage_runner.run(f"scorers/{name}", inputs, work, SCORER_CODE)

    def write_scores(self, folder: Path, scores: np.ndarray) -> None:
        """predictions.parquet: the `order`, user, item and score of every test row."""
        table = self.ds.to_frame(self.test_rows).select(ORDER, "user_id", "item_id", pl.Series(SCORE, scores))
        write_table(table, folder / "predictions.parquet")

    def read_scores(self, folder: Path) -> np.ndarray:
        """float64: scores of the test rows. Raises CheckpointError where the file is about other rows."""
        table = pl.read_parquet(folder / "predictions.parquet").sort(ORDER)
        if table[ORDER].to_list() != self.ds.interactions.order[self.test_rows].tolist():
            raise CheckpointError(f"{folder} holds scores of other test rows than the run's; run the recipe again")
        return table[SCORE].to_numpy().copy()

    # -- ThinkRec ----------------------------------------------------------------------------------------------------

    @cached_property
    def encoder(self) -> Encoder:
        """The collaborative encoder, fitted."""
        return KINDS[self.model.encoder.kind].load(self.folder / find_encoder_stage(self.recipe))

    def group_users(self, above: str) -> str:
        """Stage: users into groups, and the statistics for slots."""

        def work(folder: Path) -> dict[str, Any]:
            _, rows = stages.find_last_train_rows(self.ds)
            vectors, users = self.encoder.encode_users(self.ds, rows), self.ds.interactions.user[rows]
            named = [self.ds.user_ids[user] for user in users]
            groups = fit_groups(vectors, self.model.groups, self.recipe.seed, users=named)
            groups.save(folder / "groups.safetensors")
            encoder = self.encoder if self.model.embeddings else None
            slots = SlotEncoder.from_dataset(
                self.ds, encoder, statistics=self.model.statistics, votes=self.model.votes, seed=self.recipe.seed
            )
            slots.save(folder / "slots.safetensors")
            return {"sizes": np.bincount(groups.labels).tolist()}

        keys = ("groups", "statistics", "votes", "embeddings")
        chosen = {key: self.model.model_dump(mode="json")[key] for key in keys}
        return self.stage_runner.run("groups", {**self.base_inputs, "encoder": above, **chosen}, work, GROUP_CODE)

    @cached_property
    def adapter_router(self) -> AdapterRouter:
        """Groups and gate."""
        return AdapterRouter(
            self.encoder, UserGroups.load(self.folder / "groups" / "groups.safetensors"), self.model.gate
        )

    @cached_property
    def slot_encoder(self) -> SlotEncoder:
        """Slot vectors."""
        encoder = self.encoder if self.model.embeddings else None
        return SlotEncoder.load(self.folder / "groups" / "slots.safetensors", encoder)

    @cached_property
    def accelerator(self) -> Accelerator:
        """How and where the run computes."""
        return make_accelerator(self.options.device)

    @cached_property
    def stage_context(self) -> stages.StageContext:
        """What the language-model stages share."""
        return stages.StageContext(self.ds, self.model, self.reasons, self.recipe.seed, self.progress, self.accelerator)

    @cached_property
    def reasons(self) -> dict[int, str]:
        """Reasons to train on, by row."""
        config, ds = self.model.reasons, self.ds
        if config.source == "rules":
            train = np.flatnonzero(ds.interactions.split == TRAIN)
            return write_rule_reasons(ds, train, self.model.prompt.history, self.recipe.seed)
        if config.source == "written":
            path = config.file or find_data_folder("ml1m") / "reasons.parquet"
            return read_written_reasons(ds, path, unhinted=config.unhinted)
        return {}

    def load_predictor(self, variant: str) -> Predictor:
        """The trained recommender of a variant: global, experts or full."""
        model = self.model
        if variant == GLOBAL:
            return Predictor(self.ds, self.load_recommender("global"), model.prompt, option=model.score)
        if variant == EXPERTS:
            trained = self.load_recommender("experts")
            return Predictor(self.ds, trained, model.prompt, self.adapter_router, option=model.score)
        trained = self.load_recommender("vectors")
        personal = None if model.expert_stage is None else self.adapter_router
        return Predictor(self.ds, trained, model.prompt, personal, self.slot_encoder, model.score, model.score_prior)

    def load_recommender(self, stage: str) -> Recommender:
        """A stage's recommender where the run computes, settled for answering: capabilities, mode, merged weights."""
        recommender = checkpoint.load_recommender(self.folder / stage).to(self.accelerator.device)
        recommender.capabilities = probe_capabilities(recommender)
        recommender.max_workers = self.options.workers
        return recommender.freeze_for_inference()

    def train_variants(self) -> dict[str, str]:
        """All language-model stages; variant -> hash of its stage, in order."""
        model, teaching, done = self.model, lambda: self.stage_context, {}
        values = model.model_dump(mode="json")
        text = {
            **self.base_inputs,
            "backbone": build_backbone_inputs(model.backbone),
            "prompt": values["prompt"],
            "adapters": values["adapters"],
            "score": values["score"],
            "reasons": {"share": model.reasons.share, "texts": hash_reasons(self.ds, self.reasons)},
            "sample": hash_prompt_sample(self.ds, model.prompt, self.reasons),
        }
        done[GLOBAL] = self.stage_runner.run(
            "global",
            {**text, "config": values["global_stage"]},
            lambda folder: stages.train_global_adapter(teaching(), folder),
            MODEL_CODE,
            shared=True,
        )
        encoder = self.fit_scorer(find_encoder_stage(self.recipe).rpartition("/")[2], model.encoder)
        grouped = self.group_users(encoder)
        above = {**text, "groups": grouped, "gate": values["gate"]}
        if model.expert_stage is not None:
            done[EXPERTS] = self.stage_runner.run(
                "experts",
                {**above, "global": done[GLOBAL], "config": values["expert_stage"]},
                lambda folder: stages.train_experts(teaching(), self.folder / "global", self.adapter_router, folder),
                MODEL_CODE,
                shared=True,
            )
        if model.vector_stage is not None:
            below = EXPERTS if EXPERTS in done else GLOBAL

            def work(folder: Path) -> dict[str, Any]:
                return stages.train_projector(
                    teaching(), replace(self.load_predictor(below), slot_encoder=self.slot_encoder), folder
                )

            inputs = {**above, STAGE_OF_VARIANT[below]: done[below], "config": values["vector_stage"]}
            done[FULL] = self.stage_runner.run("vectors", inputs, work, MODEL_CODE, shared=True)
        return done

    def score_variant(self, variant: str, above: str) -> None:
        """Stage: scores of the test rows."""

        def work(folder: Path) -> dict[str, Any]:
            scores = self.load_predictor(variant).score(
                self.test_rows, title=f"scoring ({variant})", progress=self.progress
            )
            self.write_scores(folder, scores)
            return {}

        prior = self.model.score_prior if variant == FULL else None
        inputs = {
            **self.base_inputs,
            STAGE_OF_VARIANT[variant]: above,
            "prior": None if prior is None else prior.model_dump(mode="json"),
        }
        self.stage_runner.run(get_scores_stage(variant), inputs, work, MODEL_CODE)

    # -- the walk ----------------------------------------------------------------------------------------------------

    def prepare_folder(self) -> None:
        """Write what makes the folder self-describing: the resolved recipe, the environment, and a copy of the data."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.folder / "recipe.yaml", dump_recipe(resolve_paths(self.recipe)))
        write_json(self.folder / "environment.json", describe_environment())
        write_snapshot(self.ds, self.folder / DATA, date=time.strftime("%Y-%m-%d %H:%M"))
        for stale in find_stale_stages(self.recipe, self.folder):
            self.stage_runner.print_line(
                f"{stale.relative_to(self.folder)}: removed, since the recipe no longer has it"
            )
            shutil.rmtree(stale)

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
                self.fit_scorer("model", self.recipe.model)
            tables = {name: self.folder / stage for name, stage in map_rows_to_stages(self.recipe).items()}
            return run_on_main(
                lambda: report(self, {name: folder for name, folder in tables.items() if name not in self.failures})
            )

    def fit_baseline(self, name: str, config: ScorerConfig) -> None:
        """A scorer for the table; where it fails, the reason is kept in `failures` and the run goes on."""
        try:
            self.fit_scorer(name, config)
        except (ThinkRecError, ValueError, ArithmeticError, MemoryError, RuntimeError) as error:
            if isinstance(self.recipe.model, ThinkRecConfig) and find_encoder_stage(self.recipe) == f"scorers/{name}":
                raise
            said = (str(error).strip() or "no message").splitlines()[0]
            self.failures[name] = said if isinstance(error, ThinkRecError) else f"{type(error).__name__}: {said}"
            self.stage_runner.print_line(f"{name}: no row in the table: {self.failures[name]}")


def hash_report_inputs(tables: dict[str, Path]) -> str:
    """Hash of everything a report is made from."""
    return hash_json({name: read_stage_result(folder)["key"] for name, folder in tables.items()})
