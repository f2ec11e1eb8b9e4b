"""What every key of a recipe means, read from the classes themselves."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from thinkrec.run.recipe import Recipe


@dataclass(frozen=True)
class RecipeKey:
    """One key of a recipe section."""

    name: str
    type: str
    default: str
    text: str


@dataclass(frozen=True)
class RecipeSection:
    """The keys that stand together in a recipe."""

    places: tuple[str, ...]
    """Dotted paths where the section can stand; empty text for the top."""
    kind: str
    """What chooses it, such as "kind: mf"; empty where nothing else can stand there."""
    text: str
    keys: tuple[RecipeKey, ...]


def list_recipe_sections() -> list[RecipeSection]:
    """Every class of keys once, in the order in which a recipe reaches it."""
    places: dict[type[BaseModel], list[str]] = {}
    _collect_places(Recipe, "", places)
    return [
        RecipeSection(tuple(at), _format_kind(model), _read_first_line(model), tuple(_describe_keys(model)))
        for model, at in places.items()
    ]


def _collect_places(model: type[BaseModel], place: str, places: dict[type[BaseModel], list[str]]) -> None:
    if place in places.setdefault(model, []):
        return
    places[model].append(place)
    for name, field in model.model_fields.items():
        within = f"{place}.{name}" if place else name
        if getattr(field.annotation, "__origin__", None) is dict:
            within += ".NAME"
        for inner in _find_config_models(field.annotation):
            _collect_places(inner, within, places)


def _find_config_models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _find_config_models(inner)


def _describe_keys(model: type[BaseModel]) -> Iterator[RecipeKey]:
    written = _read_field_sources(model)
    for name, field in model.model_fields.items():
        kind, text = written.get(name, (str(field.annotation), ""))
        if get_origin(field.annotation) is Literal:  # also where it has a name of its own, such as Cite
            kind = f"Literal{list(get_args(field.annotation))}"
        limits = [_format_limit(limit) for limit in field.metadata]
        yield RecipeKey(name, ", ".join([kind, *filter(None, limits)]), _format_default(field), text)


def _read_field_sources(model: type[BaseModel]) -> dict[str, tuple[str, str]]:
    """Field -> (annotation as written, the docstring under it)."""
    sources: dict[str, tuple[str, str]] = {}
    for owner in reversed(model.__mro__):
        if not issubclass(owner, BaseModel) or owner is BaseModel:
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0]
        assert isinstance(body, ast.ClassDef)
        for node, after in zip(body.body, [*body.body[1:], None], strict=True):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                text = (
                    after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
                )
                sources[node.target.id] = (ast.unparse(node.annotation), " ".join(str(text).split()))
    return sources


def _format_limit(limit: Any) -> str:
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<", "min_length": "length >=", "max_length": "length <="}
    return next((f"{sign} {getattr(limit, name)}" for name, sign in signs.items() if hasattr(limit, name)), "")


def _format_default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return _format_kind(type(value)) or "see below"
    return "null" if value is None else str(value)


def _format_kind(model: type[BaseModel]) -> str:
    for name in ("kind", "by"):
        if name in model.model_fields:
            return f"{name}: {model.model_fields[name].default}"
    return ""


def _read_first_line(model: type[BaseModel]) -> str:
    return (inspect.getdoc(model) or "").partition("\n\n")[0].replace("\n", " ")
