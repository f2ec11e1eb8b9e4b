"""Settings of decoding as options give them: KEY=VALUE beside those of the recipe."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from thinkrec.decoding.config import DecodingConfig
from thinkrec.io.settings import explain_validation_error, parse_settings


def change_decoding(config: DecodingConfig, given: Sequence[str]) -> DecodingConfig:
    """The settings with some keys changed. Raises RecipeError naming what is wrong in `given`."""
    values = config.model_dump()
    parse_settings(values, given, "--decoding", "KEY=VALUE, such as temperature=0.7")
    try:
        return DecodingConfig.model_validate(values)
    except ValidationError as error:
        raise explain_validation_error(error, "--decoding", echo=True) from error
