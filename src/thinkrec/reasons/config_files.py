"""Settings of a synthesis of reasons: a YAML file, with single keys given over it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from thinkrec.errors import RecipeError
from thinkrec.io.settings import explain_validation_error, set_key
from thinkrec.reasons.config import SynthesisConfig


def read_synthesis_config(path: Path | None, given: Mapping[str, Any]) -> SynthesisConfig:
    """The config of a YAML file, if there is one, with the options that were given over it.

    Raises RecipeError naming every wrong key.
    """
    content: Any = {}
    source = "options"
    if path is not None:
        source = str(path)
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise RecipeError(f"{path} cannot be read as YAML: {error}") from error
        if not isinstance(content, dict) or not isinstance(content.get("teacher", {}), dict):
            raise RecipeError(f"{path} must hold keys and values, such as `teacher: {{kind: rules}}`")
    options = {key: value for key, value in given.items() if value is not None}
    kind = options.get("teacher.kind")
    if kind is not None and content.get("teacher", {}).get("kind", kind) != kind:
        # Settings of another kind of teacher would only be refused.
        content = {**content, "teacher": {}}
    for key, value in options.items():
        set_key(content, key, value, source)
    if not content.get("teacher", {}).get("kind"):
        raise RecipeError("who shall teach? Give --teacher api, local or rules, or a --config with teacher.kind")
    if content["teacher"]["kind"] == "rules" and "max_history" in content:
        content["teacher"].setdefault("history_length", content["max_history"])
    try:
        return SynthesisConfig.model_validate(content)
    except ValidationError as error:
        raise explain_validation_error(error, source) from error
