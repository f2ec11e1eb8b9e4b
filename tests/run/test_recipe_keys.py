"""Every key of a recipe changes what it says. A key without a case here, or without a named test, fails."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.recipe_key_observers import (
    FAST,
    SMALL,
    adapters,
    boosting,
    draws,
    evaluation,
    gates,
    groups,
    negatives,
    phrases,
    phrases_of_shop,
    prior,
    prompts,
    saves,
    scorer,
    shown,
    slots,
    source,
    stage,
    tables,
    trained,
    training,
    whole,
    world,
)

from thinkrec.run.recipe_sections import list_recipe_sections
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

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
        "keyword_rules": "tests/run/test_data_sources.py::test_rules_for_the_keywords_of_the_slice",
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
            keyword_rules={"min_items": 3},
            feedback={"positive": "plays", "negative": "skips"},
            interactions="other-rows.parquet",
            items="other-items.parquet",
            split={"by": "fractions", "valid": 0.2, "test": 0.2},
            item="film",
            items_word="films",
            user="viewer",
        ),
        **dict.fromkeys(("on_error", "unknown_items"), "tests/data/test_row_rules.py::test_"),
        **dict.fromkeys(("min_user_rows", "min_item_rows"), "tests/data/test_row_rules.py::test_the_core"),
        "negatives": "tests/data/test_implicit.py::test_tables_of_plays",
        **dict.fromkeys(("interactions_format", "items_format"), "here"),
    },
    "data.interactions_format": {
        **dict.fromkeys(
            ("separator", "encoding", "header", "quoting", "columns"), "tests/data/test_table_files.py::test_"
        ),
        "flags": "tests/data/test_flag_columns.py::test_flags_become_keywords",
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
    "by: last": {
        "by": "here",
        **of(lambda folder, **k: tables(folder=folder, split={"by": "last", **k}), valid=2, test=2),
    },
    "by: random": {
        "by": "here",
        **of(
            lambda folder, **k: tables(folder=folder, split={"by": "random", **k}),
            valid=0.3,
            test=0.3,
            seed=1,
            per_user=True,
        ),
    },
    "kind: source": {
        "kind": "here",
        **of(source, name="amazon-2018", threshold=4.0, split={"by": "last"}, activity=3, keyword_rules={}),
        "folder": (source, {"part": "here"}, {"part": "other"}),
        "duplicates": (source, {"duplicates": "first"}, {"duplicates": "last"}),
        "negatives": "tests/data/test_implicit.py::test_negatives_are_new",
    },
    "data.feedback": dict.fromkeys(("positive", "negative"), "tests/data/test_feedback_columns.py::test_"),
    "data.keyword_rules": of(
        phrases_of_shop,
        {"join_case": False, "max_share": 1, "min_items": 1},
        join_case=True,
        max_share=0.3,
        min_items=2,
    ),
    "data.negatives": of(negatives, per_positive=2.0, draw="popularity", days=365, seed=1),
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
            max_train_rows=300,
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
    )
    | dict.fromkeys(("item_columns", "reason_text", "reason_text_tokens"), "tests/prompts/test_item_texts.py::test_")
    | dict.fromkeys(("reason_sides", "reason_history"), "tests/prompts/test_reason_sides.py::test_"),
    "model.adapters": of(adapters, rank=3, alpha=7.0, dropout=0.2, targets=["k_proj"], layers=0.5, expert_layers=0.5)
    | {"fusion": "tests/model/test_fusion.py::test_"},
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
    | dict.fromkeys(("gradient_checkpointing", "cache_gb"), "tests/engine/test_frozen_cache.py::test_")
    | {"weights": "tests/run/test_weights.py::test_", "reason_share": "tests/train/test_mixture.py::test_"}
    | dict.fromkeys(("soft_labels", "soft_label_weight"), "tests/train/test_soft_labels.py::test_the_loss_is"),
    "model.score_prior": of(prior, {"source": "mean"}, source="both", weight=2.0),
    "model.composition": dict.fromkeys(
        ("batch_state", "scorer", "item"), "tests/score/test_composition.py::test_the_config_lists_what_is_weighed"
    )
    | {"min_auc": "tests/score/test_composition_fit.py::test_a_least_auc_is_kept"},
    "model.reasons": dict.fromkeys(("source", "file"), "tests/run/test_contents.py::test_one_letter_of_a_reason")
    | {"exclude_hinted": "tests/reasons/test_output.py::test_", "share": "tests/train/test_loop.py::test_"}
    | {"side_weight": "tests/prompts/test_side_tokens.py::test_"}
    | dict.fromkeys(("plan_share", "plan_source", "plan_prose"), "tests/train/test_plan_stage.py::test_"),
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
                "composition",
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
        "decoding": "here",
    },
}


CASES["decoding"] = {
    **of(draws, {"temperature": 1.0}, presence_penalty=3.0, temperature=2.0, top_p=0.5, min_p=0.5, seed=1),
    "no_repeat_ngram": "tests/score/test_explainer.py::test_words_in_a_row_stand_once_without_a_policy",
    "n_samples": "tests/score/test_explainer.py::test_draws_do_not_depend_on_the_batch",
    "label_contrast": "tests/score/test_turned_prompts.py::test_reasons_are_written_in_contrast",
    "label_contrast_min_p": "tests/score/test_turned_prompts.py::test_reasons_are_written_in_contrast",
    "choose_by": "tests/score/test_sample_choice.py::test_likelihood_and_distinct_words",
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
