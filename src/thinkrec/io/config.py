"""The base of every class of settings: frozen, unknown keys refused, earlier names known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, LiteralString, Self, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

OLDER_VERSION = {"written_by_older_version": True}
"""Validation context for what this package wrote itself, perhaps before a key was renamed: earlier names are
translated. From anybody else they are refused, with the name of today."""

RENAMED = "renamed"
"""Type of the validation errors about an earlier name."""


class Config(BaseModel):
    """Settings as a recipe, an option or a Python keyword gives them.

    A class whose keys or values had other names once lists them beside its fields.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    RENAMED_KEYS: ClassVar[Mapping[str, str]] = {}
    """Earlier name of a key -> its name."""
    RENAMED_VALUES: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    """Key -> earlier name of a value -> its name."""

    @model_validator(mode="wrap")
    @classmethod
    def _check_names(cls, values: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        if not isinstance(values, Mapping):
            return handler(values)
        refused = [] if info.context == OLDER_VERSION else list(cls._find_older_names(values))
        given = {cls.RENAMED_KEYS[key]: key for key in values if key in cls.RENAMED_KEYS}
        return _validate_renamed(cls.translate_names(values), handler, refused, given)

    @classmethod
    def translate_names(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """`values` under today's keys and values of this class; sections within stay as they are."""
        translated = {cls.RENAMED_KEYS.get(key, key): value for key, value in values.items()}
        for key, names in cls.RENAMED_VALUES.items():
            if isinstance(value := translated.get(key), str):
                translated[key] = names.get(value, value)
        return translated

    @classmethod
    def _find_older_names(cls, values: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
        for key, value in values.items():
            name = cls.RENAMED_KEYS.get(key, key)
            if name != key:
                yield _make_rename_error("key", key, key, name)
            names = cls.RENAMED_VALUES.get(name, {})
            if isinstance(value, str) and value in names:
                yield _make_rename_error("value", key, value, names[value])


def rename_kinds(names: Mapping[str, str], tag: str = "kind") -> WrapValidator:
    """For a union that `tag` chooses from: earlier name of a kind -> its name.

    Stands behind `Field(discriminator=tag)`, so that it comes before it.
    """

    def validate(values: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        kind = values.get(tag) if isinstance(values, Mapping) else None
        if not isinstance(kind, str) or kind not in names:
            return handler(values)
        refused = [] if info.context == OLDER_VERSION else [_make_rename_error(tag, tag, kind, names[kind])]
        return _validate_renamed({**values, tag: names[kind]}, handler, refused)

    return WrapValidator(validate)


def _validate_renamed(
    values: dict[str, Any], handler: Any, refused: Sequence[InitErrorDetails], given: Mapping[str, str] | None = None
) -> Any:
    """The config of `values`; with refused names in one error with all that is wrong besides.

    Args:
        values: by name of the key, as they are called now.
        handler: makes the config of them.
        refused: what to say of earlier names.
        given: name of a key -> its earlier name where that was given, by which errors within it are to be called.
    """
    try:
        config = handler(values)
    except ValidationError as error:
        if not (refused or given):
            raise
        further = [_copy_error(entry, given or {}) for entry in error.errors(include_url=False)]
    else:
        if not refused:
            return config
        further = []
    raise ValidationError.from_exception_data("settings", [*refused, *further])


def _make_rename_error(what: str, key: str, older: str, name: str) -> InitErrorDetails:
    text = f"{what} `{older}` is now called `{name}`"
    return InitErrorDetails(type=PydanticCustomError(RENAMED, cast(LiteralString, text)), loc=(key,), input=older)


def _copy_error(entry: Any, given: Mapping[str, str]) -> InitErrorDetails:
    """An error of pydantic's as one that can be raised again, in its words."""
    first, *rest = entry["loc"] or ("",)
    kind, text = cast(LiteralString, entry["type"]), cast(LiteralString, entry["msg"])
    place = (given.get(first, first), *rest) if entry["loc"] else ()
    return InitErrorDetails(type=PydanticCustomError(kind, text), loc=place, input=entry["input"])
