"""What the keys of a recipe decide: one function per section, from its settings to something that can be compared."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from accelerate import Accelerator
from pydantic import TypeAdapter

from support.tiny_run import tiny_backbone, tiny_recipe
from thinkrec.collab import ScorerConfig, build_scorer
from thinkrec.data.dataset import Dataset
from thinkrec.data.implicit import SampledNegatives, sample_negatives
from thinkrec.data.keyword_rules import KeywordRules, apply_keyword_rules
from thinkrec.decoding.config import DecodingConfig
from thinkrec.decoding.free_citations import FreeCitations
from thinkrec.decoding.sampling import TokenSampler
from thinkrec.decoding.vocabulary import TokenVocabulary
from thinkrec.evaluate.metrics.bootstrap import bootstrap_metrics
from thinkrec.model.adapters import attach_adapters
from thinkrec.model.lora import MultiLoRAConfig
from thinkrec.personal.gate import GateConfig, compute_gate
from thinkrec.personal.groups import GroupConfig, fit_groups
from thinkrec.prompts.config import PromptConfig
from thinkrec.run import explained
from thinkrec.run.inputs import hash_prompt_sample
from thinkrec.run.layout import map_rows_to_stages
from thinkrec.run.pipeline import Run
from thinkrec.run.recipe import EvaluationConfig, SourceData, TableData, parse_recipe
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue
from thinkrec.testing import plant_dataset
from thinkrec.train import stages

SMALL = {"users": 12, "items": 30, "interactions_per_user": [8, 14]}
FAST = {"epochs": 3}


def world(**keys: Any) -> Any:
    return simulate_catalogue(SimulatorConfig.model_validate({**SMALL, **keys}), 3).dataset.compute_fingerprint()


def scorer(kind: str, **keys: Any) -> Any:
    config = TypeAdapter(ScorerConfig).validate_python({"kind": kind, **keys})
    ds = plant_dataset(per_user=20)
    made = build_scorer(config)
    made.fit(ds, seed=0)
    return made.score(ds, np.arange(0, len(ds.interactions), 5))


def training(**keys: Any) -> Any:
    return scorer("mf", dim=4, training={"lr": 0.05, "epochs": 40, "patience": 3, **keys})


def boosting(**keys: Any) -> Any:
    return scorer(
        "boosting", **{"trees": 12, "n_seeds": 1, "min_leaf_rows": 10, "folds": 3, "item_logit_weights": [0.0], **keys}
    )


def draws(**keys: Any) -> Any:
    words = TokenVocabulary((b"", b" slow", b" drama", b" of", b" ghosts", b".", b" war"))
    sampler = TokenSampler(DecodingConfig(**keys), FreeCitations(words), np.arange(3))
    ids: list[int] = []
    for _ in range(30):
        ids.append(sampler.choose_token(ids, torch.arange(len(words)) / 3, None))
    return ids


def groups(**keys: Any) -> Any:
    vectors = np.random.default_rng(0).normal(size=(60, 3))
    return fit_groups(vectors, GroupConfig.model_validate(keys)).labels


def gates(**keys: Any) -> Any:
    rng = np.random.default_rng(1)
    config = TypeAdapter(GateConfig).validate_python(keys)
    return compute_gate(rng.normal(size=(40, 3)), rng.normal(size=(3, 3)), config).weights


def prompts(**keys: Any) -> Any:
    ds = simulate_catalogue(SimulatorConfig.model_validate(SMALL), 3).dataset
    return hash_prompt_sample(ds, PromptConfig.model_validate({"max_tokens": 4096, **keys}), {})


def adapters(**keys: Any) -> Any:
    from support.tiny_lm import make_model

    made = attach_adapters(make_model(), MultiLoRAConfig.model_validate({"n_experts": 2, **keys}))
    return [
        (name, layer.global_a.shape, layer.scale, layer.dropout.p, layer.expert_a is None)
        for name, layer in made.layers.items()
    ]


def evaluation(**keys: Any) -> Any:
    config, rng = EvaluationConfig.model_validate({"bootstrap_draws": 100, **keys}), np.random.default_rng(0)
    sample = bootstrap_metrics(
        rng.integers(6, size=90),
        rng.integers(2, size=90),
        rng.normal(size=90),
        k=config.k,
        denominator=config.map_denominator,
        draws=config.bootstrap_draws,
        seed=config.seed,
    )
    return [*sample.values.values(), *(sample.draws["uauc"][-1:].tolist()), sample.n_draws]


@lru_cache(maxsize=1)
def ratings() -> tuple[pl.DataFrame, pl.DataFrame]:
    rng = np.random.default_rng(0)
    start = int(datetime(2020, 1, 1).timestamp())
    rows = pl.DataFrame(
        {
            "user_id": rng.integers(6, size=80),
            "item_id": rng.integers(9, size=80),
            "rating": rng.integers(1, 6, size=80),
            "timestamp": start + np.arange(80) * 2 * 86400,
            "split": ["train"] * 50 + ["valid"] * 15 + ["test"] * 15,
        }
    )
    titles = [f"T{i}" if i else None for i in range(9)]
    return rows, pl.DataFrame({"item_id": range(9), "title": titles, "keywords": ["sea/war, love"] * 9})


@pytest.mark.filterwarnings("ignore")
def tables(folder: Path, **keys: Any) -> Any:
    from thinkrec.run.data_sources import load_data

    for table, name in zip(ratings(), ("rows.parquet", "items.parquet"), strict=True):
        table.write_parquet(folder / name)
        table.reverse().write_parquet(folder / f"other-{name}")
    named = {"interactions": folder / "rows.parquet", "items": folder / "items.parquet", "threshold": 3}
    for key in ("interactions", "items"):
        if key in keys:
            keys[key] = folder / keys[key]
    if "feedback" in keys:
        counts = ratings()[0].with_columns(plays=pl.col("rating") - 1, skips=pl.lit(1)).drop("rating")
        counts.write_parquet(folder / "counts.parquet")
        named = {**named, "interactions": folder / "counts.parquet", "threshold": None}
    return load_data(TableData.model_validate({**named, **keys}))[0].compute_fingerprint()


def negatives(**keys: Any) -> Any:
    rng = np.random.default_rng(0)
    rows = {"user_id": np.arange(200) % 10, "item_id": rng.integers(0, 40, 200), "order": np.arange(200)}
    frame = pl.DataFrame({**rows, "timestamp": np.sort(rng.integers(0, 10**8, 200))})
    frame = frame.with_columns(pl.lit(1, dtype=pl.Int8).alias("label"), pl.lit("train").alias("split"))
    drawn = sample_negatives(frame, SampledNegatives.model_validate(keys), has_times=True, source="rows")
    return drawn.select("user_id", "item_id", "label").rows()


def phrases_of_shop(**keys: Any) -> Any:
    words = [["sea", "drama"], ["Sea", "drama"], ["moss", "drama"], ["city"], ["city"], [], [], [], []]
    return apply_keyword_rules(words, KeywordRules.model_validate(keys))[0]


def source(folder: Path, part: str = "here", **keys: Any) -> Any:
    """Small files in the formats of MovieLens and Amazon, all rows in the part `here`, one less in `other`."""
    from thinkrec.run.data_sources import load_data

    rows = [f"{u},{i},{1 + (u * i) % 5},{1_400_000_000 + u * 7_000 + i}" for u in range(1, 9) for i in range(1, 6)]
    rows += ["1,6,5,1500000000", "1,1,5,1500000001"]
    for name, lines in (("here", rows), ("other", rows[1:])):
        place = folder / name
        place.mkdir(exist_ok=True)
        (place / "ratings.csv").write_text("\n".join(["userId,movieId,rating,timestamp", *lines]) + "\n")
        films = [f"{i},Film {i} (1999),Comedy" for i in range(1, 7)]
        (place / "movies.csv").write_text("\n".join(["movieId,title,genres", *films]) + "\n")
        fields = [line.split(",") for line in lines]
        reviews = [
            f'{{"reviewerID": "{u}", "asin": "{i}", "overall": {rating}, "unixReviewTime": {time}}}'
            for u, i, rating, time in fields
        ]
        (place / "X_5.json").write_text("\n".join(reviews) + "\n")
        meta = [f'{{"asin": "{i}", "title": "Product {i}"}}' for i in range(1, 7)]
        (place / "meta_X.json").write_text("\n".join(meta) + "\n")
    settings = {"name": "movielens-latest-small", "duplicates": "keep", **keys}
    config = SourceData.model_validate({**settings, "folder": folder / part})
    return load_data(config)[0].compute_fingerprint()


def stage(folder: Path, **keys: Any) -> Any:
    """Weights, log and files of a short stage 1."""
    run = Run(parse_recipe(tiny_recipe(backbone(folder)), "tiny"), folder / f"run-{len(list(folder.iterdir()))}")
    chosen = {
        "train": ("global",),
        "epochs": 1,
        "subsample_stride": 1,
        "lr": 3e-3,
        "batch_tokens": 512,
        "evals_per_epoch": 2,
        "max_valid_rows": 60,
        "save_steps": 2,
        "history_loss": 0.5,
        "warmup_steps": 4,
        **keys,
    }
    config = run.model.global_stage.model_validate(chosen)
    model = run.model.model_copy(update={"global_stage": config})
    teaching = stages.StageContext(run.ds, model, {}, 0, False, Accelerator(cpu=True))
    run.folder.mkdir()
    found = stages.train_global_adapter(teaching, run.folder)
    from thinkrec.io.files import read_tensors

    weights = read_tensors(run.folder / "adapters" / "global" / "adapter_model.safetensors")
    return [float(t.abs().sum()) for t in weights.values()] + [len(found["log"]), found["log"][-1]["auc"]]


def trained(**keys: Any) -> Any:
    """Which weights a stage trains."""
    from support.tiny_lm import make_recommender
    from thinkrec.train.config import StageConfig
    from thinkrec.train.loop import set_trainable_parameters

    return sum(p.numel() for p in set_trainable_parameters(make_recommender(), StageConfig.model_validate(keys)))


def saves(folder: Path, **keys: Any) -> Any:
    """How often a stage's state is written."""
    from thinkrec.train import loop

    written: list[Path] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "_save_state", lambda path, *_: written.append(path))
        stage(folder=folder, **keys)
    return len(written)


