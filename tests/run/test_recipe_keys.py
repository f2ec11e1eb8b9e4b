"""Every key of a recipe changes what it says. A key without a case here, or without a named test, fails."""

from __future__ import annotations

import re
from collections.abc import Callable
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
from thinkrec.evaluate.metrics.bootstrap import bootstrap_metrics
from thinkrec.model.adapters import attach_adapters
from thinkrec.model.lora import MultiLoRAConfig
from thinkrec.personal.gate import GateConfig, compute_gate
from thinkrec.personal.groups import GroupConfig, fit_groups
from thinkrec.prompts.render import PromptConfig
from thinkrec.run import explained
from thinkrec.run.inputs import hash_prompt_sample
from thinkrec.run.layout import map_rows_to_stages
from thinkrec.run.pipeline import Run
from thinkrec.run.recipe import EvaluationConfig, TableData, parse_recipe
from thinkrec.run.recipe_sections import list_recipe_sections
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue
from thinkrec.testing import plant_dataset
from thinkrec.train import stages

SMALL = {"users": 12, "items": 30, "interactions_per_user": [8, 14]}
FAST = {"epochs": 3}


# -- what is observed: one function per section, from its settings to something that can be compared -------------------


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
    return load_data(TableData.model_validate({**named, **keys}))[0].compute_fingerprint()


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


Case = tuple[Callable[..., Any], dict[str, Any], dict[str, Any]]
"""What to observe, with which settings, and with which it has to differ."""


def of(observe: Callable[..., Any], base: dict[str, Any] | None = None, **changes: Any) -> dict[str, Case]:
    return {key: (observe, base or {}, {**(base or {}), key: value}) for key, value in changes.items()}


def mine(observe: Callable[..., Any], kind: str, base: dict[str, Any], **changes: Any) -> dict[str, Case]:
    return of(lambda **keys: observe(kind, **keys), base, **changes)


