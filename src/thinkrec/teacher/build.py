"""Construction of a teacher from its config."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thinkrec.errors import RecipeError
from thinkrec.teacher.client import NOTHING, Teacher, Usage
from thinkrec.teacher.config import TeacherConfig

if TYPE_CHECKING:
    from thinkrec.data.dataset import Dataset


def build_teacher(config: TeacherConfig, ds: Dataset | None = None, *, spent: Usage = NOTHING) -> Teacher:
    """The teacher that a config names.

    Args:
        config: kind and settings of the teacher.
        ds: the data, for the rule-based teacher.
        spent: usage of earlier starts, which counts against its budget.

    Raises:
        RecipeError: where something it needs is missing (address, model, key, a package, the data).
    """
    if config.kind == "api":
        from thinkrec.teacher.api import ChatApiTeacher

        return ChatApiTeacher(config, spent=spent)
    if config.kind == "local":
        from thinkrec.teacher.local import LocalModelTeacher

        return LocalModelTeacher(config, spent=spent)
    if ds is None:
        raise RecipeError("the rule-based teacher needs the data set; choose teacher.kind api or local")
    from thinkrec.teacher.rules import RuleBasedTeacher

    return RuleBasedTeacher(config, ds)


def format_teacher_name(config: TeacherConfig) -> str:
    """The name that the built teacher would have, without address, key or weights. Raises RecipeError."""
    if config.kind == "api":
        from thinkrec.teacher.endpoint import format_api_teacher_name

        return format_api_teacher_name(config)
    if config.kind == "local":
        from thinkrec.teacher.local import format_local_teacher_name

        return format_local_teacher_name(config)
    from thinkrec.teacher.rules import format_rules_teacher_name

    return format_rules_teacher_name(config)