def phrases(**keys: Any) -> Any:
    from thinkrec.keywords.config import YakeExtractorConfig
    from thinkrec.keywords.extractor import extract_keywords
    from thinkrec.keywords.offline import YakeExtractor

    text = (
        "A retired lighthouse keeper finds a drifting fishing boat full of letters. The letters of the drowned sailors "
        "lead the lighthouse keeper to an old smuggling harbour, and the harbour police do not want the letters read. "
        "In the harbour the keeper meets a sailor and a fishing girl, who reads the letters aloud to the police."
    )
    return extract_keywords([text], YakeExtractor(YakeExtractorConfig.model_validate(keys)), most=12)


@lru_cache(maxsize=4)
def backbone(folder: Path) -> Path:
    return tiny_backbone(folder / "lm")


@lru_cache(maxsize=1)
def learned() -> Dataset:
    return plant_dataset()


def slots(**keys: Any) -> Any:
    from thinkrec.collab import MFConfig
    from thinkrec.collab.features.slot_encoder import SlotEncoder

    ds, chosen = learned(), {"target_encoding": True, "neighbourhood_residual": True, "embeddings": True, **keys}
    encoder = build_scorer(MFConfig(dim=3))
    encoder.fit(ds, seed=0)
    made = SlotEncoder.from_dataset(
        ds,
        encoder if chosen["embeddings"] else None,
        statistics=chosen["target_encoding"],
        votes=chosen["neighbourhood_residual"],
        seed=0,
    )
    return [made.encode_rows(ds).item.shape[1], float(np.abs(made.encode_rows(ds).item).sum())]


def prior(**keys: Any) -> Any:
    from thinkrec.collab.features.slot_encoder import SlotEncoder
    from thinkrec.score.predictor import Predictor
    from thinkrec.score.prior import ScorePriorConfig

    ds = learned()
    made = SlotEncoder.from_dataset(ds, None, statistics=True, votes=False, seed=0)
    config = ScorePriorConfig.model_validate({"weight": 1.0, **keys})
    return Predictor(ds, None, PromptConfig(), None, made, prior=config).compute_prior_offset(np.arange(len(ds.items)))  # type: ignore


def whole(**keys: Any) -> Any:
    """What of a run a key at the top decides."""
    recipe = parse_recipe(tiny_recipe(Path("lm"), **keys), "tiny")
    run = Run(recipe, Path("run"))
    return [
        recipe.name,
        run.base_inputs["seed"],
        list(map_rows_to_stages(recipe)),
        run.base_inputs["data"],
        recipe.model.kind,
    ]


def shown(**keys: Any) -> Any:
    run = Run(parse_recipe(tiny_recipe(Path("lm"), **keys), "tiny"), Path("run"))
    return explained.select_explained_rows(run, np.linspace(-1, 1, len(run.test_rows))).tolist()
