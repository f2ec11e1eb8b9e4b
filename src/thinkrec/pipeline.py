"""A run: the stages of a recipe in order, each in its own folder, from data to report."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from accelerate import Accelerator

import thinkrec
from thinkrec.collab import KINDS, ItemPriorConfig, ScorerConfig, build
from thinkrec.collab.encoder import Encoder
from thinkrec.collab.slots import SlotEncoder
from thinkrec.data.dataset import Dataset
from thinkrec.data.rows import TEST, TRAIN
from thinkrec.data.sources import data_folder, load_data
from thinkrec.data.world import World
from thinkrec.data.writing import write_table
from thinkrec.model import files
from thinkrec.model.disk import write_json
from thinkrec.personal.groups import Groups, fit_groups
from thinkrec.reasons.written import written_reasons
from thinkrec.recipe import Recipe, ThinkRecModel, dump_recipe
from thinkrec.score.system import Personal, System
from thinkrec.stage import Stages, digest
from thinkrec.train import stages
from thinkrec.train.mixture import rule_reasons
from thinkrec.train.processes import make_accelerator, on_main

GLOBAL, EXPERTS, FULL = "ThinkRec global", "ThinkRec experts", "ThinkRec full"
IMPERSONAL = {
    "item mean": ItemPriorConfig(source="mean"),
    "keyword prior": ItemPriorConfig(source="keywords"),
    "item mean + keywords": ItemPriorConfig(source="both", strength=20.0),
}
"""One number per item, nothing personal: in every table, as the least that a personal model has to beat."""
ORDER, SCORE = "order", "score"


@dataclass(eq=False)
class Run:
    """A recipe and the folder where its stages keep what they made."""

    recipe: Recipe
    folder: Path
    progress: bool = False

    @cached_property
    def loaded(self) -> tuple[Dataset, World | None]:
        """The data set, and what was planted in it where it is simulated."""
        return load_data(self.recipe.data, self.folder / "keywords")

    @property
    def ds(self) -> Dataset:
        """The data set."""
        return self.loaded[0]

    @cached_property
    def stages(self) -> Stages:
        """The folder's stages."""
        return Stages(self.folder, self.progress)

    @cached_property
    def test(self) -> np.ndarray:
        """Test rows, in `order` order."""
        return self.ds.interactions.rows(TEST)

    @cached_property
    def base(self) -> dict[str, Any]:
        """Inputs of every stage."""
        return {"data": self.ds.fingerprint(), "seed": self.recipe.seed, "version": thinkrec.__version__}

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

        return self.stages.run(f"scorers/{name}", {**self.base, "config": config.model_dump(mode="json")}, work)

    def write_scores(self, folder: Path, scores: np.ndarray) -> None:
        """predictions.parquet: the `order` and score of every test row."""
        table = pl.DataFrame({ORDER: self.ds.interactions.order[self.test], SCORE: scores})
        write_table(table, folder / "predictions.parquet")

    def read_scores(self, folder: Path) -> np.ndarray:
        """float64: scores of the test rows."""
        return pl.read_parquet(folder / "predictions.parquet").sort(ORDER)[SCORE].to_numpy().copy()

    # -- ThinkRec ----------------------------------------------------------------------------------------------------

    @cached_property
    def encoder(self) -> Encoder:
        """The collaborative encoder that stage `scorers/encoder` fitted."""
        return KINDS[self.model.encoder.kind].load(self.folder / "scorers" / "encoder")

    def group(self, above: str) -> str:
        """Stage: users into groups, and the statistics for slots."""

        def work(folder: Path) -> dict[str, Any]:
            _, rows = stages.last_train_rows(self.ds)
            groups = fit_groups(self.encoder.user_vectors(self.ds, rows), self.model.groups, self.recipe.seed)
            groups.save(folder / "groups.safetensors")
            encoder = self.encoder if self.model.embeddings else None
            slots = SlotEncoder.fit(
                self.ds, encoder, statistics=self.model.statistics, votes=self.model.votes, seed=self.recipe.seed
            )
            slots.save(folder / "slots.safetensors")
            return {"sizes": np.bincount(groups.labels).tolist()}

        keys = ("groups", "statistics", "votes", "embeddings")
        chosen = {key: self.model.model_dump(mode="json")[key] for key in keys}
        return self.stages.run("groups", {**self.base, "above": above, **chosen}, work)

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
            return System(self.ds, self.on_device(files.load(self.folder / "global")), model.prompt, option=model.score)
        if variant == EXPERTS:
            trained = self.on_device(files.load(self.folder / "experts"))
            return System(self.ds, trained, model.prompt, self.personal, option=model.score)
        trained = self.on_device(files.load(self.folder / "vectors"))
        personal = None if model.expert_stage is None else self.personal
        return System(self.ds, trained, model.prompt, personal, self.slots, model.score, model.score_prior)

    def on_device(self, recommender: Any) -> Any:
        """Moved to where the run computes."""
        return recommender.to(self.accelerator.device)

    def thinkrec(self) -> dict[str, str]:
        """All language-model stages; variant -> hash of its stage, in order."""
        model, teaching, done = self.model, lambda: self.teaching, {}
        text = {k: v for k, v in model.model_dump(mode="json").items()
                if k in ("backbone", "prompt", "adapters", "reasons", "global_stage", "score")}  # fmt: skip
        done[GLOBAL] = self.stages.run(
            "global", {**self.base, **text}, lambda folder: stages.train_global(teaching(), folder), shared=True
        )
        encoder = self.scorer("encoder", model.encoder)
        grouped = self.group(encoder)
        above = {**self.base, "groups": grouped, "gate": model.gate.model_dump(mode="json")}
        if model.expert_stage is not None:
            config = model.expert_stage.model_dump(mode="json")
            done[EXPERTS] = self.stages.run(
                "experts",
                {**above, "global": done[GLOBAL], "config": config},
                lambda folder: stages.train_experts(teaching(), self.folder / "global", self.personal, folder),
                shared=True,
            )
        if model.vector_stage is not None:
            below = EXPERTS if EXPERTS in done else GLOBAL
            config = model.vector_stage.model_dump(mode="json")

            def work(folder: Path) -> dict[str, Any]:
                return stages.train_vectors(teaching(), replace(self.system(below), slots=self.slots), folder)

            inputs = {**above, "below": done[below], "config": config}
            done[FULL] = self.stages.run("vectors", inputs, work, shared=True)
        return done

    def score(self, variant: str, above: str) -> None:
        """Stage: scores of the test rows."""

        def work(folder: Path) -> dict[str, Any]:
            scores = self.system(variant).score(self.test, title=f"scoring ({variant})", progress=self.progress)
            self.write_scores(folder, scores)
            return {}

        prior = self.model.score_prior if variant == FULL else None
        inputs = {**self.base, "above": above, "prior": None if prior is None else prior.model_dump(mode="json")}
        self.stages.run(f"scores/{variant.split()[-1]}", inputs, work)

    # -- the walk ----------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Write what makes the folder self-describing: the resolved recipe and the environment."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "recipe.yaml").write_text(dump_recipe(self.recipe), encoding="utf-8")
        write_json(self.folder / "environment.json", environment())

    def all(self, report: Callable[[Run, dict[str, Path]], Any]) -> Any:
        """Every stage, then `report(run, {table row: folder of its predictions})`, in the main process for all."""
        on_main(self.begin)
        on_main(lambda: len(self.ds.items))  # fills the cache of keywords, which the other processes then only read
        tables: dict[str, Path] = {}
        for name, config in {**IMPERSONAL, **self.recipe.baselines}.items():
            self.scorer(name, config)
            tables[name] = self.folder / "scorers" / name
        if self.recipe.model.kind != "thinkrec":
            self.scorer("model", self.recipe.model)
            tables[self.recipe.name.rpartition("/")[2]] = self.folder / "scorers" / "model"
        else:
            for variant, key in self.thinkrec().items():
                self.score(variant, key)
                tables[variant] = self.folder / "scores" / variant.split()[-1]
        return on_main(lambda: report(self, tables))


def environment() -> dict[str, Any]:
    """Versions and hardware, to stand beside every number."""
    import transformers

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "date": time.strftime("%Y-%m-%d"),
        "thinkrec": thinkrec.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "device": gpu or f"CPU, {torch.get_num_threads()} threads ({platform.machine()})",
    }


def inputs_of(tables: dict[str, Path]) -> str:
    """Hash of everything a report is made from."""
    return digest({name: (folder / "done.json").read_text() for name, folder in tables.items()})
