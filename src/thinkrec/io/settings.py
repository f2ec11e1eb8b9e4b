"""Settings as a user gives them: KEY=VALUE, dotted keys inside plain values, and what is wrong with them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml
from pydantic import ValidationError

from thinkrec.errors import RecipeError
from thinkrec.io.config import RENAMED

UNIONS = ("data", "model", "encoder", "gate", "split", "teacher")
"""Keys whose value is one of several types; pydantic adds the type's name to the path of an error inside."""


TAGS = ("kind", "by")
"""Keys that choose the type of their section."""


def parse_settings(
    content: dict[str, Any], given: Sequence[str], source: str, form: str, defaults: Mapping[str, Any] | None = None
) -> None:
    """Put settings such as `model.prompt.history=20` into `content`; each value is read as YAML.

    Args:
        content: nested plain values, changed in place.
        given: the settings, each `key=value`.
        source: what gave them, in messages, such as an option.
        form: how one should read, in messages, with an example.
        defaults: all values as they are without the settings. A section that `content` does not name starts from these,
            so that one key of it can be set alone.

    Raises RecipeError for one of another form, or whose key lies within a plain value.
    """
    settings = []
    for setting in given:
        key, equals, text = setting.partition("=")
        if not equals:
            raise RecipeError(f"{source} {setting!r} must read {form}")
        try:
            settings.append((key, yaml.safe_load(text), f"{source} {setting!r}"))
        except yaml.YAMLError as error:
            raise RecipeError(f"{source} {setting!r}: the value is not valid YAML; put quotes around a text") from error
    # What chooses a section's type goes first: the other keys are those of that type.
    for key, value, named in sorted(settings, key=lambda setting: setting[0].rpartition(".")[2] not in TAGS):
        set_key(content, key, value, named, defaults)


def set_key(
    content: dict[str, Any], key: str, value: Any, source: str, defaults: Mapping[str, Any] | None = None
) -> None:
    """Set a dotted key in nested plain values, making groups on the way, from `defaults` where it has them.

    Raises RecipeError, naming `source`, where a value stands in the place of a group, or the group is switched off.
    """
    *groups, last = key.split(".")
    usual: Any = defaults
    for group in groups:
        usual = usual.get(group) if isinstance(usual, Mapping) else None
        if group not in content:
            # A section whose type is about to be chosen does not start from the keys of another type.
            content[group] = copy.deepcopy(usual) if isinstance(usual, dict) and last not in TAGS else {}
        inner = content[group]
        if inner is None:
            raise RecipeError(
                f"{source}: {group!r} is null, so switched off; switch it on first, by giving the whole section such "
                f"as {group}={{...}}, or take the null out of the recipe"
            )
        if not isinstance(inner, dict):
            raise RecipeError(f"{source}: {group!r} is a value, not a group of keys")
        content = inner
    content[last] = value


def explain_validation_error(
    error: ValidationError,
    source: str,
    *,
    tagged: bool = False,
    hint: str = "",
    echo: bool = False,
    where: Callable[[str], str] | None = None,
) -> RecipeError:
    """The error to raise: `source`, and every wrong key as it is written in YAML.

    Args:
        error: what pydantic says.
        source: what was checked, in the message.
        tagged: whether what was checked is itself of one of several types.
        hint: added where a key is not known, such as a command that lists all keys.
        echo: also show the values that were refused; not where a secret could be among them.
        where: gives, for a dotted key, what to add to its message, such as the file it stands in.
    """
    lines = [_format_error_line(entry, tagged, hint, echo, where) for entry in error.errors()]
    return RecipeError(f"{source}:\n  " + "\n  ".join(lines))


def _format_error_line(entry: Any, tagged: bool, hint: str, echo: bool, where: Callable[[str], str] | None) -> str:
    path = [str(part) for part in entry["loc"]]
    types = [_is_type_name(path, place, tagged) for place in range(len(path))]
    if entry["type"] == RENAMED:
        types[-1] = False  # a section's own `kind` stands where else the name of its type does
    key = ".".join(part for part, is_type in zip(path, types, strict=True) if not is_type)
    place = where(key) if where else ""
    if entry["type"] == "extra_forbidden":
        owner = f" for {path[-2]!r}" if len(path) > 1 and types[-2] else ""
        return f"{key}: unknown key{owner}; remove it or check its spelling{hint}{place}"
    if entry["type"] == RENAMED:
        return f"{key}: {entry['msg']}{place}"
    return (f"{key}: " if key else "") + entry["msg"] + (f" (got {entry.get('input')!r})" if echo else "") + place


def _is_type_name(path: list[str], place: int, tagged: bool) -> bool:
    if place == 0:
        return tagged
    return path[place - 1] in UNIONS or (place > 1 and path[place - 2] == "baselines")
