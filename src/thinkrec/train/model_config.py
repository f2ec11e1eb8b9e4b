"""The settings of the reasoning recommender: what it is made of and how each stage is trained."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from thinkrec.collab import EncoderConfig, MFConfig
from thinkrec.errors import RecipeError
from thinkrec.io.config import Config
from thinkrec.model.backbone import BackboneConfig
from thinkrec.model.lora import LoRAConfig
from thinkrec.personal.gate import EntropyGateConfig, GateConfig
from thinkrec.personal.groups import GroupConfig
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.templates.plan_first import get_plan_template
from thinkrec.score.composition import CompositionConfig
from thinkrec.score.prior import ScorePriorConfig
from thinkrec.train.config import StageConfig


class ReasonConfig(Config):
    """Where the written reasons of reasoning rows come from."""

    RENAMED_KEYS: ClassVar = {"unhinted": "exclude_hinted"}

    source: Literal["none", "rules", "written", "grounded"] = "none"
    """No reasons; the rule-based teacher where its verdict agrees with the label; a table with `order` and `reason`,
    either written freely or grounded in what prompts with genres, keywords and `prompt.reason_text` show."""
    file: Path | None = None
    """The table for `written` or `grounded`; by default reasons.parquet or reasons-grounded.parquet beside the ML-1M
    slice."""
    exclude_hinted: bool = False
    """For a table: only reasons whose writer had not been told the outcome; the table needs a column `hinted`."""
    share: float = Field(default=0.2, ge=0, lt=1)
    """Share of reasoning rows among all rows drawn."""
    side_weight: float = Field(default=1.0, gt=0)
    """Weight of the tokens of a reason that decide on sides (words such as liked or rejected, and the first token of a
    quoted title), where all others weigh 1. A reason weighs the same as a whole."""
    plan_share: float = Field(default=0.0, ge=0, lt=1)
    """Share of plan-first rows among all rows drawn, in addition to the others: they teach the other order, a plan
    (titles of the history by their labels) and then the verdict, behind a request of their own. 0: none; with more,
    `thinkrec evaluate thinking` can score by thinking first."""
    plan_source: Literal["reason", "rules"] = "reason"
    """Whose plans are taught. reason: of rows with a reason, the titles that it cites; where the reason was written for
    the outcome, its plan tells the outcome. rules: of any train rows, the strongest evidence by shared keywords, which
    is the same whatever the outcome."""
    plan_prose: bool = False
    """Whether plan-first rows go on with the reason's prose behind the verdict. It is taught alone: no command writes
    prose behind a plan yet."""


class ThinkRecConfig(Config):
    """The reasoning recommender: backbone, prompt, collaborative vectors, experts, and how each stage is trained."""

    RENAMED_KEYS: ClassVar = {"statistics": "target_encoding", "votes": "neighbourhood_residual"}

    kind: Literal["thinkrec"] = "thinkrec"
    backbone: BackboneConfig = BackboneConfig()
    """The language model."""
    prompt: PromptConfig = PromptConfig()
    """What of a row it reads."""
    encoder: EncoderConfig = MFConfig()
    """Whose user vectors make groups and gates, and whose vectors fill the slots."""
    target_encoding: bool = True
    """Whether slot vectors also carry (cross-fitted) like rates and counts of the item, its keywords, and the user's
    past; see `collab/features/slot_encoder.py`."""
    neighbourhood_residual: bool = True
    """Whether an item's slot vector also says how the user's earlier items that share its keywords went: the whole past
    in one number, where the prompt shows its last rows. Needs `target_encoding`."""
    embeddings: bool = True
    """Whether slot vectors carry the encoder's vectors."""
    adapters: LoRAConfig = LoRAConfig()
    """LoRA of the global adapter and the experts; the number of experts is that of the groups."""
    groups: GroupConfig = GroupConfig()
    """How users are grouped."""
    gate: GateConfig = EntropyGateConfig()
    """How groups are mixed for a user."""
    reasons: ReasonConfig = ReasonConfig()
    """Reasons to train on."""
    global_stage: StageConfig = StageConfig(train=("global",))
    """Stage 1: the global adapter, text only."""
    expert_stage: StageConfig | None = StageConfig(train=("experts",))
    """Stage 3: the experts, from stage 1, text only. null: no experts."""
    vector_stage: StageConfig | None = StageConfig(train=("projector",))
    """Stage 4: the projector, with collaborative vectors in the prompt. null: no vectors."""
    score: Literal["difference", "yes"] = "difference"
    """logit(Yes) - logit(No), or logit(Yes) alone as in the authors' released code."""
    score_prior: ScorePriorConfig | None = None
    """Added to the score of the last stage; needs `target_encoding` and `vector_stage`. Choose it on validation."""
    composition: CompositionConfig | None = None
    """What the score of the last stage is composed with, by weights fitted on validation rows, and calibrated; needs
    `target_encoding` and `vector_stage`. null: the model's score alone."""

    @property
    def has_reason_table(self) -> bool:
        """Whether reasons are read from a table."""
        return self.reasons.source in ("written", "grounded")

    @model_validator(mode="after")
    def _check_plan_share(self) -> ThinkRecConfig:
        if not self.reasons.plan_share:
            return self
        if self.reasons.source == "none" and self.reasons.plan_source == "reason":
            raise ValueError(
                "reasons.plan_share needs reasons to take plans from; set reasons.source, or plan_source: rules"
            )
        if self.reasons.plan_prose and self.reasons.plan_source != "reason":
            raise ValueError("reasons.plan_prose needs plans of the rows that have a reason; set plan_source: reason")
        try:
            get_plan_template(self.prompt.template)
        except RecipeError as error:
            raise ValueError(str(error)) from error
        return self

    @model_validator(mode="after")
    def _check_score_prior(self) -> ThinkRecConfig:
        has_items = self.target_encoding and self.vector_stage is not None
        if self.score_prior is not None and not has_items:
            raise ValueError(
                "score_prior needs `target_encoding: true` and a `vector_stage`; set them, or drop the prior"
            )
        if self.composition is not None and not has_items:
            raise ValueError(
                "composition needs `target_encoding: true` and a `vector_stage`; set them, or drop the composition"
            )
        return self

    @model_validator(mode="after")
    def _check_neighbourhood_residual(self) -> ThinkRecConfig:
        if self.neighbourhood_residual and not self.target_encoding:
            raise ValueError(
                "neighbourhood_residual needs `target_encoding: true`; set it, or `neighbourhood_residual: false`"
            )
        return self
