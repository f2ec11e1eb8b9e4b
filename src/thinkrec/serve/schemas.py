"""Requests over HTTP, with limits and examples; what is not named here is refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def check_text(text: str) -> str:
    """Raises ValueError for a NUL, which databases cannot store; pydantic refuses lone surrogates itself."""
    if "\0" in text:
        raise ValueError("holds a NUL character; take it out")
    return text


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(check_text)]
Id = Name | Annotated[int, Field(ge=-(2**63), lt=2**63)]
Deadline = Annotated[float | None, Field(gt=0, le=120, description="Seconds; by default the service's own.")]
ReasonField = Literal["none", "rules", "model", "auto"]


class Body(BaseModel):
    """The base of all requests."""

    model_config = ConfigDict(extra="forbid")


class Opinion(Body):
    """One entry of a history."""

    item: Id
    liked: bool


class Asker(Body):
    """Who is asked for: a known user, or a history sent along."""

    user: Id | None = None
    history: list[Opinion] | None = Field(default=None, max_length=1000)
    deadline: Deadline = None

    def get_history(self) -> list[tuple[Any, bool]] | None:
        """As the service takes it."""
        return None if self.history is None else [(entry.item, entry.liked) for entry in self.history]


class RecommendRequest(Asker):
    """Rank what the user has not met."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"user": 17, "top": 5}]})

    top: int = Field(default=10, ge=1, le=100)
    reasons: ReasonField = "none"


class RankRequest(RecommendRequest):
    """Rank given candidates."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"history": [{"item": 3, "liked": True}], "candidates": [14, 15]}]}
    )

    candidates: list[Id] = Field(min_length=1, max_length=2000)


class ScoreRequest(Body):
    """Score pairs of known users and items."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"pairs": [[17, 42]]}]})

    pairs: list[tuple[Id, Id]] = Field(min_length=1, max_length=2000)
    deadline: Deadline = None


class ExplainRequest(Asker):
    """Explain one pair."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"user": 17, "item": 42}]})

    item: Id
    reason: ReasonField = "auto"
    effects: bool = False


class ChangeBody(Body):
    """One change: an opinion from then on, or null to take the item out."""

    item: Id
    liked: bool | None = None


class WhatIfRequest(Asker):
    """A history and a changed one."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"user": 17, "changes": [{"item": 42, "liked": True}], "candidates": [7]}]}
    )

    changes: list[ChangeBody] = Field(min_length=1, max_length=100)
    candidates: list[Id] | None = Field(default=None, min_length=1, max_length=2000)
    item: Id | None = None
    top: int = Field(default=20, ge=1, le=100)
    reason: ReasonField = "rules"
    effects: bool = False


class CompareRequest(Asker):
    """What two runs answer; the changes are made to the history for both."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"user": 17, "changes": [{"item": 42, "liked": False}], "item": 7, "top": 5}]}
    )

    changes: list[ChangeBody] = Field(default=[], max_length=100)
    candidates: list[Id] | None = Field(default=None, min_length=1, max_length=2000)
    item: Id | None = None
    top: int = Field(default=10, ge=1, le=100)
    reason: ReasonField = "rules"
    effects: bool = False


class InteractionRequest(Body):
    """An opinion to remember."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"user": 17, "item": 42, "liked": True}]})

    user: Id
    item: Id
    liked: bool
    timestamp: int | None = Field(default=None, ge=0, lt=2**62)
    key: Name | None = None


class RerankRequest(Body):
    """The shape of Cohere's and Jina's clients; `query` is a user id, documents are item ids."""

    model_config = ConfigDict(
        extra="ignore", json_schema_extra={"examples": [{"model": "thinkrec", "query": "17", "documents": ["3", "14"]}]}
    )

    query: Name
    documents: list[Id] = Field(min_length=1, max_length=2000)
    top_n: int | None = Field(default=None, ge=1)
    model: str | None = Field(default=None, max_length=200)
