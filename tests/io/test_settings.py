"""Settings by dotted key, and errors that name keys as a user writes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from thinkrec.errors import RecipeError
from thinkrec.io.settings import explain_validation_error, parse_settings, set_key


class Api(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["api"] = "api"
    size: int = 1


class Rules(BaseModel):
    kind: Literal["rules"] = "rules"


Teacher = Annotated[Api | Rules, Field(discriminator="kind")]


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")
    teacher: Teacher = Api()


def told(kind: Any, content: dict[str, Any], **options: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(content)
    return str(explain_validation_error(caught.value, "here", **options))


def test_values_are_yaml_and_groups_are_made() -> None:
    content: dict[str, Any] = {"a": {"b": 1}}
    parse_settings(content, ["a.c=[1, x]", "d.e.f=null", "g=k=v", "a.b=2"], "option", "KEY=VALUE")
    assert content == {"a": {"b": 2, "c": [1, "x"]}, "d": {"e": {"f": None}}, "g": "k=v"}


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("a", "option 'a' must read KEY=VALUE"),
        ("a.b=1", r"option 'a\.b=1': 'a' is a value, not a group of keys"),
        ("c=[1", r"option 'c=\[1': the value is not valid YAML"),
    ],
)
def test_a_setting_that_cannot_be_set_is_named(setting: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        parse_settings({"a": 3}, [setting], "option", "KEY=VALUE")


def test_a_group_is_never_put_into_a_value() -> None:
    content: dict[str, Any] = {"a": {"b": 1}}
    with pytest.raises(RecipeError, match="'b' is a value"):
        set_key(content, "a.b.c", 1, "here")
    assert content == {"a": {"b": 1}}


def test_one_key_of_a_section_that_is_not_there_keeps_the_others_of_its_defaults() -> None:
    usual = {"a": {"b": 1, "c": {"d": 2, "e": 3}}, "off": None}
    content: dict[str, Any] = {}
    parse_settings(content, ["a.c.d=5"], "option", "KEY=VALUE", usual)
    assert content == {"a": {"b": 1, "c": {"d": 5, "e": 3}}}
    assert usual["a"]["c"]["d"] == 2, "the defaults themselves stay"
    with pytest.raises(RecipeError, match="'off' is null, so switched off; switch it on first"):
        parse_settings({"off": None}, ["off.x=1"], "option", "KEY=VALUE", usual)


def test_the_type_of_a_section_is_chosen_before_its_keys() -> None:
    content: dict[str, Any] = {}
    usual = {"encoder": {"kind": "mf", "biases": False}}
    parse_settings(content, ["encoder.layers=3", "encoder.kind=lightgcn"], "option", "KEY=VALUE", usual)
    assert content == {"encoder": {"kind": "lightgcn", "layers": 3}}


def test_errors_name_the_key_as_it_is_written() -> None:
    assert told(Whole, {"taecher": 1}) == "here:\n  taecher: unknown key; remove it or check its spelling"
    unknown = "unknown key for 'api'; remove it or check its spelling"
    assert told(Whole, {"teacher": {"kind": "api", "x": 1}}) == f"here:\n  teacher.x: {unknown}"
    assert told(Teacher, {"kind": "api", "x": 1}, tagged=True, hint="!") == f"here:\n  x: {unknown}!"
    wrong = told(Teacher, {"kind": "api", "size": "secret"}, tagged=True)
    assert wrong.startswith("here:\n  size: Input should be") and "secret" not in wrong
    assert told(Teacher, {"kind": "api", "size": "big"}, tagged=True, echo=True).endswith("(got 'big')")
    assert told(Teacher, {"kind": "none"}, tagged=True).startswith("here:\n  Input tag 'none'")
