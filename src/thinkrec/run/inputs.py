"""What the stages of a run are made from, as contents: by these a finished stage is known to be still true."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from thinkrec.collab.features.slot_vectors import PlaceholderVectors
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN
from thinkrec.engine.checkpoint import read_recommender_config
from thinkrec.io.config import Config
from thinkrec.io.hashing import hash_bytes, hash_file, hash_json
from thinkrec.model.backbone import BackboneConfig, compute_backbone_digest, resolve_backbone_dtype
from thinkrec.model.lora import LoRAConfig
from thinkrec.personal.gate import EntropyGateConfig, GateConfig
from thinkrec.prompts.answers import AnswerIds
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.plan_renderer import PlanRenderer
from thinkrec.prompts.render import PromptRenderer
from thinkrec.prompts.types import PROMPT_FIELDS, Prompt
from thinkrec.run.variants import Need
from thinkrec.train.config import StageConfig
from thinkrec.train.model_config import ThinkRecConfig
from thinkrec.train.plan_teacher import PlanTeacher

SAMPLED = 48
"""Train rows whose prompts are rendered for a stage's key, evenly spread."""

YOUNGER_PROMPT_KEYS = (
    "template",
    "item_columns",
    "reason_text",
    "reason_text_tokens",
    "reason_sides",
    "reason_history",
)
YOUNGER_ADAPTER_KEYS = ("layers", "fusion")
YOUNGER_STAGE_KEYS = ("reason_share", "weights", "soft_labels")
PLAN_KEYS = ("plan_share", "plan_source", "plan_prose")
OLDER_GROUP_INPUTS = ("encoder", "groups", "target_encoding", "neighbourhood_residual", "embeddings")
"""What an older version's stage `groups` was made from also where nothing of it was needed: a finished one counts."""
OLDER_VARIANT_INPUTS = ("gate",)
"""The same for variants without experts, whose gate decides nothing."""

SCORER_CODE = ("collab", "data")
GROUP_CODE = ("collab", "data", "personal")
MODEL_CODE = (
    "claims",
    "collab",
    "data",
    "decoding",
    "engine",
    "evaluate/metrics/ranking.py",
    "io",
    "model",
    "personal",
    "prompts",
    "reasons/matching.py",
    "score",
    "teacher/rule_reasons.py",
    "train",
)
"""What trains and scores; the stages of one language model share it."""
REASON_CODE = (*MODEL_CODE, "reasons", "teacher")


def build_backbone_inputs(config: BackboneConfig) -> dict[str, Any]:
    """A backbone by the digest of its contents, whatever its folder is called, and how it is held on this machine."""
    held = {**config.model_dump(mode="json", exclude={"source", "revision"}), "dtype": resolve_backbone_dtype(config)}
    return {**held, "digest": compute_backbone_digest(config)}


def build_text_inputs(ds: Dataset, model: ThinkRecConfig, reasons: Mapping[int, str]) -> dict[str, Any]:
    """What every variant of the language model is made from besides data and seed: all that it reads and writes."""
    values = model.model_dump(mode="json")
    return {
        "backbone": build_backbone_inputs(model.backbone),
        "prompt": build_prompt_inputs(model.prompt),
        "adapters": build_adapter_inputs(model.adapters),
        "score": values["score"],
        "reasons": {
            "share": model.reasons.share,
            "texts": hash_reasons(ds, reasons),
            # The key is younger than finished stages, which stay true at its default.
            **({} if model.reasons.side_weight == 1 else {"side_weight": model.reasons.side_weight}),
            **build_plan_inputs(ds, model, reasons),
        },
        "sample": hash_prompt_sample(ds, model.prompt, reasons),
    }


def build_plan_inputs(ds: Dataset, model: ThinkRecConfig, reasons: Mapping[int, str]) -> dict[str, Any]:
    """How plan-first rows are taught, and what a few of them look like; nothing where none are."""
    if not model.reasons.plan_share:
        return {}
    values = {key: getattr(model.reasons, key) for key in PLAN_KEYS}
    teacher = PlanTeacher(ds, PlanRenderer(ds, _ByteBackbone(), model.prompt, _BYTE_ANSWERS), model.reasons, reasons)
    rows = _subsample_evenly(teacher.select_rows())
    prompts = (teacher.render_row(int(row), gate=np.ones(1, np.float32)) for row in rows)
    return {**values, "sample": hash_bytes(piece for prompt in prompts for piece in _dump_prompt(prompt))[:16]}


def build_group_inputs(model: ThinkRecConfig, needs: frozenset[Need]) -> dict[str, Any]:
    """What groups of users and slot vectors are made from besides data, seed and encoder, where they are needed."""
    values, keys = model.model_dump(mode="json"), [*(["groups"] if "groups" in needs else [])]
    if "slots" in needs:
        keys += ["target_encoding", "neighbourhood_residual", "embeddings"]
    return {key: values[key] for key in keys}


