"""What a stage is known by: contents, every one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from thinkrec.personal.gate import EntropyGateConfig, UniformGateConfig
from thinkrec.prompts.config import PromptConfig
from thinkrec.run.inputs import (
    build_gate_inputs,
    build_plan_inputs,
    build_prompt_inputs,
    build_stage_inputs,
    hash_prompt_sample,
    hash_reasons,
)
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue
from thinkrec.train.config import StageConfig
from thinkrec.train.mixture import write_rule_reasons
from thinkrec.train.model_config import ThinkRecConfig

DS = simulate_catalogue(SimulatorConfig(users=4, items=12, interactions_per_user=(6, 8)), 3).dataset


def test_each_letter_and_each_row_of_reasons_counts() -> None:
    plain = {1: "Yes. It fits.", 4: "No. It does not."}
    others = [
        {1: "Yes. It fits!", 4: "No. It does not."},
        {2: "Yes. It fits.", 4: "No. It does not."},
        {1: "Yes. It fits."},
        {},
    ]
    digests = {hash_reasons(DS, reasons) for reasons in (plain, *others)}
    assert len(digests) == 5
    assert hash_reasons(DS, dict(reversed(plain.items()))) == hash_reasons(DS, plain)


def test_stages_of_versions_with_one_template_and_one_gate_stay_true() -> None:
    """Values of the version before there were others."""
    assert "template" not in build_prompt_inputs(PromptConfig())
    assert build_prompt_inputs(PromptConfig(template="prompt4nr"))["template"] == "prompt4nr"
    assert "kind" not in build_gate_inputs(EntropyGateConfig())
    assert build_gate_inputs(UniformGateConfig()) == {"kind": "uniform"}
    ds = simulate_catalogue(SimulatorConfig(users=20, items=50, interactions_per_user=(14, 20)), 21).dataset
    reasons = dict.fromkeys(range(0, len(ds.interactions), 7), "Yes. Because.")
    assert hash_prompt_sample(ds, PromptConfig(), reasons) == "76baaac4fa5f8d00"
    assert hash_prompt_sample(ds, PromptConfig(history=3), {}) == "bc753aa31761bc52"


def test_the_hash_of_prompts_is_that_of_earlier_versions() -> None:
    ds = simulate_catalogue(SimulatorConfig(users=12, items=30, interactions_per_user=(6, 8)), 3).dataset
    config = PromptConfig(history=4, keywords=2)
    assert hash_prompt_sample(ds, config, {0: "Yes. It is so."}) == "4e321aa771e44893"


def test_plans_count_where_they_are_taught() -> None:
    rows = DS.interactions.get_split_rows(0)
    reasons = write_rule_reasons(DS, rows, 10, 0)

    def build(**config: Any) -> dict[str, Any]:
        model = ThinkRecConfig.model_validate({"reasons": {"source": "rules", **config}})
        return build_plan_inputs(DS, model, reasons)

    assert build() == build(plan_prose=True) == build(plan_source="rules") == {}
    plain = build(plan_share=0.2)
    assert plain == build(plan_share=0.2)
    others = [build(plan_share=0.3), build(plan_share=0.2, plan_prose=True), build(plan_share=0.2, plan_source="rules")]
    assert all(other != plain for other in others)
    assert others[0]["sample"] == plain["sample"]
    assert others[1]["sample"] != plain["sample"] != others[2]["sample"]


def test_soft_labels_count_by_their_contents(tmp_path: Path) -> None:
    def build(**config: Any) -> dict[str, Any]:
        return build_stage_inputs(StageConfig.model_validate({"train": ["global"], **config}))

    assert build() == build(soft_label_weight=0.5) and not {"soft_labels", "soft_label_weight"} & set(build())
    for name, text in (("a", "one"), ("b", "one"), ("c", "two")):
        (tmp_path / name).write_text(text)
    a, b, c = (build(soft_labels=str(tmp_path / name)) for name in "abc")
    assert a == b != c and build() != a
    assert build(soft_labels=str(tmp_path / "a"), soft_label_weight=0.5) != a
