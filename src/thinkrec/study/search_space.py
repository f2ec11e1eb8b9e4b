"""Which settings a search tries: a YAML file beside the recipe, key by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import yaml
from pydantic import Field, TypeAdapter, ValidationError, model_validator

from thinkrec.errors import RecipeError
from thinkrec.io.config import Config
from thinkrec.io.settings import explain_validation_error
from thinkrec.run.recipe_files import load_recipe

Value = bool | int | float | str | None


class Choices(Config):
    """One of several values."""

    choices: tuple[Value, ...] = Field(min_length=1)
    """The values."""

    def suggest_value(self, trial: Suggester, key: str) -> Value:
        """A value for `key`."""
        return trial.suggest_categorical(key, list(self.choices))

    def list_ends(self) -> Sequence[Value]:
        """Values that a recipe has to allow."""
        return self.choices


class Range(Config):
    """A number between two; a whole one where both ends are."""

    low: int | float
    """The least."""
    high: int | float
    """The most."""
    log: bool = False
    """Whether equal ratios are equally likely, as for learning rates."""

    @model_validator(mode="after")
    def _check_ends(self) -> Range:
        if self.low >= self.high:
            raise ValueError(f"low ({self.low}) must be below high ({self.high})")
        if self.log and self.low <= 0:
            raise ValueError(f"with log, low must be above zero (it is {self.low})")
        return self

    def suggest_value(self, trial: Suggester, key: str) -> Value:
        """A value for `key`."""
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(key, self.low, self.high, log=self.log)
        return trial.suggest_float(key, self.low, self.high, log=self.log)

    def list_ends(self) -> Sequence[Value]:
        """Values that a recipe has to allow."""
        return self.low, self.high


class Suggester(Protocol):
    """What suggests values: a trial of Optuna."""

    def suggest_categorical(self, name: str, choices: Sequence[Value]) -> Value:
        """One of `choices`."""
        ...

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """A whole number."""
        ...

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number."""
        ...


Space = dict[str, Choices | Range]
"""Dotted key of a recipe -> its values."""


def read_space(path: Path, recipe: str, overrides: Sequence[str] = ()) -> Space:
    """A search space, every key and end of which the recipe allows.

    Raises RecipeError naming the file and the key.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RecipeError(f"there is no search space {path}; write KEY: {{choices: [...]}} lines into it") from error
    except yaml.YAMLError as error:
        raise RecipeError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(content, dict) or not content:
        raise RecipeError(f"{path} must hold keys of a recipe, such as `model.dim: {{choices: [64, 128]}}`")
    space: Space = {}
    for key, values in content.items():
        kind = Choices if isinstance(values, dict) and "choices" in values else Range
        try:
            space[str(key)] = TypeAdapter(kind).validate_python(values)
        except ValidationError as error:
            form = " (a setting is `choices: [...]`, or `low` and `high`, perhaps `log: true`)"
            raise explain_validation_error(error, f"{path}: {key}", hint=form, echo=True) from error
    for key, setting in space.items():
        for value in setting.list_ends():
            try:
                load_recipe(recipe, [*overrides, *format_overrides({key: value})])
            except RecipeError as error:
                raise RecipeError(f"{path}: {key}: the recipe does not allow {value!r}: {error}") from error
    return space


def format_overrides(values: Mapping[str, Value]) -> list[str]:
    """Settings as KEY=VALUE, each value as YAML.

    >>> format_overrides({"model.training.lr": 1e-05, "model.loss": "bce", "model.biases": True})
    ['model.training.lr=1.0e-05', 'model.loss=bce', 'model.biases=true']
    """
    return [f"{key}={_format_value(value)}" for key, value in values.items()]


def _format_value(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True).removesuffix("\n...\n").strip()