PLOTS = "tests/cli/test_keywords.py::test_"
GBCE = {"dim": 4, "loss": "gbce", "training": FAST}
CASES: dict[str, dict[str, Case | str]] = {
    "data.simulator": of(
        world,
        users=13,
        items=31,
        interactions_per_user=[8, 15],
        genres=3,
        themes=3,
        tones=2,
        user_genres=1,
        user_themes=1,
        favourite_share=0.1,
        taste_groups=1,
        deviation_rate=1.0,
        interaction_weight=0.0,
        main_effect_weight=3.0,
        tone_weight=4.0,
        quality_weight=4.0,
        user_bias_std=4.0,
        drift_rate=1.0,
        reception_share=0.0,
        creators=False,
        valid=0.3,
        test=0.3,
    ),
    "kind: simulator": {
        "kind": "here",
        **of(lambda **k: simulate_catalogue(SimulatorConfig(**k), 3).dataset.compute_fingerprint()),
        "seed": (
            lambda seed: simulate_catalogue(SimulatorConfig.model_validate(SMALL), seed).dataset.compute_fingerprint(),
            {"seed": 3},
            {"seed": 4},
        ),
        "simulator": "here",
    },
    "kind: ml1m": {
        "kind": f"{PLOTS}genres_and_plots",
        "folder": f"{PLOTS}genres_and_plots",
        "keywords": "tests/data/loaders/test_movielens.py::test_keywords_of_the_slice",
        **dict.fromkeys(("plot", "max_keywords", "keyword_cache"), f"{PLOTS}the_recipe_decides_number"),
    },
    "kind: yake": {"kind": "here", **of(phrases, language="de", max_words=1, max_candidates=2, window_size=5)},
    "kind: movielens": dict.fromkeys(
        ("kind", "folder"), "tests/data/loaders/test_movielens.py::test_the_original_format_gives_the_same_data"
    ),
    "kind: tables": {
        "kind": "here",
        **of(
            tables,
            threshold=4,
            missing=[1],
            duplicates="last",
            separators={"keywords": "/"},
            interactions="other-rows.parquet",
            items="other-items.parquet",
            split={"by": "fractions", "valid": 0.2, "test": 0.2},
            item="film",
            items_word="films",
            user="viewer",
        ),
    },
    "by: column": {"by": "here"},
    "by: dates": {
        "by": "here",
        **of(
            lambda folder, **k: tables(folder=folder, split={"by": "dates", **k}),
            {"valid_from": "2020-03-20", "test_from": "2020-04-20"},
            valid_from="2020-03-24",
            test_from="2020-04-28",
            start="2020-01-05",
            end="2020-06-01",
        ),
    },
    "by: months": {
        "by": "here",
        **of(
            lambda folder, **k: tables(folder=folder, split={"by": "months", **k}),
            {"start": "2020-01", "train": 2, "valid": 1, "test": 1},
            start="2020-02",
            train=1,
            valid=2,
            test=2,
        ),
    },
    "by: fractions": {
        "by": "here",
        **of(lambda folder, **k: tables(folder=folder, split={"by": "fractions", **k}), valid=0.3, test=0.3),
    },
    "kind: in_memory": {"kind": "tests/test_api.py::test_saved_and_loaded_gives_equal_scores"},
    "kind: mf": {
        "kind": "here",
        **mine(scorer, "mf", {"dim": 4, "training": FAST}, dim=5, biases=True, init_std=0.5, training={"lr": 0.1}),
    },
    "kind: lightgcn": {
        "kind": "here",
        **mine(scorer, "lightgcn", {"dim": 4, "training": FAST}, dim=5, layers=1, init_std=0.5, training={"epochs": 5}),
    },
    "kind: sasrec": {
        "kind": "here",
        **mine(
            scorer,
            "sasrec",
            GBCE,
            loss="bce",
            history="labelled",
            max_length=3,
            dim=6,
            layers=1,
            heads=1,
            dropout=0.0,
            biases=True,
            init_std=0.5,
            negatives=3,
            gbce_t=1.0,
            negative_weight=1.0,
            training={"epochs": 5},
        ),
    },
    "model.encoder.training": of(training, lr=0.01, weight_decay=0.1, batch_size=64, epochs=2, patience=1),
    "kind: boosting": {
        "kind": "here",
        **of(
            boosting,
            trees=5,
            n_seeds=2,
            lr=0.3,
            max_leaves=3,
            min_leaf_rows=40,
            l2=1000.0,
            feature_fraction=1.0,
            folds=5,
            keyword_strength=5.0,
            item_logit_weights=[0.7],
        ),
    },
    "kind: item_baseline": {
        "kind": "here",
        **mine(scorer, "item_baseline", {"source": "both"}, source="mean", prior_strength=50.0, keyword_strength=3.0),
    },
    "kind: random": {"kind": "here"},
    "model.groups": of(groups, n_groups=2, method="minibatch-kmeans", ward_limit=10),
    "kind: entropy": of(gates, kind="uniform", tau=1.0, single_base=1.1, single_share=3.0, entropy_threshold=0.0),
    **{f"kind: {kind}": of(gates, kind=kind) for kind in ("global_only", "single", "uniform")},
    "model.prompt": of(
        prompts,
        template="prompt4nr",
        history=3,
        history_step=4,
        keywords=1,
        history_keywords=1,
        max_tokens=300,
        history_vectors=False,
    ),
    "model.adapters": of(adapters, rank=3, alpha=7.0, dropout=0.2, targets=["k_proj"], expert_layers=0.5),
    "model.global_stage": of(
        stage,
        epochs=2,
        subsample_stride=2,
        history_loss=0.0,
        lr=1e-3,
        weight_decay=0.5,
        warmup_steps=0,
        batch_tokens=128,
        max_grad_norm=0.01,
        evals_per_epoch=1,
        max_valid_rows=1,
    )
    | of(trained, {"train": ("global",)}, train=("experts",))
    | of(saves, save_steps=100)
    | dict.fromkeys(("gradient_checkpointing", "cache_gb"), "tests/engine/test_frozen_cache.py::test_"),
    "model.score_prior": of(prior, {"source": "mean"}, source="both", weight=2.0),
    "model.reasons": dict.fromkeys(("source", "file"), "tests/run/test_contents.py::test_one_letter_of_a_reason")
    | {"exclude_hinted": "tests/reasons/test_output.py::test_", "share": "tests/train/test_loop.py::test_"},
    "model.backbone": {
        "source": "tests/model/test_backbone.py::test_",
        "dtype": "tests/model/test_backbone.py::test_",
        "bits": "tests/model/test_backbone.py::test_frozen_weights_in_few_bits",
        "attention": "tests/model/test_backbone.py::test_",
        "revision": "tests/model/test_backbone.py::test_",
    },
    "kind: thinkrec": {
        "kind": "here",
        **of(slots, target_encoding=False, neighbourhood_residual=False, embeddings=False),
        **dict.fromkeys(
            (
                "backbone",
                "prompt",
                "encoder",
                "adapters",
                "groups",
                "gate",
                "reasons",
                "global_stage",
                "expert_stage",
                "vector_stage",
                "score_prior",
            ),
            "here",
        ),
        "score": "tests/train/test_loop.py::test_",
    },
    "evaluation": of(evaluation, k=1, map_denominator="min", bootstrap_draws=120, seed=1),
    "": {
        **of(
            whole,
            name="other",
            label="Other",
            seed=4,
            data={"kind": "simulator", "seed": 6, "simulator": SMALL},
            baselines={},
            model={"kind": "random"},
        ),
        **of(shown, n_explained=2),
        "evaluation": "here",
        **dict.fromkeys(
            ("reason_tokens", "citation_policy", "max_citations"), "tests/cli/test_reasons_write.py::test_"
        ),
        "writer": "tests/test_api.py::test_the_recipe_chooses_who_writes",
    },
}


def known() -> set[tuple[str, str]]:
    return {(section.kind or section.places[0], key.name) for section in list_recipe_sections() for key in section.keys}


def test_every_key_has_a_case() -> None:
    written = {(section, key) for section, cases in CASES.items() for key in cases}
    assert known() - written == set(), "keys without a case"
    assert written - known() == set(), "cases without a key"


@pytest.mark.parametrize("named", sorted({c for cases in CASES.values() for c in cases.values() if isinstance(c, str)}))
def test_the_tests_that_are_named_exist(named: str) -> None:
    if named != "here":
        path, _, name = named.partition("::")
        text = (Path(__file__).resolve().parents[2] / path).read_text(encoding="utf-8")
        assert re.search(rf"^def {name}", text, flags=re.MULTILINE), named


REAL = [
    pytest.param(case, id=f"{section}.{key}")
    for section, cases in CASES.items()
    for key, case in cases.items()
    if not isinstance(case, str)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", REAL)
def test_a_key_changes_what_it_says(case: Case, folder: Path) -> None:
    observe, base, changed = case
    torch.manual_seed(0)
    needs = {"folder": folder} if "folder" in observe.__code__.co_varnames else {}
    before, after = (observe(**{**needs, **settings}) for settings in (base, changed))
    same = np.array_equal(before, after) if isinstance(before, np.ndarray) else before == after
    assert not same


def test_observers_see_nothing_where_nothing_changes(folder: Path) -> None:
    """The other half: equal settings look equal, so that a difference above is the key's."""
    assert world() == world()
    assert np.array_equal(training(), training())
    assert stage(folder=folder) == stage(folder=folder)
    assert prompts() == prompts() and evaluation() == evaluation()
