"""Settings of a reason writer that are to be compared: read from a file, lists of values crossed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from thinkrec.decoding.config import DecodingConfig
from thinkrec.decoding.policy import Cite
from thinkrec.errors import RecipeError
from thinkrec.io.config import Config
from thinkrec.io.settings import explain_validation_error
from thinkrec.run.recipe import Recipe


class WriterSettings(Config):
    """How the language model writes a reason: what of a recipe decides its text once it is trained."""

    citation_policy: Cite
    """See the recipe's key."""
    max_citations: int = Field(ge=1)
    """See the recipe's key."""
    reason_tokens: int = Field(ge=1)
    """See the recipe's key."""
    decoding: DecodingConfig
    """See the recipe's key."""

    @classmethod
    def from_recipe(cls, recipe: Recipe) -> WriterSettings:
        """Those of a recipe."""
        return cls(
            citation_policy=recipe.citation_policy,
            max_citations=recipe.max_citations,
            reason_tokens=recipe.reason_tokens,
            decoding=recipe.decoding,
        )

    def format_name(self, usual: WriterSettings) -> str:
        """The policy, and what else differs from the usual settings and from the defaults of decoding."""
        own = {key: getattr(self, key) for key in ("max_citations", "reason_tokens")}
        changes = {key: value for key, value in own.items() if value != getattr(usual, key)}
        named = {**changes, **self.decoding.dump_changes()}
        return ", ".join([self.citation_policy, *(f"{key}={value}" for key, value in named.items())])


def read_settings_grid(path: Path, recipe: Recipe) -> list[WriterSettings]:
    """The different settings of a YAML file, in its order.

    The file is a list of sections. The keys of a section are `citation_policy`, `max_citations`, `reason_tokens` and
    the keys of `decoding`; the others stay as the recipe has them. A list of values stands for one setting with each:
    two lists in a section are crossed.

        - {citation_policy: [any, polarity]}
        - {citation_policy: any, no_repeat_ngram: [3, 4], temperature: 0.7, top_p: [0.8, 0.9]}

    Raises RecipeError naming the section, and what of it is wrong.
    """
    try:
        sections = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f"{path} cannot be read as YAML: {error}") from error
    if not isinstance(sections, list) or not sections or not all(isinstance(one, Mapping) for one in sections):
        raise RecipeError(f"{path} must be a list of sections such as `- {{citation_policy: any, temperature: 0.7}}`")
    usual = WriterSettings.from_recipe(recipe)
    settings = [
        _parse_settings(values, usual, f"{path}, section {number}")
        for number, section in enumerate(sections, start=1)
        for values in _expand_values(section, f"{path}, section {number}")
    ]
    return list({one.model_dump_json(): one for one in settings}.values())


def _expand_values(section: Mapping[str, Any], source: str) -> Iterator[dict[str, Any]]:
    lists = {key: value if isinstance(value, list) else [value] for key, value in section.items()}
    if empty := [str(key) for key, values in lists.items() if not values]:
        raise RecipeError(f"{source}: {', '.join(empty)} has an empty list; give a value or leave the key out")
    for values in itertools.product(*lists.values()):
        yield dict(zip(lists, values, strict=True))


def _parse_settings(values: Mapping[str, Any], usual: WriterSettings, source: str) -> WriterSettings:
    own = {key: value for key, value in values.items() if key in WriterSettings.model_fields and key != "decoding"}
    changes = {key: value for key, value in values.items() if key not in own}
    try:
        decoding = DecodingConfig.model_validate({**usual.decoding.dump_changes(), **changes})
        return WriterSettings.model_validate({**usual.model_dump(), **own, "decoding": decoding.model_dump()})
    except ValidationError as error:
        raise explain_validation_error(error, source, echo=True) from error
