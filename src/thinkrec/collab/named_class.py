"""Scorers and encoders of somebody else's, named by their dotted class: `kind: mypackage.module.MyEncoder`.

The class of its settings is found at the class: `MyEncoder.Config`, or the annotation of the first argument of
`__init__`. A recipe that names a class runs the code of its module: read the recipes of strangers.
"""

from __future__ import annotations

import importlib
import inspect
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    SerializationInfo,
    ValidationError,
    ValidatorFunctionWrapHandler,
    model_serializer,
)
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

from thinkrec.io.hashing import hash_files

SCORER_METHODS = ("fit", "score", "save", "load")
ENCODER_METHODS = (*SCORER_METHODS, "encode_users", "encode_query", "encode_items")
ERROR = "named_class"
"""Type of the validation errors about a class that cannot be used."""


class NamedClassConfig(BaseModel):
    """A scorer or encoder of somebody else's, by its dotted class; the other keys are those of its own settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    """The dotted class, such as mypackage.module.MyEncoder; its package has to be installed or on PYTHONPATH."""
    settings: Any
    """Settings of the class, as it defines them; their keys stand beside `kind`."""

    @model_serializer
    def _join_keys(self, info: SerializationInfo) -> dict[str, Any]:
        return {"kind": self.kind, **self.settings.model_dump(mode=info.mode, exclude={"kind"})}


@dataclass(frozen=True)
class NamedClasses:
    """For a union that `kind` chooses from: what has a dot in it is the class of somebody else's scorer.

    Stands behind `Field(discriminator="kind")`, so that it comes before it.
    """

    methods: tuple[str, ...]
    """What a class must offer."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """The union with a way round it; what came by that way is written as its own class says."""
        return core_schema.no_info_wrap_validator_function(
            self._validate, handler(source), serialization=core_schema.simple_ser_schema("any")
        )

    def _validate(self, values: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        if isinstance(values, NamedClassConfig):
            find_scorer_class(values.kind, self.methods)
            return values
        kind = values.get("kind") if isinstance(values, Mapping) else None
        if not isinstance(kind, str) or "." not in kind:
            return handler(values)
        return parse_named_config(kind, {key: value for key, value in values.items() if key != "kind"}, self.methods)


def parse_named_config(kind: str, values: Mapping[str, Any], methods: Sequence[str]) -> NamedClassConfig:
    """The settings of a class of somebody else's, checked by its own config class.

    Raises ValidationError as pydantic does for the classes that come along: errors lie under the class's name.
    """
    config_class = find_config_class(find_scorer_class(kind, methods), kind)
    given = {"kind": kind, **values} if "kind" in config_class.model_fields else dict(values)
    unknown = [
        _make_entry("extra_forbidden", "unknown key", (kind, key), values[key])
        for key in values
        if config_class.model_config.get("extra", "ignore") == "ignore" and key not in _list_keys(config_class)
    ]
    try:
        settings = config_class.model_validate(given)
    except ValidationError as error:
        entries = [
            _make_entry(entry["type"], entry["msg"], (kind, *entry["loc"]), entry["input"])
            for entry in error.errors(include_url=False)
        ]
        raise ValidationError.from_exception_data(config_class.__name__, [*entries, *unknown]) from error
    if unknown:
        raise ValidationError.from_exception_data(config_class.__name__, unknown)
    return NamedClassConfig(kind=kind, settings=settings)


def find_scorer_class(kind: str, methods: Sequence[str] = SCORER_METHODS) -> type:
    """Import the class of a dotted name. Raises PydanticCustomError saying what is missing, and where."""
    module_name, _, class_name = kind.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if not f"{module_name}.".startswith(f"{error.name}."):
            raise _make_error(f"module {module_name} cannot be imported: {error}; install what it needs") from error
        raise _make_error(
            f"there is no module {error.name!r} for kind {kind!r}; install its package, or put the folder that "
            "holds it on PYTHONPATH"
        ) from error
    except ImportError as error:
        raise _make_error(f"module {module_name} cannot be imported: {error}") from error
    scorer_class = getattr(module, class_name, None)
    if not isinstance(scorer_class, type):
        raise _make_error(f"module {module_name} ({module.__file__}) has no class {class_name!r}; check the spelling")
    missing = [name for name in methods if not callable(getattr(scorer_class, name, None))]
    if missing:
        raise _make_error(
            f"class {kind} lacks {', '.join(missing)}; `thinkrec.Encoder` and `thinkrec.Scorer` say what each gives"
        )
    return scorer_class


def find_config_class(scorer_class: type, kind: str) -> type[BaseModel]:
    """The class of a scorer's settings: its `Config`, or what its `__init__` takes. Raises PydanticCustomError."""
    candidate = getattr(scorer_class, "Config", None)
    if candidate is None:
        candidate = next(iter(_read_argument_types(scorer_class)), None)
    if not (isinstance(candidate, type) and issubclass(candidate, BaseModel)):
        raise _make_error(
            f"class {kind} does not say what its settings are: give it a pydantic model as `{scorer_class.__name__}"
            ".Config`, or as the type of the first argument of `__init__`"
        )
    return candidate


def hash_class_source(kind: str) -> str:
    """Hash of the file that a dotted class stands in: a stage made by other code is made again."""
    source = inspect.getsourcefile(find_scorer_class(kind))
    return hash_files([Path(source)]) if source else ""


def _read_argument_types(scorer_class: type) -> list[Any]:
    """The types of the arguments of `__init__`, without None, in order."""
    initialiser = vars(scorer_class).get("__init__")
    if initialiser is None:
        return []
    hints = typing.get_type_hints(initialiser)
    hints.pop("return", None)
    return [
        option for hint in hints.values() for option in (typing.get_args(hint) or (hint,)) if option is not type(None)
    ]


def _list_keys(config_class: type[BaseModel]) -> set[str]:
    """Names that a key of the settings may go by."""
    aliases = {field.alias for field in config_class.model_fields.values() if field.alias}
    return {*config_class.model_fields, *aliases}


def _make_entry(kind: str, text: str, place: tuple[int | str, ...], given: Any) -> InitErrorDetails:
    error = PydanticCustomError(cast(LiteralString, kind), cast(LiteralString, text))
    return InitErrorDetails(type=error, loc=place, input=given)


def _make_error(text: str) -> PydanticCustomError:
    return PydanticCustomError(ERROR, cast(LiteralString, text.replace("{", "{{").replace("}", "}}")))
