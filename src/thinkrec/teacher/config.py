"""Configuration of teachers. Importing this loads no model and no HTTP client."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from thinkrec.io.config import Config

_OWN_KEYS = {
    "model": "set teacher.model",
    "messages": "the questions are written by the command",
    "temperature": "set teacher.temperature",
    "max_tokens": "set teacher.max_tokens",
    "max_completion_tokens": "set teacher.max_tokens, and teacher.max_tokens_name: max_completion_tokens",
    "n": "one answer at a time is read; further ones would be paid for and lost",
}
"""Keys of a request that are decided elsewhere -> what to do instead."""


class Budget(Config):
    """What may be spent, over all starts of the same command on the same store. null: without bound."""

    RENAMED_KEYS: ClassVar = {"requests": "max_requests", "tokens": "max_tokens", "money": "max_cost"}

    max_requests: int | None = Field(default=None, ge=0)
    """Most requests, retries included."""
    max_tokens: int | None = Field(default=None, ge=0)
    """Most tokens, prompt and completion together."""
    max_cost: float | None = Field(default=None, ge=0)
    """Most money, in the currency of the prices."""


class Prices(Config):
    """What tokens cost, per million, in any currency."""

    input: float = Field(default=0.0, ge=0)
    """A million prompt tokens."""
    output: float = Field(default=0.0, ge=0)
    """A million completion tokens, reasoning included."""

    def compute_cost(self, prompt: float, completion: float) -> float:
        """The price of so many tokens."""
        return (prompt * self.input + completion * self.output) / 1e6


class Retries(Config):
    """How often and how patiently a request is repeated that failed for a passing reason.

    Passing reasons: no connection, no answer in time, 408, 409, 425, 429, 498, 5xx, a damaged or an empty answer. What
    a filter of content refuses does not pass.
    """

    RENAMED_KEYS: ClassVar = {
        "most": "max_retries",
        "first_wait": "initial_backoff",
        "longest_wait": "max_backoff",
        "patience": "max_retry_after",
        "give_up": "max_consecutive_failures",
    }

    max_retries: int = Field(default=5, ge=0)
    """Repetitions of one question before it counts as failed."""
    initial_backoff: float = Field(default=1.0, ge=0)
    """Seconds before the first repetition; doubles every time, and half of it is left to chance."""
    max_backoff: float = Field(default=60.0, ge=0)
    """Most seconds between two repetitions where the server names no time."""
    max_retry_after: float = Field(default=900.0, ge=0)
    """Most seconds a server may ask to wait, in whatever header and unit; one that wants more ends the run cleanly."""
    max_consecutive_failures: int = Field(default=10, ge=1)
    """Questions in a row that fail, each with all its repetitions, before the run is ended as a whole."""


class ApiTeacherConfig(Config):
    """Any endpoint that speaks the OpenAI chat protocol: hosted, vLLM, llama.cpp, Ollama, transformers serve."""

    RENAMED_KEYS: ClassVar = {"extra": "extra_body"}

    kind: Literal["api"] = "api"
    model: str | None = None
    """The model's name at the endpoint; by default $OPENAI_MODEL."""
    base_url: str | None = None
    """Where it is, up to and with /v1; by default $OPENAI_BASE_URL. There is no further default: texts of your data
    go only where you say."""
    key_env: str = "OPENAI_API_KEY"
    """The environment variable with the key. An endpoint on this machine needs none. The key itself is never kept."""
    label: str | None = None
    """What the teacher is called in the store; by default the model. Set it to tell apart two models of one name."""
    temperature: float | None = Field(default=None, ge=0)
    """Sampling temperature; null leaves it to the endpoint."""
    max_tokens: int = Field(default=4096, ge=1)
    """Longest answer, reasoning included."""
    max_tokens_name: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """What the endpoint calls this bound; where it refuses one name, the other is taken."""
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """Further keys of the request's body, such as `reasoning_effort: low`; none that has a setting of its own here."""
    timeout: float = Field(default=300.0, gt=0)
    """Seconds for one request from its start to its last byte."""
    concurrency: int = Field(default=8, ge=1)
    """Requests under way at once."""
    requests_per_minute: int | None = Field(default=None, ge=1)
    """Most requests that start within any minute."""
    tokens_per_minute: int | None = Field(default=None, ge=1)
    """Most tokens (prompt and answer) within any minute."""
    retries: Retries = Retries()
    """What happens on passing failures."""
    prices: Prices = Prices()
    """For costs and for a budget in money."""
    budget: Budget = Budget()
    """Ends the run cleanly."""

    @field_validator("extra_body")
    @classmethod
    def _reject_reserved_keys(cls, extra: dict[str, Any]) -> dict[str, Any]:
        """Refuse keys that would go around the settings, the budget or the reading of answers."""
        for key, instead in _OWN_KEYS.items():
            if key in extra:
                raise ValueError(f"{key!r} is not for `extra_body`; {instead}")
        return extra

    @model_validator(mode="after")
    def _check_prices_given(self) -> ApiTeacherConfig:
        if self.budget.max_cost is not None and not (self.prices.input or self.prices.output):
            raise ValueError("a budget in money needs prices (input and output per million tokens)")
        return self


class LocalTeacherConfig(Config):
    """Any causal language model, in this process."""

    RENAMED_KEYS: ClassVar = {"batch": "batch_size"}

    kind: Literal["local"] = "local"
    model: str = "nano"
    """As `backbone.source`: nano, smollm2, a folder, a .gguf file, or a hub name."""
    dtype: Literal["float32", "bfloat16", "float16", "auto"] = "float32"
    """Number format of the weights; auto: what this machine is fastest in."""
    device: str = "auto"
    """cpu, cuda, cuda:1 and so on; auto takes a GPU where there is one."""
    batch_size: int = Field(default=16, ge=1)
    """Questions answered at once."""
    max_tokens: int = Field(default=512, ge=1)
    """Longest answer, reasoning included."""
    temperature: float = Field(default=0.0, ge=0)
    """0 always takes the likeliest token; above, it is sampled."""
    seed: int = 0
    """Of sampling."""
    budget: Budget = Budget()
    """Ends the run cleanly; there is no money to spend here."""

    @model_validator(mode="after")
    def _reject_money_budget(self) -> LocalTeacherConfig:
        if self.budget.max_cost is not None:
            raise ValueError("a local teacher has no price; give the budget in requests or tokens")
        return self


class RulesTeacherConfig(Config):
    """The rule-based teacher: it reads the data instead of the question and costs nothing."""

    RENAMED_KEYS: ClassVar = {"history": "history_length"}

    kind: Literal["rules"] = "rules"
    history_length: int = Field(default=10, ge=0)
    """Most earlier items it looks at."""
    seed: int = 0
    """Of its choice of words."""


TeacherConfig = Annotated[ApiTeacherConfig | LocalTeacherConfig | RulesTeacherConfig, Field(discriminator="kind")]


def get_local_model_name(config: LocalTeacherConfig) -> str:
    """The model's name without the folders above it, so that moving it asks nothing twice."""
    path = Path(config.model).expanduser()
    return path.resolve().name if path.exists() else config.model
