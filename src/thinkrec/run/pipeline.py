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

from thinkrec.collab import KINDS, ScorerConfig, build
from thinkrec.collab.encoder import Encoder
from thinkrec.collab.features.slot_encoder import SlotEncoder
from thinkrec.data.columns import DataWarning
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST, TRAIN
from thinkrec.data.output_tables import write_table
from thinkrec.data.snapshot import write_snapshot
from thinkrec.engine import checkpoint
from thinkrec.errors import CheckpointError, ThinkRecError
from thinkrec.io.files import write_json, write_text
from thinkrec.io.hashing import digest
from thinkrec.io.processes import make_accelerator, on_main
from thinkrec.personal.groups import Groups, fit_groups
from thinkrec.reasons.written import written_reasons
from thinkrec.run.data_sources import data_folder, load_data
from thinkrec.run.inputs import GROUP_CODE, MODEL_CODE, SCORER_CODE, backbone_inputs, prompt_sample, reasons_digest
from thinkrec.run.preflight import check_data
from thinkrec.run.provenance import environment
from thinkrec.run.recipe import Recipe, anchor, dump_recipe
from thinkrec.run.stage import Stages, read_done
from thinkrec.run.variants import (
    DATA,
    EXPERTS,
    FULL,
    GLOBAL,
    IMPERSONAL,
    STAGE_OF,
    encoder_stage,
    locked,
    rows_of_table,
    scores_stage,
    stale_stages,
)
from thinkrec.score.predictor import Personal, System
from thinkrec.simulate.simulator import World
from thinkrec.train import stages
from thinkrec.train.mixture import rule_reasons
from thinkrec.train.model_config import ThinkRecModel

ORDER, SCORE = "order", "score"