def build_prompt_inputs(config: PromptConfig) -> dict[str, Any]:
    """Prompt settings; younger keys are not named at their defaults, so that stages of older versions stay true."""
    return _dump_without_defaults(config, YOUNGER_PROMPT_KEYS)


def build_adapter_inputs(config: LoRAConfig) -> dict[str, Any]:
    """Shape of the adapters; younger keys likewise."""
    return _dump_without_defaults(config, YOUNGER_ADAPTER_KEYS)


def build_stage_inputs(config: StageConfig) -> dict[str, Any]:
    """How a stage trains; where it takes trained weights instead, which parts of them, by their contents."""
    if config.weights is None:
        values = _dump_without_defaults(config, YOUNGER_STAGE_KEYS)
        if config.soft_labels is not None:
            return {**values, "soft_labels": hash_file(config.soft_labels)}
        del values["soft_label_weight"]
        return values
    manifest = read_recommender_config(config.weights)
    files = {name: entry["files"] for name, entry in manifest["parts"].items() if name in config.train}
    return {"train": list(config.train), "weights": files, "backbone": manifest["backbone_digest"]}


def _dump_without_defaults(config: Config, keys: tuple[str, ...]) -> dict[str, Any]:
    """The settings as plain values, without those of `keys` that have their defaults."""
    fields = type(config).model_fields
    return config.model_dump(mode="json", exclude={k for k in keys if getattr(config, k) == fields[k].default})


def build_gate_inputs(config: GateConfig) -> dict[str, Any]:
    """Gate settings; the usual kind is not named, likewise."""
    return config.model_dump(mode="json", exclude={"kind"} if isinstance(config, EntropyGateConfig) else set())


def hash_reasons(ds: Dataset, reasons: Mapping[int, str]) -> str:
    """Hash of reasons by row number, whatever the file they came from is called."""
    order = ds.interactions.order
    return hash_json([[int(order[row]), reasons[row]] for row in sorted(reasons)])


def hash_prompt_sample(ds: Dataset, config: PromptConfig, reasons: Mapping[int, str]) -> str:
    """Hash of what the prompts of a few train rows look like, with vectors, answers and reasons.

    Texts are rendered as bytes: which tokenizer cuts them is a matter of the backbone's digest.
    """
    return hash_bytes(_render_sample(ds, config, reasons))[:16]


def _render_sample(ds: Dataset, config: PromptConfig, reasons: Mapping[int, str]) -> Iterator[bytes]:
    """The fields of the sampled prompts as bytes: plain rows first, then rows with their reasons."""
    renderer = PromptRenderer(ds, _ByteBackbone(), config, _BYTE_ANSWERS)
    train = ds.interactions.get_split_rows(TRAIN)
    reasoned = np.array(sorted(set(reasons) & set(train.tolist())), dtype=np.int64)
    number = np.arange(len(ds.interactions), dtype=np.float32)[:, None]
    vectors = PlaceholderVectors(user=number, item=-number)
    for rows, with_reason in ((_subsample_evenly(train), False), (_subsample_evenly(reasoned), True)):
        for row in rows:
            prompt = renderer.render_row(
                int(row),
                gate=np.ones(1, np.float32),
                vectors=vectors,
                reason=reasons[int(row)] if with_reason else None,
                with_answer=True,
                history_loss=1.0,
            )
            yield from _dump_prompt(prompt)


def _dump_prompt(prompt: Prompt) -> Iterator[bytes]:
    """The fields of one prompt as bytes; optional ones where they have entries."""
    for name, spec in PROMPT_FIELDS.items():
        value = getattr(prompt, name)
        if spec.is_optional and not len(value):
            continue
        head = f"{spec.stage_key or name} {value.shape} {value.dtype}"
        yield head.encode() + np.ascontiguousarray(value).tobytes()


def _subsample_evenly(rows: np.ndarray) -> np.ndarray:
    """At most SAMPLED of `rows`, evenly spread."""
    return (
        rows[np.unique(np.linspace(0, len(rows) - 1, min(SAMPLED, len(rows))).astype(np.int64))] if len(rows) else rows
    )


_BYTE_ANSWERS = AnswerIds((258,), (259,))


class _ByteTokenizer:
    """One token a byte."""

    bos_token_id, eos_token_id = 256, 257

    def __call__(self, texts: list[str], **_: Any) -> dict[str, list[list[int]]]:
        return {"input_ids": [list(text.encode("utf-8", "surrogatepass")) for text in texts]}


@dataclass(frozen=True)
class _ByteBackbone:
    """A backbone's texts for the renderer, where there is no backbone."""

    tokenizer: Any = field(default_factory=_ByteTokenizer)
