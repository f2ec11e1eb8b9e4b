"""Questions to an API teacher whose endpoint answers by a script."""

from __future__ import annotations

import json
from typing import Any

from support.scripted_server import Reaction, Served, serve
from thinkrec.teacher.api import ChatApiTeacher
from thinkrec.teacher.client import Answer
from thinkrec.teacher.config import ApiTeacherConfig, Retries
from thinkrec.testing import make_questions

QUICK = Retries(max_retries=2, initial_backoff=0.01, max_backoff=0.03)


def config(served: Served, **changes: Any) -> ApiTeacherConfig:
    values = {"model": "m", "base_url": served.url, "retries": QUICK, "timeout": 5.0, "concurrency": 4}
    return ApiTeacherConfig(**{**values, **changes})


def ask(settings: ApiTeacherConfig, n: int = 1) -> list[Answer]:
    found: list[Answer] = []
    ChatApiTeacher(settings).ask(make_questions(n), lambda _, answer: found.append(answer))
    return found


def one(reaction: Reaction) -> tuple[Answer, Served]:
    with serve(lambda request: reaction) as served:
        (answer,) = ask(config(served))
    return answer, served


def answered(found: Any, **more: Any) -> Reaction:
    return Reaction(body=json.dumps(found).encode(), **more)


def error(status: int, content: Any) -> Reaction:
    return answered(content, status=status)
