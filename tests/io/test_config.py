"""Settings with earlier names: refused from a user, read where an older version wrote them."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from thinkrec.io.config import OLDER_VERSION, RENAMED, Config, rename_kinds
from thinkrec.io.settings import explain_validation_error


class Gate(Config):
    """A section with a renamed key."""

    RENAMED_KEYS: ClassVar = {"flat": "threshold"}

    threshold: float = Field(default=1.0, gt=0)


class Simulated(Config):
    """A kind that was renamed, with a section that was."""

    RENAMED_KEYS: ClassVar = {"world": "simulator"}

    kind: Literal["simulator"] = "simulator"
    simulator: Gate = Gate()


class Tables(Config):
    """Another kind."""

    kind: Literal["tables"] = "tables"


Data = Annotated[Simulated | Tables, Field(discriminator="kind"), rename_kinds({"world": "simulator"})]


class Whole(Config):
    """A renamed key whose values were renamed too."""

    RENAMED_KEYS: ClassVar = {"cite": "policy"}
    RENAMED_VALUES: ClassVar = {"policy": {"agreeing": "polarity"}}

    policy: Literal["polarity", "any"] = "any"
    data: Data = Tables()
    more: dict[str, Data] = Field(default_factory=dict)


def list_errors(content: dict[str, Any], kind: Any = Whole) -> dict[str, tuple[str, str]]:
    """Dotted place -> (type, message) of what is refused."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(content)
    return {".".join(map(str, entry["loc"])): (entry["type"], entry["msg"]) for entry in caught.value.errors()}


def test_an_earlier_key_is_refused_with_its_name() -> None:
    assert list_errors({"flat": 2.0}, Gate) == {"flat": (RENAMED, "key `flat` is now called `threshold`")}
    with pytest.raises(ValidationError, match="key `flat` is now called `threshold`"):
        Gate(flat=2.0)  # type: ignore[call-arg]


def test_an_earlier_value_is_refused_with_its_name() -> None:
    found = list_errors({"policy": "agreeing"})
    assert found == {"policy": (RENAMED, "value `agreeing` is now called `polarity`")}


def test_an_earlier_kind_is_refused_with_its_name() -> None:
    named = (RENAMED, "kind `world` is now called `simulator`")
    assert list_errors({"data": {"kind": "world"}}) == {"data.kind": named}
    assert list_errors({"kind": "world"}, Data) == {"kind": named}


def test_everything_that_is_wrong_is_said_at_once_under_the_keys_that_were_given() -> None:
    content = {
        "cite": "agreeing",
        "other": 1,
        "data": {"kind": "world", "world": {"flat": -1.0}},
        "more": {"a": {"kind": "tables", "x": 1}},
    }
    with pytest.raises(ValidationError) as caught:
        Whole.model_validate(content)
    lines = str(explain_validation_error(caught.value, "mine.yaml", echo=True)).splitlines()
    assert lines[0] == "mine.yaml:"
    assert sorted(line.strip() for line in lines[1:]) == [
        "cite: key `cite` is now called `policy`",
        "cite: value `agreeing` is now called `polarity`",
        "data.kind: kind `world` is now called `simulator`",
        "data.world.flat: Input should be greater than 0 (got -1.0)",
        "data.world.flat: key `flat` is now called `threshold`",
        "data.world: key `world` is now called `simulator`",
        "more.a.tables.x: unknown key; remove it or check its spelling",
        "other: unknown key; remove it or check its spelling",
    ]


def test_an_older_version_is_read_in_silence() -> None:
    content = {"cite": "agreeing", "data": {"kind": "world", "world": {"flat": 3.0}}, "more": {"a": {"kind": "world"}}}
    expected = Whole(policy="polarity", data=Simulated(simulator=Gate(threshold=3.0)), more={"a": Simulated()})
    assert Whole.model_validate(content, context=OLDER_VERSION) == expected
    dumped = expected.model_dump(mode="json")
    assert Whole.model_validate(dumped) == Whole.model_validate(dumped, context=OLDER_VERSION) == expected


def test_an_older_version_may_not_hold_unknown_keys_either() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Whole.model_validate({"data": {"kind": "world", "wrold": {}}}, context=OLDER_VERSION)


def test_values_without_earlier_names_are_checked_as_ever() -> None:
    assert list_errors({"threshold": 0.0}, Gate)["threshold"][0] == "greater_than"
    assert Whole.model_validate_json('{"policy": "polarity"}').policy == "polarity"
    assert Whole.model_validate(Whole()) == Whole()
    assert list_errors({"data": {"kind": "nowhere"}})["data"][0] == "union_tag_invalid"