@dataclass(eq=False)
class Run:
    """A recipe and the folder where its stages keep what they made."""

    recipe: Recipe
    folder: Path
    progress: bool = False
    given: Dataset | None = None
    """The data, where they are at hand; by default what the recipe names is loaded."""
    any_code: bool = False
    """See `Stages.any_code`."""
    failed: dict[str, str] = field(default_factory=dict)
    """Baseline -> why it has no row in the table."""

    @cached_property
    def ds(self) -> Dataset:
        """The data set."""
        if self.given is not None:
            return self.given
        return self.simulated.dataset if self.simulated else load_data(self.recipe.data, self.folder / "keywords")[0]

    @cached_property
    def simulated(self) -> World | None:
        """What was planted in the data, where they are simulated; None, with a DataWarning, where the simulator makes
        other data now than those of the run.
        """
        if self.recipe.data.kind != "world":
            return None
        world = load_data(self.recipe.data)[1]
        if world is not None and self.given is not None and world.dataset.fingerprint() != self.given.fingerprint():
            warnings.warn(
                f"the simulator has changed since {self.folder} was run: what was planted in its data is not known "
                "any more",
                DataWarning,
                stacklevel=2,
            )
            return None
        return world

    @cached_property
    def stages(self) -> Stages:
        """The folder's stages."""
        return Stages(self.folder, self.progress, self.any_code)

    @cached_property
    def test(self) -> np.ndarray:
        """Test rows, in `order` order."""
        return self.ds.interactions.rows(TEST)

    @cached_property
    def base(self) -> dict[str, Any]:
        """Inputs of every stage."""
        return {"data": self.ds.fingerprint(), "seed": self.recipe.seed}

    @property
    def model(self) -> ThinkRecModel:
        """The recipe's model, where it is ThinkRec's own."""
        assert self.recipe.model.kind == "thinkrec"
        return self.recipe.model

    # -- scorers -----------------------------------------------------------------------------------------------------

    def scorer(self, name: str, config: ScorerConfig) -> str:
        """Fit a scorer and score the test rows; returns the stage's hash."""

        def work(folder: Path) -> dict[str, Any]:
            model = build(config)
            log = model.fit(self.ds, seed=self.recipe.seed, progress=self.progress)
            model.save(folder)
            self.write_scores(folder, model.score(self.ds, self.test))
            return {"log": log, "config": config.model_dump(mode="json")}

        inputs = {**self.base, "config": config.model_dump(mode="json")}
        return self.stages.run(f"scorers/{name}", inputs, work, SCORER_CODE)

    def write_scores(self, folder: Path, scores: np.ndarray) -> None:
        """predictions.parquet: the `order`, user, item and score of every test row."""
        table = self.ds.named_rows(self.test).select(ORDER, "user_id", "item_id", pl.Series(SCORE, scores))
        write_table(table, folder / "predictions.parquet")

    def read_scores(self, folder: Path) -> np.ndarray:
        """float64: scores of the test rows. Raises CheckpointError where the file is about other rows."""
        table = pl.read_parquet(folder / "predictions.parquet").sort(ORDER)
        if table[ORDER].to_list() != self.ds.interactions.order[self.test].tolist():
            raise CheckpointError(f"{folder} holds scores of other test rows than the run's; run the recipe again")
        return table[SCORE].to_numpy().copy()

    # -- ThinkRec ----------------------------------------------------------------------------------------------------

    @cached_property
    def encoder(self) -> Encoder:
        """The collaborative encoder, fitted."""
        return KINDS[self.model.encoder.kind].load(self.folder / encoder_stage(self.recipe))

    def group(self, above: str) -> str:
        """Stage: users into groups, and the statistics for slots."""

        def work(folder: Path) -> dict[str, Any]:
            _, rows = stages.last_train_rows(self.ds)
            vectors, users = self.encoder.user_vectors(self.ds, rows), self.ds.interactions.user[rows]
            named = [self.ds.user_ids[user] for user in users]
            groups = fit_groups(vectors, self.model.groups, self.recipe.seed, users=named)
            groups.save(folder / "groups.safetensors")
            encoder = self.encoder if self.model.embeddings else None
            slots = SlotEncoder.fit(
                self.ds, encoder, statistics=self.model.statistics, votes=self.model.votes, seed=self.recipe.seed
            )
            slots.save(folder / "slots.safetensors")
            return {"sizes": np.bincount(groups.labels).tolist()}

        keys = ("groups", "statistics", "votes", "embeddings")
        chosen = {key: self.model.model_dump(mode="json")[key] for key in keys}
        return self.stages.run("groups", {**self.base, "encoder": above, **chosen}, work, GROUP_CODE)

    @cached_property
    def personal(self) -> Personal:
        """Groups and gate."""
        return Personal(self.encoder, Groups.load(self.folder / "groups" / "groups.safetensors"), self.model.gate)

    @cached_property
    def slots(self) -> SlotEncoder:
        """Slot vectors."""
        encoder = self.encoder if self.model.embeddings else None
        return SlotEncoder.load(self.folder / "groups" / "slots.safetensors", encoder)

    @cached_property
    def accelerator(self) -> Accelerator:
        """How and where the run computes."""
        return make_accelerator()

    @cached_property
    def teaching(self) -> stages.Teaching:
        """What the language-model stages share."""
        return stages.Teaching(self.ds, self.model, self.reasons, self.recipe.seed, self.progress, self.accelerator)

    @cached_property
    def reasons(self) -> dict[int, str]:
        """Reasons to train on, by row."""
        config, ds = self.model.reasons, self.ds
        if config.source == "rules":
            train = np.flatnonzero(ds.interactions.split == TRAIN)
            return rule_reasons(ds, train, self.model.prompt.history, self.recipe.seed)
        if config.source == "written":
            path = config.file or data_folder("ml1m") / "reasons.parquet"
            return written_reasons(ds, path, unhinted=config.unhinted)
        return {}

    def system(self, variant: str) -> System:
        """The trained recommender of a variant: global, experts or full."""
        model = self.model
        if variant == GLOBAL:
            return System(
                self.ds, self.on_device(checkpoint.load(self.folder / "global")), model.prompt, option=model.score
            )
        if variant == EXPERTS:
            trained = self.on_device(checkpoint.load(self.folder / "experts"))
            return System(self.ds, trained, model.prompt, self.personal, option=model.score)
        trained = self.on_device(checkpoint.load(self.folder / "vectors"))
        personal = None if model.expert_stage is None else self.personal
        return System(self.ds, trained, model.prompt, personal, self.slots, model.score, model.score_prior)

    def on_device(self, recommender: Any) -> Any:
        """Moved to where the run computes."""
        return recommender.to(self.accelerator.device)

    def thinkrec(self) -> dict[str, str]:
        """All language-model stages; variant -> hash of its stage, in order."""
        model, teaching, done = self.model, lambda: self.teaching, {}
        values = model.model_dump(mode="json")
        text = {
            **self.base,
            "backbone": backbone_inputs(model.backbone),
            "prompt": values["prompt"],
            "adapters": values["adapters"],
            "score": values["score"],
            "reasons": {"share": model.reasons.share, "texts": reasons_digest(self.ds, self.reasons)},
            "sample": prompt_sample(self.ds, model.prompt, self.reasons),
        }
        done[GLOBAL] = self.stages.run(
            "global",
            {**text, "config": values["global_stage"]},
            lambda folder: stages.train_global(teaching(), folder),
            MODEL_CODE,
            shared=True,
        )
        encoder = self.scorer(encoder_stage(self.recipe).rpartition("/")[2], model.encoder)
        grouped = self.group(encoder)
        above = {**text, "groups": grouped, "gate": values["gate"]}
        if model.expert_stage is not None:
            done[EXPERTS] = self.stages.run(
                "experts",
                {**above, "global": done[GLOBAL], "config": values["expert_stage"]},
                lambda folder: stages.train_experts(teaching(), self.folder / "global", self.personal, folder),
                MODEL_CODE,
                shared=True,
            )
        if model.vector_stage is not None:
            below = EXPERTS if EXPERTS in done else GLOBAL

            def work(folder: Path) -> dict[str, Any]:
                return stages.train_vectors(teaching(), replace(self.system(below), slots=self.slots), folder)

            inputs = {**above, STAGE_OF[below]: done[below], "config": values["vector_stage"]}
            done[FULL] = self.stages.run("vectors", inputs, work, MODEL_CODE, shared=True)
        return done

    def score(self, variant: str, above: str) -> None:
        """Stage: scores of the test rows."""

        def work(folder: Path) -> dict[str, Any]:
            scores = self.system(variant).score(self.test, title=f"scoring ({variant})", progress=self.progress)
            self.write_scores(folder, scores)
            return {}

        prior = self.model.score_prior if variant == FULL else None
        inputs = {
            **self.base,
            STAGE_OF[variant]: above,
            "prior": None if prior is None else prior.model_dump(mode="json"),
        }
        self.stages.run(scores_stage(variant), inputs, work, MODEL_CODE)

    # -- the walk ----------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Write what makes the folder self-describing: the resolved recipe, the environment, and a copy of the data."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.folder / "recipe.yaml", dump_recipe(anchor(self.recipe)))
        write_json(self.folder / "environment.json", environment())
        write_snapshot(self.ds, self.folder / DATA, date=time.strftime("%Y-%m-%d %H:%M"))
        for stale in stale_stages(self.recipe, self.folder):
            self.stages.say(f"{stale.relative_to(self.folder)}: removed, since the recipe no longer has it")
            shutil.rmtree(stale)

    def all(self, report: Callable[[Run, dict[str, Path]], Any]) -> Any:
        """Every stage, then `report(run, {table row: folder of its predictions})`, in the main process for all.

        A baseline that cannot be fitted costs its own row: see `failed`. Raises CheckpointError where another process
        works in the folder, and DataError before the first step for data that a later stage could not use.
        """
        with locked(self.folder):
            on_main(lambda: check_data(self.recipe, self.ds))
            on_main(self.begin)
            for name, config in {**IMPERSONAL, **self.recipe.baselines}.items():
                self.baseline(name, config)
            if isinstance(self.recipe.model, ThinkRecModel):
                for variant, key in self.thinkrec().items():
                    self.score(variant, key)
            else:
                self.scorer("model", self.recipe.model)
            tables = {name: self.folder / stage for name, stage in rows_of_table(self.recipe).items()}
            return on_main(
                lambda: report(self, {name: folder for name, folder in tables.items() if name not in self.failed})
            )

    def baseline(self, name: str, config: ScorerConfig) -> None:
        """A scorer for the table; where it fails, the reason is kept in `failed` and the run goes on."""
        try:
            self.scorer(name, config)
        except (ThinkRecError, ValueError, ArithmeticError, MemoryError, RuntimeError) as error:
            if isinstance(self.recipe.model, ThinkRecModel) and encoder_stage(self.recipe) == f"scorers/{name}":
                raise
            said = (str(error).strip() or "no message").splitlines()[0]
            self.failed[name] = said if isinstance(error, ThinkRecError) else f"{type(error).__name__}: {said}"
            self.stages.say(f"{name}: no row in the table: {self.failed[name]}")


def inputs_of(tables: dict[str, Path]) -> str:
    """Hash of everything a report is made from."""
    return digest({name: read_done(folder)["key"] for name, folder in tables.items()})
